"""One worktree, whole or not there: made, made again from a commit, removed.

The file `uwf-ready` in git's own folder of the worktree says that it is whole. It is the last thing that making one
writes and the first that removing one takes away, so a kill in between leaves what is thrown away and made again:
nobody has worked in it. A folder that git knows nothing of is somebody's: it is moved aside, never deleted.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from shlex import quote

from uwf import clock, owned, points
from uwf.errors import WorkspaceError
from uwf.record import Record
from uwf.workspace import repository
from uwf.workspace.git import own_git_folder
from uwf.workspace.repository import HEADS
from uwf.workspace.snapshot import head_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.workspace.git import Git

READY = "uwf-ready"

LOCK_S = 3.0
"""How long a git may hold the index of a worktree in which no agent works."""
_POLL_S = 0.02


class Place(Record):
    """Where a worktree is, or is to be: the common git folder of its repository, its own folder, its branch."""

    common: str
    path: str
    branch: str


class Made(Record):
    """A worktree that was made just now. `aside` is where a folder went that stood in its place."""

    aside: str | None = None


def is_whole(path: str) -> bool:
    """Whether the worktree at `path` is there, all of it."""
    folder = own_git_folder(path)
    return folder is not None and os.path.exists(os.path.join(folder, READY))


def make(
    git: Git,
    place: Place,
    commit: str,
    prepare: Callable[[], None],
    *,
    shares_branch: bool = False,
) -> Made:
    """Make the worktree with the files of `commit`, on its branch, which is begun there where there is none.

    Of a snapshot the branch gets the commit it was made on, and what goes beyond that is not committed. `prepare` is
    done once the files are there; what it raises leaves no worktree. With `shares_branch` another one may have the
    branch. WorkspaceError where git cannot make it.
    """
    if not os.path.isdir(place.common):
        raise repository.gone(place.common)
    aside = _clear(git, place)
    owned.make_folder(os.path.dirname(place.path))
    base = git.at(place.common)
    head, files = head_of(base, commit), commit
    tip = base.commit_of(HEADS + place.branch)
    if tip is not None and tip != head:
        head, files = tip, _moved_on(base, place.branch, tip, head, commit)
    where: tuple[str, ...] = (place.path, place.branch)
    if tip is None:
        where = ("--no-track", "-b", place.branch, place.path, head)
    forced = ("--force",) if shares_branch else ()
    base.run("worktree", "add", "-q", "--no-checkout", *forced, *where)
    points.at("worktree: added")
    try:
        _fill(git.at(place.path), files, head)
    except WorkspaceError:
        _clear(git, place)  # half of it would take the room that was missing
        raise
    points.at("worktree: filled")
    prepare()
    folder = own_git_folder(place.path)
    if folder is None:
        raise WorkspaceError(f"{place.path} has gone while it was made", code="git_failed")
    with open(os.path.join(folder, READY), "w"):
        pass
    return Made(aside)


def _fill(here: Git, files: str, head: str) -> None:
    """Write the files of the commit `files` into an empty worktree, which is on `head`."""
    here.run("read-tree", "-m", "-u", files)
    if files != head:
        here.run("read-tree", "--reset", head)
        here.ask("update-index", "-q", "--refresh")


def _moved_on(base: Git, branch: str, tip: str, head: str, commit: str) -> str:
    """The files for a branch that has moved from `head` to `tip` since `commit` was kept: its own, with what was not
    committed then brought along.
    """
    if base.line("rev-parse", f"{head}^{{tree}}") == base.line("rev-parse", f"{commit}^{{tree}}"):
        return tip
    merged = base.ask("merge-tree", "--write-tree", tip, commit)
    if merged.code:
        raise WorkspaceError(
            f"branch {branch} has moved to {tip[:12]}, and what was not committed at {head[:12]} does not fit there "
            f"any more; it is kept in commit {commit[:12]}",
            hint=f"git -C {quote(base.folder)} branch -f {quote(branch)} {head[:12]}",
            code="branch_moved",
        )
    return merged.text.partition("\n")[0]


def _clear(git: Git, place: Place) -> str | None:
    """Take away what a kill has left of making or removing it, and what git still knows of one that was deleted."""
    aside = None
    if os.path.lexists(place.path) and own_git_folder(place.path) is None:
        aside = _aside(place.path)
    git.at(place.common).ask("worktree", "remove", "--force", "--force", place.path)
    if os.path.lexists(place.path):
        _delete(place.path)
        git.at(place.common).ask("worktree", "remove", "--force", "--force", place.path)
    return aside


def _aside(path: str) -> str | None:
    """Move away a folder that git knows nothing of; where the new name is, None for an empty one."""
    if os.path.isdir(path) and not os.path.islink(path) and not os.listdir(path):
        os.rmdir(path)
        return None
    number = 1
    while os.path.lexists(f"{path}.aside-{number}"):
        number += 1
    os.rename(path, f"{path}.aside-{number}")
    return f"{path}.aside-{number}"


def repair(git: Git, place: Place) -> None:
    """Let git find the worktree again after its home was moved. WorkspaceError where the home is a copy of another."""
    if not os.path.isdir(place.common):
        raise repository.gone(place.common)
    folder = own_git_folder(place.path)
    assert folder is not None, "it is whole"
    with open(os.path.join(folder, "gitdir"), errors="surrogateescape") as file:
        known = file.read().strip()
    known, here = os.path.join(folder, known), os.path.join(place.path, ".git")
    if os.path.exists(known) and os.path.samefile(known, here):
        return
    if os.path.exists(known):
        raise WorkspaceError(
            f"{place.path} is a copy: git has this worktree at {os.path.dirname(known)}",
            hint=f"git -C {quote(place.common)} worktree list",
            code="copied",
        )
    git.at(place.common).run("worktree", "repair", place.path)


def let_go_of_index(place: Place) -> None:
    """Take away the lock that a git which was killed has left on the index: an agent's, which nobody runs any more.

    One that somebody holds is given the time to go.
    """
    folder = own_git_folder(place.path)
    lock = os.path.join(folder or place.path, "index.lock")
    deadline_s = clock.monotonic_s() + LOCK_S
    while os.path.exists(lock):
        if clock.monotonic_s() > deadline_s:
            os.unlink(lock)
            return
        time.sleep(_POLL_S)


def mend_head(git: Git, place: Place, commit: str) -> None:
    """Begin its branch again where that was deleted by hand while the worktree stands on it."""
    here = git.at(place.path)
    if here.commit_of("HEAD") is None:
        here.run("symbolic-ref", "HEAD", HEADS + place.branch)
        here.run("update-ref", HEADS + place.branch, head_of(here, commit))


def remove(git: Git, place: Place) -> None:
    """Remove the worktree, with all that is in it. What is to stay was kept before; its branch does stay."""
    folder = own_git_folder(place.path)
    if folder is not None and os.path.exists(os.path.join(folder, READY)):
        os.unlink(os.path.join(folder, READY))
    points.at("worktree: given up")
    if os.path.lexists(place.path):
        _delete(place.path)
    if os.path.isdir(place.common):
        git.at(place.common).ask("worktree", "remove", "--force", "--force", place.path)


def _delete(path: str) -> None:
    """Delete a folder, files that may only be read and folders that may not be written included.

    The file that leads to git's own folder goes last: until then it is seen that git knows the worktree.
    """

    def unlocked(function: Callable[[str], object], name: str, _error: object) -> None:
        for each in (os.path.dirname(name), name):
            if not os.path.islink(each) and os.path.isdir(each):
                os.chmod(each, stat.S_IRWXU)
        function(name)

    for entry in list(os.scandir(path)):
        if entry.name == ".git":
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, onerror=unlocked)
        else:
            os.unlink(entry.path)
    shutil.rmtree(path, onerror=unlocked)
