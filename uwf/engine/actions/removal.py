"""Worktrees that are done with: removed where nothing is lost by it, kept with the reason where something would be.

Done with is one whose thread has ended, or works elsewhere by now, and that is clean: all that was changed is
committed, on its branch or in the branch it was brought into. Files that git ignores go with it. What is kept of it
stays in the repository: a snapshot, from which it is made again should the thread go on, and its branch, but for one
that was begun for it and has nothing of its own.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from uwf import home as paths
from uwf.engine.chain import hosts, told, wake
from uwf.engine.chain.tags import HISTORY
from uwf.engine.run.worktree import worktree as trees
from uwf.engine.run.worktree import worktree_tags
from uwf.errors import WorkspaceError
from uwf.record import Record, replace
from uwf.workspace import repository, snapshot, tree
from uwf.workspace.git import Git, own_git_folder
from uwf.workspace.repository import HEADS
from uwf.workspace.tree import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.worktree import Worktree
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.worktree.worktree import Pause


CLEAN = "it is done with, and clean"


class Removal(Record):
    """The worktree of a thread: removed, or kept, and `why`; `branch` is None where that has gone with it.
    With `would_go` it is kept for now, as nothing was to be removed yet.
    """

    thread: str
    path: str
    removed: bool
    why: str
    branch: str | None = None
    would_go: bool = False


def why_not(ctx: RunContext, thread: Thread, *, is_merged: bool = False) -> str | None:
    """Why the worktree of a thread cannot be removed without a loss; None: it can. With `is_merged` only one whose work
    is in the branch it is for.
    """
    found, is_left = _worktree(ctx, thread)
    if found is None:
        return "its thread has no worktree any more"
    is_left = is_left or hosts.away(thread.tags, ctx.host) is not None
    if thread.status not in HISTORY and not is_left:
        return f"its thread is {thread.status}"
    if not is_left and (wake.kept(thread.tags) or told.waiting(ctx.store, thread.id)):
        return "its thread is to go on"
    if not os.path.isdir(found.path):
        return None
    if own_git_folder(found.path) is None:
        return "git knows nothing of this folder"
    if not tree.is_whole(found.path):
        return None  # a kill has left it; nobody has worked in it, or all of it is kept
    git = trees.git_of(ctx, found)
    if repository.has_changes(git):
        return "it has changes that are not committed"
    if repository.has_commits_in_submodules(git):
        return "a submodule in it has commits that no remote of its own has"
    if is_merged and not _is_in(git, found):
        return "its work is not brought in yet"
    return None


def _worktree(ctx: RunContext, thread: Thread) -> tuple[Worktree | None, bool]:
    """The worktree of a thread, and whether it has left it for another folder."""
    found = worktree_tags.of(ctx, thread)
    return (found, False) if found is not None else (worktree_tags.left(ctx, thread), True)


def remove(ctx: RunContext, thread: Thread, pause: Pause = time.sleep) -> Removal:
    """Remove the worktree of a thread whose lock the caller holds, and for which `why_not` has no reason."""
    found, is_left = _worktree(ctx, thread)
    assert found is not None, "it has one"
    git = Git(found.repo, ctx.environ)
    if tree.is_whole(found.path):
        words = ctx.config.workspace.teardown
        if words:
            trees.run_set(ctx, found, "teardown", words, pause)
        limit = ctx.config.workspace.largest_file_bytes
        there = trees.git_of(ctx, found)
        kept = snapshot.take(there, thread.id, "removed", None, limit).commit
        gone = None if is_left else replace(found, kept=kept, port=None)
        if hosts.away(thread.tags, ctx.host) is None:
            thread = worktree_tags.tagged(ctx, thread, gone, "its worktree is removed")
    tree.remove(git, Place(found.repo, found.path, found.branch))
    branch = None if _branch_goes(git, found) else found.branch
    with suppress(FileNotFoundError):
        os.unlink(paths.worktree_lock(ctx.home, thread.id))
    return Removal(thread.id, found.path, True, CLEAN, branch)


def _is_in(git: Git, found: Worktree) -> bool:
    """Whether all that is committed is in the branch that the work is for."""
    if found.onto is None:
        return False
    head, onto = git.commit_of("HEAD"), git.commit_of(HEADS + found.onto)
    return head is not None and onto is not None and git.is_ancestor(head, onto)


def _branch_goes(git: Git, found: Worktree) -> bool:
    """Delete the branch that was begun for it if all of it is elsewhere. Whether it is gone."""
    if not os.path.isdir(found.repo):
        return False
    tip = git.commit_of(HEADS + found.branch)
    if tip is None or not found.is_made or found.onto in (None, found.branch):
        return tip is None
    onto = git.commit_of(HEADS + str(found.onto))
    if onto is None or not git.is_ancestor(tip, onto):
        return False
    with suppress(WorkspaceError):
        if repository.holder(git, found.branch) is None:
            git.run("update-ref", "-d", HEADS + found.branch, tip)
            return True
    return False
