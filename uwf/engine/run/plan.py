"""What a command asks of a thread, and the next step that comes of it: pure, so a refusal has changed nothing.

Which role is next is decided in `transitions`, what another workflow makes of the thread in `rebind`.
"""

from __future__ import annotations

from contextlib import suppress

from uwf import quantities
from uwf.engine.chain.nodes import Plan, Position
from uwf.engine.chain.tags import IDLE, ThreadState
from uwf.engine.run import budget, rebind, transitions
from uwf.engine.run.invocation import NoAgent
from uwf.errors import InputError, PersonNeeded, Refused
from uwf.record import Record, replace
from uwf.workflow.route import RouteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.agent.protocol import Agent
    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.thread import Thread
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.rebind import Rebind
    from uwf.workflow.model import Workflow

EXEC, RESUME, RETRY, POKE = "exec", "resume", "retry", "poke"


class Order(Record):
    """What a command asked for. `count` None means until the thread stops, `max_steps` at most.

    `rebind` is the id of a workflow object the thread is to go on with; `budget` changes what it may use, as in
    `+usd=2` (see `uwf.quantities`).
    """

    verb: str
    count: int | None = 1
    agent: str | None = None
    supplement: str | None = None
    rebind: str | None = None
    budget: str | None = None
    wait_s: float = 0.0

    @property
    def is_person(self) -> bool:
        """Whether a person speaks here: such a step goes before all others."""
        return self.verb in (RESUME, RETRY, POKE) or self.supplement is not None


class NextStep(Record):
    """A step that may begin. `thread` is as it will stand then: bound by `rebind` to another workflow, if one is given,
    and with `raised`, the tags of a budget that was raised. Both go on record with the start of its first attempt, as
    does that those in `told`, which have joined this run, were told. `base` is the position that the step will link to.
    """

    thread: Thread
    workflow: Workflow
    plan: Plan
    base: Position
    agent: Agent
    rebind: Rebind | None
    raised: dict[str, str]
    told: tuple[str, ...] = ()

    def again(self, thread: Thread) -> NextStep:
        """The same step once more, now that its first attempt is on record with all that came with it."""
        return replace(self, thread=thread, rebind=None, raised={}, told=())


class GraphEnded(Record):
    """There is nothing to run: the graph of the thread has ended. `rebind` is on no record yet, as in `NextStep`."""

    thread: Thread
    state: ThreadState
    rebind: Rebind | None


def check(order: Order) -> None:
    """Raise `InputError` for what no command can ask for."""
    if order.count is not None and order.count < 1:
        raise InputError(f"{order.count} steps cannot be taken: 1 or more can", code="usage")
    if order.supplement is not None and not order.supplement.strip():
        raise InputError("the text is empty: there is nothing to add")
    if not order.wait_s >= 0:
        raise InputError(f"{order.wait_s:g} s cannot be waited", code="usage")
    if order.budget is not None:
        quantities.raised_budget(dict.fromkeys(quantities.NAMES, 1.0), order.budget)


def orders(order: Order, limit: int) -> Iterator[Order]:
    """One order for each step of a run: what was added is for the first one alone."""
    yield order
    rest = Order(EXEC, order.count, order.agent, wait_s=order.wait_s)
    for _ in range(limit - 1):
        yield rest


def plan_next(ctx: RunContext, thread: Thread, order: Order) -> NextStep | GraphEnded:
    """What comes next, without secrets. Raises `StateError`, and `Refused` when nothing can follow."""
    bound_by = None
    if order.rebind is not None:
        # What the state of the thread forbids is raised first. That the old workflow knows no way on is no reason: a
        # rebind may mend that.
        with suppress(Refused):
            _decide(ctx, thread, order)
        thread, bound_by = rebind.bound(ctx.cache, thread, order.rebind)
    found = _decide(ctx, thread, order)
    if isinstance(found, ThreadState):
        return GraphEnded(thread, found, bound_by)
    workflow = ctx.cache.workflow(thread.position.workflow)
    raised = budget.raised(ctx, thread, workflow, found.role, order.budget)
    if raised:
        thread = replace(thread, tags={**thread.tags, **raised})
    agent = _agent_for(ctx, workflow, found, order)
    base = thread.position
    if found.base != thread.head:
        base = Position.read(ctx.cache, found.base)
    return NextStep(thread, workflow, found, base, agent, bound_by, raised)


def decide(
    nodes: Nodes, thread: Thread, workflow: Workflow, verb: str, supplement: str | None
) -> Plan | ThreadState:
    """The plan that `verb` makes; the state that the thread gets where its graph has ended."""
    if verb == POKE:
        return transitions.for_poke(nodes, thread, supplement or "")
    if verb == RETRY:
        transitions.refuse_unfailed(thread)
        verb = EXEC if thread.status == IDLE else RESUME
    make = transitions.for_resume if verb == RESUME else transitions.for_exec
    found = make(nodes, thread, workflow, supplement)
    is_same_round = isinstance(found, Plan) and found.round == thread.position.round
    if is_same_round and rebind.is_outdated(nodes, thread, workflow):
        assert isinstance(found, Plan)
        return rebind.replan(nodes, thread, found, workflow)
    return found


def _decide(ctx: RunContext, thread: Thread, order: Order) -> Plan | ThreadState:
    clean = ctx.redactor.text
    supplement = None if order.supplement is None else clean(order.supplement)
    goes_on_when_raised = order.budget is not None and thread.status == IDLE
    verb = EXEC if order.verb == RESUME and goes_on_when_raised else order.verb
    workflow = ctx.cache.workflow(thread.position.workflow)
    try:
        found = decide(ctx.cache, thread, workflow, verb, supplement)
    except RouteError as error:
        raise PersonNeeded(error.message, reason="preflight_failed", hint=error.hint) from error
    if isinstance(found, ThreadState):
        return found
    return replace(found, instruction=clean(found.instruction), cwd=clean(found.cwd))


def _agent_for(ctx: RunContext, workflow: Workflow, plan: Plan, order: Order) -> Agent:
    """The agent that runs the step; where there is none, one that refuses once the guards before that were asked."""
    try:
        return ctx.agent_for(workflow.name, plan.role, order.agent)
    except Refused as refusal:
        return NoAgent(refusal)
