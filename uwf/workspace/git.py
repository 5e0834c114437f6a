"""One call of git. What is set in the environment for another git, hooks, prompts and pagers have no part in it.

Filters (`clean`, `smudge`, LFS) are the user's own configuration and run as they do for the user: without them files
would be others than the ones in the checkout.
"""

from __future__ import annotations

import os
import subprocess
import threading

from uwf.errors import WorkspaceError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

TIMEOUT_S = 1800.0
"""A git that takes longer than this hangs: on a dead network disk, in a filter."""

NOBODY = "uwf"
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", NOBODY), ("EMAIL", "uwf@localhost"))
}

_SETTINGS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "advice.detachedHead=false"),
    *("-c", "submodule.recurse=false"),
    *("-c", "core.fsyncMethod=batch"),  # one call waits for the disk once
)

SAID_CHARS = 500


def together(*calls: Callable[[], Any]) -> list[Any]:
    """What each of the calls gives, which are made at the same time. The first error is raised when all have ended."""
    found: list[tuple[Any, BaseException | None]] = [(None, None)] * len(calls)

    def make(at: int) -> None:
        try:
            found[at] = calls[at](), None
        except BaseException as error:  # raised in the thread that waits
            found[at] = None, error

    others = [threading.Thread(target=make, args=(at,)) for at in range(1, len(calls))]
    for other in others:
        other.start()
    make(0)
    for other in others:
        other.join()
    for _, error in found:
        if error is not None:
            raise error
    return [answer for answer, _ in found]


class GitAnswer(Record):
    """What a call has said; `code` is how it ended."""

    code: int
    out: bytes
    said: str

    @property
    def text(self) -> str:
        """Its output, as far as it is text, without the last line's end."""
        return self.out.decode(errors="surrogateescape").rstrip("\n")


class Git:
    """git, called in `folder`: the topmost of a worktree, or the git folder of a repository. `environ` is that of the
    process; `index` a file that stands in for the index.

    No repository is looked for above: that of a home which is itself in one is not that of its worktrees.
    """

    def __init__(
        self,
        folder: str,
        environ: Mapping[str, str],
        index: str | None = None,
        *,
        looks_above: bool = False,
    ) -> None:
        self.folder = folder
        self._environ = {
            name: value for name, value in environ.items() if not name.startswith("GIT_")
        }
        self._index = index
        self._looks_above = looks_above

    def at(self, folder: str) -> Git:
        """The same git in another folder."""
        return Git(folder, self._environ)

    def with_index(self, index: str) -> Git:
        """The same git, with another index."""
        return Git(self.folder, self._environ, index)

    def looking_above(self) -> Git:
        """The same git for a folder that may be anywhere in a checkout."""
        return Git(self.folder, self._environ, looks_above=True)

    @property
    def _place(self) -> dict[str, str]:
        if self._looks_above:
            return {}
        is_git_folder = os.path.isfile(os.path.join(self.folder, "HEAD")) and os.path.isdir(
            os.path.join(self.folder, "objects")
        )
        if is_git_folder:
            return {"GIT_DIR": self.folder}
        return {"GIT_CEILING_DIRECTORIES": os.path.dirname(self.folder)}

    def ask(
        self,
        *words: str,
        stdin: bytes = b"",
        identity: Mapping[str, str] = IDENTITY,
        timeout_s: float = TIMEOUT_S,
    ) -> GitAnswer:
        """Call it, whatever it ends with. WorkspaceError where there is no git, or it hangs."""
        env = {
            **self._environ,
            **identity,
            **self._place,
            "LC_ALL": "C.UTF-8",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_EDITOR": "false",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_LITERAL_PATHSPECS": "1",
        }
        if self._index is not None:
            env["GIT_INDEX_FILE"] = self._index
        try:
            done = subprocess.run(
                ["git", *_SETTINGS, *words],
                cwd=self.folder,
                env=env,
                input=stdin,
                capture_output=True,
                timeout=timeout_s,
                start_new_session=True,  # no terminal to ask at, and a Ctrl-C leaves it whole
            )
        except FileNotFoundError as error:
            raise _not_started(self.folder, error) from error
        except NotADirectoryError as error:
            raise WorkspaceError(f"{self.folder} is not a folder") from error
        except subprocess.TimeoutExpired as error:
            raise WorkspaceError(
                f"git {words[0]} did not end within {timeout_s / 60:g} minutes in {self.folder}",
                code="git_failed",
            ) from error
        return GitAnswer(done.returncode, done.stdout, done.stderr.decode(errors="replace").strip())

    def run(self, *words: str, stdin: bytes = b"", identity: Mapping[str, str] = IDENTITY) -> bytes:
        """Its output. WorkspaceError with git's own words where it fails."""
        answer = self.ask(*words, stdin=stdin, identity=identity)
        if answer.code:
            raise failed(self.folder, words, answer)
        return answer.out

    def line(self, *words: str) -> str:
        """Its output, which is one line."""
        return self.run(*words).decode(errors="surrogateescape").rstrip("\n")

    def commit_of(self, name: str) -> str | None:
        """The commit that `name` stands for; None where there is none."""
        answer = self.ask("rev-parse", "-q", "--verify", f"{name}^{{commit}}")
        return answer.text if answer.code == 0 else None

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether all that is in the commit `old` is in `new`."""
        return self.ask("merge-base", "--is-ancestor", old, new).code == 0


def own_git_folder(path: str) -> str | None:
    """git's own folder of the worktree at `path`; None where its `.git` leads to none."""
    try:
        with open(os.path.join(path, ".git"), errors="surrogateescape") as file:
            line = file.read(8192).strip()
    except OSError:
        return None
    folder = os.path.join(path, line.removeprefix("gitdir: "))  # which may be a relative path
    return folder if line.startswith("gitdir: ") and os.path.isdir(folder) else None


def failed(folder: str, words: tuple[str, ...], answer: GitAnswer) -> WorkspaceError:
    """The error for a call that should not have failed."""
    what = next((word for word in words if not word.startswith("-") and "=" not in word), "")
    said = " ".join(answer.said.removeprefix("fatal: ").removeprefix("error: ").split())
    why = said[:SAID_CHARS] or f"it ended with code {answer.code}"
    return WorkspaceError(f"git {what} failed in {folder}: {why}", code="git_failed")


def _not_started(folder: str, error: FileNotFoundError) -> WorkspaceError:
    if error.filename == "git":
        return WorkspaceError(
            "there is no git here, and a worktree is made by it",
            hint="git --version",
            code="no_git",
        )
    return WorkspaceError(f"the folder {folder} is not there", code="no_folder")
