"""Two commits into one without a checkout, and a branch that moves on: never by force, and never under a checkout that
has changes.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from shlex import quote

from uwf.errors import WorkspaceError
from uwf.record import Record
from uwf.workspace import repository
from uwf.workspace.git import IDENTITY, own_git_folder
from uwf.workspace.repository import HEADS
from uwf.workspace.snapshot import UNDER_WAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from uwf.workspace.git import Git

LOCK = "uwf-merge.lock"
"""In the common git folder: who holds it merges, and nobody else does in any home."""


class Merged(Record):
    """The commit that has both sides in it; one of the two where the other adds nothing."""

    commit: str


class Conflicts(Record):
    """Both sides have changed the same: the paths, and git's own words for each."""

    paths: tuple[str, ...]
    said: str


class Advanced(Record):
    """The branch is at the new commit now. `checkout` is the one that was moved along, if any had it."""

    checkout: str | None


class Moved(Record):
    """Somebody has moved the branch meanwhile: nothing was done."""


class InTheWay(Record):
    """The branch is checked out and that cannot be moved along: why, and what to type once it can."""

    why: str
    hint: str


Step: TypeAlias = "Advanced | Moved | InTheWay"


@contextmanager
def queue_of_one(common: str, wait: Callable[[], bool]) -> Iterator[bool]:
    """Hold the lock of the repository's merges. `wait` passes some time between two looks, and says whether to look
    again; False is given where it is not to be had.
    """
    descriptor = os.open(os.path.join(common, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not wait():
                    yield False
                    return
        yield True
    finally:
        os.close(descriptor)


def merged_in(git: Git) -> tuple[str, ...]:
    """The commits that a merge has begun to bring into the worktree, whose files are as they are to be.

    WorkspaceError where conflicts are left in them, or something else has begun and not ended.
    """
    git_folder = own_git_folder(git.folder) or git.folder
    for what, mark in UNDER_WAY.items():
        if what != "merge" and os.path.exists(os.path.join(git_folder, mark)):
            raise WorkspaceError(
                f"a {what} has begun in {git.folder} and not ended",
                hint=f"git -C {quote(git.folder)} {what} --abort",
                code="under_way",
            )
    try:
        with open(os.path.join(git_folder, UNDER_WAY["merge"])) as file:
            commits = tuple(file.read().split())
    except FileNotFoundError:
        return ()
    if "leftover conflict marker" in git.ask("diff", "--check", "HEAD").text:
        raise WorkspaceError(
            f"a merge has begun in {git.folder}, and conflicts are left in its files",
            hint=f"git -C {quote(git.folder)} diff --check HEAD",
            code="merge_conflict",
        )
    return commits


def merge(
    git: Git, base: str, work: str, message: str, identity: Mapping[str, str] = IDENTITY
) -> Merged | Conflicts:
    """The commit that has `work` on top of `base`. Nothing is checked out, and no ref moves."""
    if git.is_ancestor(base, work):
        return Merged(work)
    if git.is_ancestor(work, base):
        return Merged(base)
    answer = git.ask("merge-tree", "--write-tree", "-z", "--name-only", "--messages", base, work)
    if answer.code == 0:
        tree = answer.out.partition(b"\0")[0].decode()
        words = ("commit-tree", tree, "-p", base, "-p", work, "-m", message)
        return Merged(git.run(*words, identity=identity).decode().strip())
    if answer.code != 1:
        raise WorkspaceError(
            f"git cannot merge in {git.folder}: {answer.said[:500] or 'git 2.38 or newer is needed'}",
            hint="git --version",
            code="git_failed",
        )
    names, _, messages = answer.out.partition(b"\0\0")
    paths = [path.decode(errors="replace") for path in names.split(b"\0")[1:]]
    return Conflicts(tuple(dict.fromkeys(paths)), "\n".join(_words_of(messages)))


def _words_of(messages: bytes) -> list[str]:
    """The messages of `merge-tree -z`: how many paths, the paths, the kind, the words; again and again."""
    found, parts = [], messages.split(b"\0")
    while parts and parts[0].strip().isdigit():
        count = int(parts[0])
        kind, words = parts[count + 1 : count + 3]
        if kind.startswith(b"CONFLICT"):
            found.append(words.decode(errors="replace").strip())
        parts = parts[count + 3 :]
    return found


def advance(git: Git, branch: str, old: str, new: str) -> Step:
    """Let `branch` go from `old` to `new`, which has all of it. A checkout that has it goes along if it is clean."""
    holder = repository.holder(git, branch)
    if holder is None:
        moved = git.ask("update-ref", "-m", "uwf: merge", HEADS + branch, new, old)
        if moved.code == 0:
            return Advanced(None)
        if git.commit_of(HEADS + branch) != old:
            return Moved()
        raise WorkspaceError(
            f"git cannot move {branch}: {moved.said[:500]}", code="git_failed", hint="git fsck"
        )
    there = git.at(holder.path)
    typed = f"git -C {quote(holder.path)} merge --ff-only {new[:12]}"
    if holder.is_busy:
        return InTheWay(f"{branch} is being rebased in {holder.path}", typed)
    if there.commit_of("HEAD") != old:
        return Moved()
    if there.run("status", "--porcelain", "-z", "--untracked-files=no"):
        why = f"{branch} is checked out in {holder.path}, which has changes that are not committed"
        return InTheWay(why, typed)
    went = there.ask("merge", "--ff-only", "-q", "--no-autostash", "--no-stat", new)
    if went.code == 0:
        return Advanced(holder.path)
    if there.commit_of("HEAD") != old:
        return Moved()
    said = " ".join(went.said.split())[:500]
    return InTheWay(f"{branch} is checked out in {holder.path}: {said}", typed)
