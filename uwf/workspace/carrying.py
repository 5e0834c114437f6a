"""Snapshots of one thread in a file that git understands, out of one repository and into another.

It has all that no remote of the repository has: whoever has a clone of that needs no more.
"""

from __future__ import annotations

from uwf.errors import InputError, StateError
from uwf.workspace.git import failed
from uwf.workspace.snapshot import REFS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.workspace.git import Git


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
    git.run("bundle", "create", "-q", path, f"--glob={REFS}{thread}/", "--not", "--remotes")


def check(git: Git, path: str) -> None:
    """InputError where the file is none, or the repository lacks what it builds on."""
    answer = git.ask("bundle", "verify", "-q", path)
    if answer.code:
        said = " ".join(answer.said.removeprefix("error: ").split())[:300]
        raise InputError(
            f"{path} does not fit the repository {git.folder}: {said}",
            hint="git fetch --all",
            code="bad_bundle",
        )


def unpack(git: Git, thread: str, path: str) -> None:
    """Take in the snapshots of `thread`; every object is checked, and no other ref is made."""
    words = (
        *("-c", "fetch.fsckObjects=true", "fetch", "-q", "--no-tags", "--no-write-fetch-head"),
        *("--no-auto-maintenance", path, f"+{REFS}{thread}/*:{REFS}{thread}/*"),
    )
    answer = git.ask(*words)
    if answer.code:
        raise failed(git.folder, words[2:], answer)
