"""The worktree of a thread, there and whole before anything is done in it: made, made again, brought up to date from
another machine. What is kept of it, and goes back, is in `worktree`.

Whoever calls this holds the lock of the thread. What is to be done stands in the thread's tags before it is done, and
doing it twice does no harm: a kill leaves what the next run, or `worktree prune`, goes on with.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from shlex import quote

from uwf import home as paths
from uwf.engine.chain import hosts
from uwf.engine.chain import thread as threads
from uwf.engine.chain import worktree as trees
from uwf.engine.chain.tags import HOST, THREADS
from uwf.engine.chain.thread import move_head
from uwf.engine.progress import WorktreeMade, WorktreeReplaced
from uwf.engine.run.worktree import worktree
from uwf.engine.run.worktree.worktree_tags import of, tagged
from uwf.errors import WorkspaceError
from uwf.record import replace
from uwf.workspace import ports, repository, snapshot, tree
from uwf.workspace.git import Git
from uwf.workspace.repository import HEADS
from uwf.workspace.tree import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.worktree import Worktree
    from uwf.engine.run.context import RunContext

    Pause = Callable[[float], None]


def whole(ctx: RunContext, thread: Thread, pause: Pause) -> Thread:
    """The thread, its worktree being there and whole: made where it is not, and with what is to be put back.

    Raises `WorkspaceError`, and what `pause` raises while the setup command runs.
    """
    found = of(ctx, thread)
    assert found is not None, "it has one"
    place, git = Place(found.repo, found.path, found.branch), worktree.git_of(ctx, found)
    last_host = _last_host(ctx, thread, found)
    with _alone(ctx.home, thread.id) as lock:
        if last_host is not None:
            return _arrived(ctx, thread, found, last_host, pause, lock)
        if tree.is_whole(found.path):
            tree.repair(git, place)
            tree.let_go_of_index(place)
            tree.mend_head(git, place, _last(ctx, thread, found))
        else:
            thread = _made(ctx, thread, place, pause, lock)
            found = of(ctx, thread) or found
        if found.back is not None:
            snapshot.put_back(
                git, worktree.before_moving(ctx, thread, found.back), found.back, found.branch
            )
            thread = tagged(ctx, thread, replace(found, back=None), "its files are put back")
        if ctx.host is not None and HOST not in thread.tags:
            thread = tagged(ctx, thread, of(ctx, thread), f"is on {ctx.host}", ctx.host)
    return thread


def _last_host(ctx: RunContext, thread: Thread, found: Worktree) -> str | None:
    """The other machine that the thread is on. Of one whose store was a machine's own before it was shared nobody has
    said so: it is not this one where its steps have left files, and its worktree is not here.
    """
    if ctx.host is None or HOST in thread.tags or tree.is_whole(found.path):
        return hosts.away(thread.tags, ctx.host)
    has_files = trees.files_at(ctx.cache, thread.head, thread.head) is not None
    return "another machine" if has_files else None


def _arrived(
    ctx: RunContext, thread: Thread, found: Worktree, last_host: str, pause: Pause, lock: int
) -> Thread:
    """The thread, which was on another machine, with its worktree here. Its tags say so when all is done."""
    from uwf.engine.run.worktree import travel

    place = Place(found.repo, found.path, found.branch)
    commit, aside = travel.bring(ctx, thread, found, last_host), None
    if not tree.is_whole(found.path):
        shares_branch = travel.settle_branch(ctx, thread, found, commit, last_host)
    if ctx.config.workspace.ports:
        thread = _with_port(ctx, thread, replace(found, port=None))
        found = of(ctx, thread) or found
    if tree.is_whole(found.path):
        git = worktree.git_of(ctx, found)
        tree.repair(git, place)
        tree.let_go_of_index(place)
        tree.mend_head(git, place, commit)
        known = snapshot.trees_of(git, thread.id, commit, found.base)
        before = worktree.before_moving(ctx, thread, commit)
        snapshot.put_back(git, before, commit, found.branch)
        if before.tree not in known:
            aside = snapshot.ref_of(thread.id, worktree.REPLACED, before.commit)
            ctx.on_progress(WorktreeReplaced(thread.id, found.path, last_host, found.repo, aside))
    else:
        prepare = _prepare(ctx, found, pause, lock)
        git = Git(ctx.home, ctx.environ)
        made = tree.make(git, place, commit, prepare, shares_branch=shares_branch)
        ctx.on_progress(WorktreeMade(thread.id, found.path, found.branch, made.aside))
    now = replace(found, back=None, kept=None)
    why = f"is on {ctx.host}, after {last_host}"
    if aside is not None:
        why += f"; what was changed here is kept as {aside}"
    return tagged(ctx, thread, now, why, ctx.host)


def _prepare(ctx: RunContext, found: Worktree, pause: Pause, lock: int) -> Callable[[], None]:
    def prepare() -> None:
        words = ctx.config.workspace.setup
        if words:
            worktree.run_set(ctx, found, "setup", words, pause, keep_fds=(lock,))

    return prepare


def _made(ctx: RunContext, thread: Thread, place: Place, pause: Pause, lock: int) -> Thread:
    found = of(ctx, thread)
    assert found is not None, "it has one"
    if found.port is None and ctx.config.workspace.ports:
        thread = _with_port(ctx, thread, found)
        found = of(ctx, thread) or found
    last, wanted = _last(ctx, thread, found), _wanted(ctx, thread, found)
    git, prepare = Git(ctx.home, ctx.environ), _prepare(ctx, found, pause, lock)
    made = tree.make(git, place, wanted, prepare)
    is_lost = Git(found.repo, ctx.environ).commit_of(last) is None
    lost = last if is_lost else None
    ctx.on_progress(WorktreeMade(thread.id, found.path, found.branch, made.aside, lost))
    if found.kept is not None:
        thread = tagged(ctx, thread, replace(found, kept=None), "its worktree is made again")
    return thread


def _last(ctx: RunContext, thread: Thread, found: Worktree) -> str:
    """The commit with the files as they were last known."""
    return found.kept or trees.files_at(ctx.cache, thread.head, thread.head) or found.base


def _wanted(ctx: RunContext, thread: Thread, found: Worktree) -> str:
    """The commit a worktree is made of. Where its work is brought in and its branch gone, that is the newest base;
    where somebody has deleted what kept its files, what its branch has.
    """
    last = _last(ctx, thread, found)
    if not os.path.isdir(found.repo):
        raise repository.gone(found.repo)
    git = Git(found.repo, ctx.environ)
    if git.commit_of(last) is None:
        return git.commit_of(HEADS + found.branch) or last
    if found.merged is None or found.onto is None or git.commit_of(HEADS + found.branch):
        return last
    tip = git.commit_of(HEADS + found.onto)
    has_all = tip is not None and git.is_ancestor(snapshot.head_of(git, last), tip)
    is_clean = git.ask("diff", "--quiet", snapshot.head_of(git, last), last).code == 0
    return tip if tip is not None and has_all and is_clean else last


def _with_port(ctx: RunContext, thread: Thread, found: Worktree) -> Thread:
    """The thread with the first of its ports; those of the others in this home are taken."""
    count = ctx.config.workspace.ports
    with ctx.store.transaction("worktree port") as tx:
        taken = []
        for other in {name.partition(".")[0] for name in os.listdir(paths.worktrees(ctx.home))}:
            ref = tx.ref(THREADS + other)
            its = None if ref is None else trees.of(ref.tags, other, ctx.home)
            if its is not None and its.port is not None:
                taken.append((its.port, count))
        now = replace(found, port=ports.free_range(count, taken))
        ref = move_head(
            *(tx, thread.id, thread.head, lambda tags: trees.with_tags(tags, now)),
            expect=thread.ref,
            why=f"its ports begin at {now.port}",
        )
    return threads.of(ctx.cache, ref, thread.attempt)


@contextmanager
def _alone(home: str, thread: str) -> Iterator[int]:
    """Nobody else makes the worktree of `thread`: neither does a setup command whose uwf was killed."""
    paths.made(paths.worktrees(home))
    path = paths.worktree_lock(home, thread)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise WorkspaceError(
            f"the setup command of a killed run still works in {paths.worktree(home, thread)}",
            hint=f"fuser {quote(path)}",
            code="busy",
        ) from None
    try:
        yield descriptor
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # also for what the setup has left running
        os.close(descriptor)
