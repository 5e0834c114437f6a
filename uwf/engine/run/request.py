"""What the guards are asked of a step that is to begin, or learn of one that has ended."""

from __future__ import annotations

from uwf.engine.chain import attempt as attempts
from uwf.engine.chain import usage
from uwf.engine.chain import worktree as trees
from uwf.engine.chain.tags import PRIORITY, labels_of, number_of
from uwf.engine.run import budget
from uwf.guard.contract import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep, Order


def request_of(
    ctx: RunContext, step: NextStep, order: Order, wait_s: float = 0.0, *, is_retry: bool = False
) -> Request:
    """The request for `step`, which `order` asks for."""
    thread, plan, pending = step.thread, step.plan, step.thread.pending
    failure = None if pending is None or not pending.has_failed else pending.failure
    worktree = trees.of(thread.tags, thread.id, ctx.home)
    is_fresh = order.has_words_of_person or any(
        word.is_of_person for word in attempts.new_to(pending, plan.told)
    )
    repeats = 0
    if failure is not None:
        repeats = ctx.admission.attempts.repeats(thread.id, failure.code, failure.message)
    return Request(
        thread=thread.id,
        workflow=step.workflow.name,
        role=plan.role,
        agent=ctx.redactor.text(step.agent.name),
        cwd=ctx.redactor.restored(plan.cwd),
        labels=labels_of(thread.tags),
        priority=number_of(thread.tags, PRIORITY, thread.id) or 0,
        person=order.is_person or is_fresh,
        fresh=is_fresh,
        wait_s=wait_s,
        failures_in_a_row=attempts.failures_in_a_row(ctx.cache, pending, plan),
        repeats=repeats,
        spent=usage.of_thread(ctx.cache, thread),
        visits=thread.position.visits.get(plan.role, 0),
        budget=budget.allowed(ctx, thread, step.workflow, plan.role),
        replaces=plan.is_poke,
        writes=step.workflow.roles[plan.role].writes,
        is_retry=is_retry,
        begun=order.has_begun or is_retry,
        interactive=order.is_interactive,
        worktree=None if worktree is None else worktree.path,
    )
