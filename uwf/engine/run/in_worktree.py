"""A step in the worktree of its thread: placed where that is now, kept as a snapshot before and after.

Most threads have none: git, in `worktree`, is loaded for those that do.
"""

from __future__ import annotations

from uwf.engine.progress import CodeStays, FilesNotKept
from uwf.engine.run.attempt.outcome import Accepted
from uwf.engine.run.worktree_tags import of
from uwf.errors import PersonNeeded, WorkspaceError
from uwf.guard.preflight import missing_folder
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.engine.run.attempt.outcome import Outcome
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep
    from uwf.engine.run.step import StepRun

    Pause = Callable[[float], None]


def before(ctx: RunContext, step: NextStep, pause: Pause) -> NextStep:
    """`step` once its worktree is whole and kept as it is before it. Raises `Refused` where only a person can help."""
    if of(ctx, step.thread) is None:
        return step
    from uwf.engine.run import worktree

    try:
        thread = worktree.whole(ctx, step.thread, pause)
        kept = worktree.keep(ctx, thread, str(step.base.index))
    except WorkspaceError as error:
        reason = error.code if error.code == "not_here" else "preflight_failed"
        raise PersonNeeded(error.message, reason=reason, hint=error.hint) from error
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
    """Keep the worktree as the agent has left it, and let that go along with the step where the store is shared. That
    this cannot be done loses no reply: it is told.
    """
    if run.recorder.start.files is None or not isinstance(outcome, Accepted):
        return
    from uwf.engine.run import worktree

    index, role = run.step.base.index + 1, run.step.plan.role
    try:
        run.files_after = worktree.keep(ctx, run.thread, str(index)).commit
    except (WorkspaceError, OSError) as error:
        ctx.on_progress(FilesNotKept(run.thread.id, role, str(error)))
        return
    if ctx.travels:
        _let_go_along(ctx, run, run.recorder.start.files, run.files_after, index)


def _let_go_along(ctx: RunContext, run: StepRun, before: str, after: str, index: int) -> None:
    from uwf.engine.run import travel

    found = of(ctx, run.thread)
    assert found is not None, "its files were kept"
    try:
        run.code = travel.leaving(ctx, run.thread, found, before, after, index)
    except (WorkspaceError, OSError) as error:
        ctx.on_progress(CodeStays(run.thread.id, run.step.plan.role, str(error)))
