"""What a budget means for a run: which limits a step has, whether it left enough for another one, how long it may take.

The policy is that of `guard/spending/budget`, what a thread has used is read in `chain/usage`.
"""

from __future__ import annotations

from uwf.display import numbers
from uwf.engine.chain import usage
from uwf.engine.chain.tags import IDLE, SUSPENDED, ThreadState
from uwf.quantities import STEPS, TIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.engine.chain.thread import Thread
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep
    from uwf.guard.contract import Request
    from uwf.workflow.model import Workflow


def allowed(ctx: RunContext, thread: Thread, workflow: Workflow, role: str) -> dict[str, float]:
    """What `thread` may use while `role` runs."""
    return usage.allowed(ctx.admission.budget.rules.thread, workflow, role, thread.tags)


def raised(
    ctx: RunContext, thread: Thread, workflow: Workflow, role: str, text: str | None
) -> dict[str, str]:
    """The tags of the budget that was ordered with `text`."""
    if text is None:
        return {}
    return usage.raised(allowed(ctx, thread, workflow, role), text)


def state_within(
    ctx: RunContext,
    step: NextStep,
    state: ThreadState,
    used: Mapping[str, float],
    spent: Mapping[str, float],
) -> ThreadState:
    """`state`, or a suspension when the step used more than one may, or the thread all that it may."""
    if state.status != IDLE or state.next_role is None:
        return state
    guard, thread, base = ctx.admission.budget, step.thread, step.base
    limits = allowed(ctx, thread, step.workflow, state.next_role)
    reached = None
    if limits:
        in_all = usage.add(spent, usage.undone(thread.tags))
        in_all[STEPS] = base.index + 1
        visits = base.visits.get(state.next_role, 0) + (state.next_role == step.plan.role)
        reached = guard.reached(limits, in_all, visits)
    over = guard.step_reached(used)
    if reached is not None:
        return ThreadState(SUSPENDED, state.next_role, _used_up(reached))
    if over is not None:
        return ThreadState(SUSPENDED, state.next_role, _step_over(step, over))
    return state


def time_is_over(ctx: RunContext, step: NextStep, request: Request, used: dict[str, float]) -> str:
    """What is said of an agent that was ended because the time is used up that its thread, or a step, may take."""
    over = is_over(ctx, step, request, used)
    return over or _step_over(step, numbers.amount(TIME, used[TIME]))


def is_over(
    ctx: RunContext, step: NextStep, request: Request, used: dict[str, float]
) -> str | None:
    """What is said once an attempt has `used` up what its thread, or a step, may use; None where it has not."""
    guard = ctx.admission.budget
    reached = guard.reached(request.budget, usage.add(request.spent, used), 0)
    if reached is not None:
        return _used_up(reached)
    over = guard.step_reached(used)
    return None if over is None else _step_over(step, over)


def _used_up(reached: str) -> str:
    return f"{usage.USED_UP}{reached}; `uwf thread resume --budget` raises it"


def _step_over(step: NextStep, over: str) -> str:
    return f"the step of {step.plan.role}{usage.STEP_OVER}{over}"
