"""A step in the worktree of its thread: placed where that is now, kept as a snapshot before and after.

Most threads have none: git, in `worktree`, is loaded for those that do.
"""

from __future__ import annotations

from uwf.engine.chain import hosts
from uwf.engine.progress import CodeStays, FilesNotKept
from uwf.engine.run.attempt.outcome import Accepted, Retried
from uwf.engine.run.worktree.worktree_tags import of
from uwf.errors import NotHere, PersonNeeded, WorkspaceError
from uwf.guard.preflight import missing_folder
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uwf.engine.run.attempt.outcome import Outcome
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep
    from uwf.engine.run.step import StepRun

    Pause = Callable[[float], None]


OF_THIS_MACHINE = (hosts.NOT_HERE, "no_repository")
"""Codes of what is wrong with a worktree here, and need not be on another machine."""


def before(ctx: RunContext, step: NextStep, pause: Pause) -> NextStep:
    """`step` once its worktree is whole and kept as it is before it. Raises `Refused` where only a person can help."""
    if of(ctx, step.thread) is None:
        return step
    from uwf.engine.run.worktree import worktree, worktree_making

    try:
        thread = worktree_making.whole(ctx, step.thread, pause)
        kept = worktree.keep(ctx, thread, str(step.base.index))
    except WorkspaceError as error:
        reason = hosts.NOT_HERE if error.code == hosts.NOT_HERE else "preflight_failed"
        is_away = hosts.away(step.thread.tags, ctx.host) is not None
        kind = NotHere if is_away or error.code in OF_THIS_MACHINE else PersonNeeded
        raise kind(error.message, reason=reason, hint=error.hint) from error
    except OSError as error:
        raise PersonNeeded(
            f"the worktree of thread {step.thread.id}: {error.strerror}: {error.filename}",
            reason="preflight_failed",
            hint="uwf worktree list",
        ) from error
    cwd = ctx.redactor.restored(step.plan.cwd)
    missing = missing_folder(cwd)
    if missing is not None:
        raise PersonNeeded(
            f"thread {thread.id} cannot run: its working directory {cwd} {missing.said}",
            reason="preflight_failed",
            hint=missing.hint,
        )
    return replace(step, thread=thread, files=kept.commit)


def after(ctx: RunContext, run: StepRun, outcome: Outcome) -> None:
    """Keep the worktree as the agent has left it, and let that go along where the store is shared: then of an attempt,
    too, that is not tried again at once. That this cannot be done loses no reply: it is told.
    """
    before, is_step = run.recorder.start.files, isinstance(outcome, Accepted)
    is_gone_on_with = ctx.host is not None and ctx.travels and not isinstance(outcome, Retried)
    if before is None or not (is_step or (is_gone_on_with and run.recorder.begun is not None)):
        return
    from uwf.engine.run.worktree import worktree

    index, role = run.step.base.index + 1, run.step.plan.role
    label = str(index) if is_step else f"{index}.{run.recorder.start.number}"
    try:
        run.files_after = worktree.keep(ctx, run.thread, label).commit
    except (WorkspaceError, OSError) as error:
        ctx.on_progress(FilesNotKept(run.thread.id, role, str(error)))
        return
    if is_gone_on_with:
        snapshots = {str(index - 1): before, label: run.files_after}
        _let_go_along(ctx, run, snapshots, run.files_after)


def _let_go_along(ctx: RunContext, run: StepRun, snapshots: Mapping[str, str], last: str) -> None:
    from uwf.engine.chain.carried import Along
    from uwf.engine.run.worktree import travel

    found = of(ctx, run.thread)
    assert found is not None, "its files were kept"
    try:
        code = travel.leaving(ctx, run.thread, found, snapshots, last)
        run.along = replace(run.along or Along(), code=code)
    except (WorkspaceError, OSError) as error:
        ctx.on_progress(CodeStays(run.thread.id, run.step.plan.role, str(error)))
