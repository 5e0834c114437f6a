"""What the tags of a thread say of its worktree: read, and written. git is not asked here."""

from __future__ import annotations

from uwf.engine.chain import hosts
from uwf.engine.chain import thread as threads
from uwf.engine.chain import worktree as trees
from uwf.engine.chain.tags import CWD, HOST, WORKTREE_LEFT, WORKTREE_REPO
from uwf.engine.chain.thread import move_head
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.config.records import Config
    from uwf.engine.chain.redact import Redactor
    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.worktree import Worktree
    from uwf.engine.run.context import RunContext


def of(ctx: RunContext, thread: Thread) -> Worktree | None:
    """The worktree of a thread, None when it has none."""
    found = trees.of(thread.tags, thread.id, ctx.home)
    return None if found is None else here(ctx.config, ctx.redactor, found)


def here(config: Config, redactor: Redactor, found: Worktree) -> Worktree:
    """The worktree, its repository being named as it is on this machine."""
    repo = redactor.restored(config.workspace.here(found.repo))
    return replace(found, repo=repo, named=found.repo)


def left(ctx: RunContext, thread: Thread) -> Worktree | None:
    """The worktree that a thread has left for another folder."""
    repo = thread.tags.get(WORKTREE_LEFT)
    if not repo or thread.tags.get(WORKTREE_REPO):
        return None
    found = trees.of({**thread.tags, WORKTREE_REPO: repo}, thread.id, ctx.home)
    return None if found is None else here(ctx.config, ctx.redactor, found)


def placed(ctx: RunContext, thread: Thread) -> Thread:
    """The thread with its worktree where that is now: its home may have been moved. Of one that is on another machine
    only the value says so, until its worktree is here.
    """
    found = of(ctx, thread)
    if found is None or thread.tags.get(CWD) == found.cwd:
        return thread
    if hosts.away(thread.tags, ctx.host) is not None:
        return replace(thread, tags={**thread.tags, CWD: found.cwd})
    return tagged(ctx, thread, replace(found), "its home is at another place")


def tagged(
    ctx: RunContext, thread: Thread, worktree: Worktree | None, why: str, host: str | None = None
) -> Thread:
    """The thread with what its tags say of its worktree; None takes that away. `host`: it is on that machine now."""

    def tags(now: Mapping[str, str]) -> dict[str, str]:
        said = trees.without(now) if worktree is None else trees.with_tags(now, worktree)
        return said if host is None else {**said, HOST: host}

    with ctx.store.transaction("worktree") as tx:
        ref = move_head(tx, thread.id, thread.head, tags, expect=thread.ref, why=why)
    return threads.of(ctx.cache, ref, thread.attempt)
