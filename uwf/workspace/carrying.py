"""Snapshots of one thread out of one repository and into another: in a file that git understands, or by a remote.

A file has all but what every clone of the project has or can fetch, see `shared`: whoever has one needs no more.
"""

from __future__ import annotations

from uwf.errors import InputError, StateError, WorkspaceError
from uwf.workspace.git import failed
from uwf.workspace.snapshot import REFS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.workspace.git import Git


_FETCH = (
    *("-c", "fetch.fsckObjects=true", "fetch", "-q", "--no-tags", "--no-write-fetch-head"),
    "--no-auto-maintenance",
)

ON_REMOTES = ("--remotes",)
"""What any remote was seen to have, a branch that is gone since or a remote of this clone alone too: for `--not`."""

NETWORK_S = 120.0
"""How long a remote may take: a step waits for it, and can do without."""


def shared(git: Git) -> Sequence[str]:
    """What every clone of the project has or can fetch, for `--not`: all that the main branches of its remotes have in
    common. Other branches may be gone from their remote by now, and other clones may lack a remote.
    """
    mains = []
    for remote in git.run("remote").decode(errors="surrogateescape").split():
        names = (f"refs/remotes/{remote}/{branch}" for branch in ("HEAD", "main", "master"))
        mains += [tip for tip in map(git.commit_of, names) if tip is not None][:1]
    if not mains:
        return ON_REMOTES
    answer = git.ask("merge-base", "--octopus", *mains)
    return ON_REMOTES if answer.code else (answer.text.strip(),)


def pack(git: Git, thread: str, commits: Sequence[str], path: str) -> None:
    """Write the snapshots of `thread`, and the `commits` beside them, into a new file. Commits that are not there any
    more are left out. StateError where nothing was ever kept.
    """
    asked = "".join(f"{commit}\n" for commit in dict.fromkeys(commits)).encode()
    there = git.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked)
    found = [line.split()[0] for line in there.decode().splitlines() if line.endswith(" commit")]
    names = [f"{REFS}{thread}/carried-{commit[:12]}" for commit in found]
    orders = "".join(f"update {name} {commit}\n" for name, commit in zip(names, found, strict=True))
    git.run("update-ref", "--stdin", stdin=orders.encode())
    if not git.line("for-each-ref", "--count=1", f"{REFS}{thread}/"):
        raise StateError(
            f"nothing was kept yet of the worktree of thread {thread}",
            hint=f"uwf thread exec {thread}",
            code="no_snapshot",
        )
    git.run("bundle", "create", "-q", path, f"--glob={REFS}{thread}/", "--not", *shared(git))


def check(git: Git, path: str) -> None:
    """InputError where the file is none, or the repository lacks what it builds on."""
    answer = git.ask("bundle", "verify", path)
    if answer.code:
        said = " ".join(answer.said.removeprefix("error: ").split())[:300]
        raise InputError(
            f"{path} does not fit the repository {git.folder}: {said}",
            hint="git fetch --all",
            code="bad_bundle",
        )


def unpack(git: Git, thread: str, path: str) -> None:
    """Take in the snapshots of `thread`; every object is checked, and no other ref is made."""
    words = (*_FETCH, path, f"+{REFS}{thread}/*:{REFS}{thread}/*")
    answer = git.ask(*words)
    if answer.code:
        raise failed(git.folder, words[2:], answer)


def size_beyond(git: Git, commit: str, known: Sequence[str]) -> int:
    """About how many bytes `commit` takes beyond what is `known`: commits, or words that `--not` takes."""
    words = ("rev-list", "--disk-usage", "--objects", commit, "--not", *known)
    return int(git.line(*words))


def pack_beyond(git: Git, refs: Sequence[str], known: Sequence[str], path: str) -> None:
    """Write the commits at `refs` into the file at `path`, but for what is `known`, see `size_beyond`."""
    git.run("bundle", "create", "-q", path, *refs, "--not", *known)


def remote_of(git: Git, branch: str | None) -> str | None:
    """The remote that `branch` is of, else `origin`, else the only one; None where that is not said."""
    said = git.ask("config", f"branch.{branch}.remote") if branch else None
    names = git.run("remote").decode(errors="surrogateescape").split()
    if said is not None and said.text in names:
        return said.text
    if "origin" in names:
        return "origin"
    return names[0] if len(names) == 1 else None


def push(git: Git, remote: str, refs: Sequence[str]) -> str | None:
    """Let `remote` have `refs`; why it has not, None where it has."""
    return _why_not(git, "push", "-q", "--no-verify", remote, *(f"+{ref}:{ref}" for ref in refs))


def fetch_snapshots(git: Git, remote: str, thread: str) -> str | None:
    """Take in the snapshots of `thread` that `remote` has; why that cannot be."""
    return _why_not(git, *_FETCH, remote, f"+{REFS}{thread}/*:{REFS}{thread}/*")


def fetch_all(git: Git) -> str | None:
    """Bring what is known of each remote up to date; why that cannot be."""
    return _why_not(git, "fetch", "-q", "--all", "--no-write-fetch-head", "--no-auto-maintenance")


def has_kept(git: Git, thread: str, commit: str) -> bool:
    """Whether a snapshot of `thread` has all that is in `commit`."""
    words = ("for-each-ref", "--count=1", f"--contains={commit}", f"{REFS}{thread}/")
    return bool(git.line(*words))


def _why_not(git: Git, *words: str) -> str | None:
    try:
        answer = git.ask(*words, timeout_s=NETWORK_S)
    except WorkspaceError as error:
        return error.message
    return failed(git.folder, words, answer).message if answer.code else None
