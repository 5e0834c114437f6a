"""A thread that goes round and says the same each time: no further step would end that, a person might."""

from __future__ import annotations

from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import IDLE, SUSPENDED, ThreadState
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.chain.nodes import Plan, Step
    from uwf.engine.run.attempt.outcome import ValidReply
    from uwf.engine.run.context import RunContext


def state_unless_same(ctx: RunContext, plan: Plan, reply: ValidReply, most: int) -> ThreadState:
    """The state that `reply` leads to; a suspension where the thread has gone `most` times the same way, or twice as
    often, ...: a person who lets it go on all the same is not asked at each step.
    """
    if reply.state.status != IDLE or plan.is_poke:
        return reply.state
    steps, way = _same(ctx, plan, reply)
    if not way or (steps + way - 1) % (most * way):
        return reply.state
    times = counted((steps - 1) // way + 1, "time")
    message = f"{plan.role} replied the same {times} in a row, to the same prompt (limits.max_same)"
    return ThreadState(SUSPENDED, reply.state.next_role, message)


def _same(ctx: RunContext, plan: Plan, reply: ValidReply) -> tuple[int, int]:
    """How many steps, `reply` included, repeat one way round the graph, and how many steps that way has; 0 for none."""
    once = [(plan.role, plan.round, plan.instruction, plan.remark, plan.told, *_said(reply))]
    way = number = 0
    for number, step in enumerate(steps_back(ctx.cache, plan.base, ctx.cache.step), 1):
        then = (step.role, step.round, step.instruction, step.remark, step.told, *_said(step))
        if not way and step.role == plan.role:
            way = number
        if not way:
            once.append(then)
        elif then != once[number % way]:
            return number, way
    return number + 1, way


def _said(reply: ValidReply | Step) -> tuple[Any, ...]:
    return (reply.status, reply.output, reply.body)
