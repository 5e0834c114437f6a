"""The worktree of a thread while it is worked in: where it begins, kept as a snapshot before and after a step, and what
runs in it. How it comes to be there is in `worktree_making`.

Whoever calls this holds the lock of the thread.
"""

from __future__ import annotations

from contextlib import suppress

from uwf.engine.chain import worktree as trees
from uwf.engine.progress import FilesLeftOut
from uwf.engine.run.worktree.worktree_tags import of
from uwf.errors import InputError, StateError, WorkspaceError
from uwf.workspace import commands, repository, snapshot
from uwf.workspace.git import Git
from uwf.workspace.repository import HEADS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.worktree import Worktree, WorktreeAsked
    from uwf.engine.run.context import RunContext
    from uwf.workspace.snapshot import FilesSnapshot

    Pause = Callable[[float], None]

REPLACED = "replaced"
"""The label of a snapshot of files that others take the place of."""


def asked_for(environ: Mapping[str, str], home: str, cwd: str, branch: str | None) -> WorktreeAsked:
    """A worktree of the repository that `cwd` is in, as it would begin now. InputError where there can be none."""
    found = repository.checkout_at(Git(cwd, environ))
    git = Git(found.common, environ)
    base, is_made = found.head, True
    if branch is not None:
        repository.check_branch_name(git, branch)
        tip = git.commit_of(HEADS + branch)
        if tip is not None:
            base, is_made = tip, False
            there = repository.holder(git, branch)
            if there is not None:
                raise InputError(
                    f"branch {branch} is checked out in {there.path}: two that work on one branch would undo each "
                    "other's work",
                    hint=f"uwf thread start WORKFLOW -p TEXT --worktree {branch}-2",
                    code="branch_taken",
                )
    return trees.WorktreeAsked(
        home, found.common, base, found.branch, found.within, branch, is_made
    )


def git_of(ctx: RunContext, worktree: Worktree) -> Git:
    """git in the worktree, which need not be there."""
    return Git(worktree.path, ctx.environ)


def keep(ctx: RunContext, thread: Thread, label: str, also: Sequence[bytes] = ()) -> FilesSnapshot:
    """A snapshot of the thread's worktree as it is, with the files at the paths `also` even if git ignores them."""
    found = of(ctx, thread)
    assert found is not None, "it has one"
    last = trees.files_at(ctx.cache, thread.head, thread.head)
    if thread.pending is not None:
        last = thread.pending.files or last
    limit = ctx.config.workspace.largest_file_bytes
    kept = snapshot.take(git_of(ctx, found), thread.id, label, last, limit, also)
    if kept.left_out:
        ctx.on_progress(FilesLeftOut(thread.id, kept.left_out))
    return kept


def back_to(ctx: RunContext, thread: Thread, found: Worktree) -> Callable[[str], Mapping[str, str]]:
    """The tags with which the files of a thread go back to those of a node of its chain.

    StateError where those were not kept.
    """

    def tags(goal: str) -> Mapping[str, str]:
        files = trees.files_at(ctx.cache, goal, thread.head)
        if files is None and ctx.cache.get(goal).kind == "start":
            files = found.base
        if files is not None and ctx.travels:
            _fetch(ctx, thread, found, files)
        if files is None or Git(found.repo, ctx.environ).commit_of(files) is None:
            raise StateError(
                f"the files that thread {thread.id} had at {goal[:12]} were not kept, or are gone",
                hint=f"uwf thread undo {thread.id}",
                code="no_snapshot",
            )
        return {trees.BACK: files}

    return tags


def _fetch(ctx: RunContext, thread: Thread, found: Worktree, files: str) -> None:
    """Look for files of a step of another machine, which this one was never on."""
    from uwf.engine.run.worktree import travel

    with suppress(WorkspaceError):
        travel.fetch(ctx, thread, found, files, "another machine")


def before_moving(ctx: RunContext, thread: Thread, commit: str) -> FilesSnapshot:
    """A snapshot of the thread's worktree that has all that the files of `commit` will take the place of."""
    found = of(ctx, thread)
    assert found is not None, "it has one"
    kept = keep(ctx, thread, REPLACED)
    also = snapshot.in_the_way(git_of(ctx, found), kept, commit)
    return keep(ctx, thread, REPLACED, also) if also else kept


def run_set(
    ctx: RunContext,
    found: Worktree,
    what: str,
    words: Sequence[str],
    pause: Pause,
    keep_fds: tuple[int, ...] = (),
) -> None:
    """Run the command `workspace.<what>` in a worktree. WorkspaceError has its own last words where it fails."""
    rules = ctx.config.workspace
    told = trees.environment(found, rules.ports)
    environ = {name: text for name, text in {**ctx.environ, **told}.items() if text is not None}
    ran = commands.run(words, found.path, environ, rules.timeout_s, pause, keep_fds)
    if ran.why is not None:
        tail = f": {ran.tail[-1000:]}" if ran.tail else ""
        raise WorkspaceError(
            f"workspace.{what} has failed in {found.path}, {ran.why}{tail}",
            hint=f"uwf config get workspace.{what}",
            code=f"{what}_failed",
        )
