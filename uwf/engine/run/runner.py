"""One step of a thread, crash-safe: decide, guard, run, commit.

`run` holds the thread's lock for as long as a command steps it, and first settles what a dead predecessor left
behind. `_step` is one step: a plan is decided, the guards are asked, and attempts are made (see `attempt`) until
one came to something. Killed between any two instructions, the thread is at the old head or at the new one.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress

from uwf import clock, points
from uwf.engine.chain import attempt as tries
from uwf.engine.chain import usage
from uwf.engine.chain.tags import IDLE, SUSPENDED, ThreadState, labels_of, number_of
from uwf.engine.chain.thread import Thread
from uwf.engine.events import Waiting
from uwf.engine.run import plan as decide
from uwf.engine.run import publish
from uwf.engine.run.lock import current, heed, hold, in_vain, settle
from uwf.engine.run.step import Result, StepRun
from uwf.errors import Busy, Refused, UwfError
from uwf.guard.contract import Request
from uwf.quantities import counted
from uwf.record import Record, replace
from uwf.workflow.route import RouteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.agent.protocol import Agent
    from uwf.agent.stop import Stop
    from uwf.engine.chain.nodes import Plan
    from uwf.engine.run.context import Engine
    from uwf.workflow.model import Workflow

EXEC, RESUME, POKE = "exec", "resume", "poke"

LONGEST_SLEEP_S = 86_400.0
"""How long to sleep at once: `poll` counts milliseconds in a C int, which is less than 25 days."""


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


def run(engine: Engine, id: str, order: Order, stop: Stop) -> Iterator[Result]:
    """Step the thread `id` as ordered, giving each step as it is done.

    Raises `StateError` and `Refused` with nothing changed, `Interrupted` when `stop` was asked for. A refusal is
    counted once, when all the time that was given for it has passed, and after the lock is let go.
    """
    try:
        yield from _run(engine, id, order, stop)
    except (Refused, Busy) as refusal:
        engine.admission.refused(refusal)
        raise


def _run(engine: Engine, id: str, order: Order, stop: Stop) -> Iterator[Result]:
    with _hold_or_refuse(engine, id, order, stop):
        points.at("run: locked")
        settle(engine, id)
        points.at("run: settled")
        limit = engine.config.limits.max_steps if order.count is None else order.count
        thread = _as_ordered(engine, id, order)
        for done in range(1, limit + 1):
            heed(stop, id)
            result = _step(engine, thread, order, stop)
            going = result.thread.status == IDLE and result.failure is None
            if going and order.count is None and done == limit:
                result = _suspend_at_limit(engine, result, limit)
            yield result
            points.at("step: told")
            if not going:
                return
            thread = result.thread
            if done == 1:
                order = Order(EXEC, order.count, order.agent, wait_s=order.wait_s)


@contextmanager
def _hold_or_refuse(engine: Engine, id: str, order: Order, stop: Stop) -> Iterator[None]:
    """Hold the lock. When another process has it, what refuses before the lock in the order of guards is told."""
    with ExitStack() as held:
        try:
            held.enter_context(hold(engine, id, order.wait_s, stop))
        except (Busy, Refused):
            _ask_guards(engine, id, order)
            raise
        yield


def _ask_guards(engine: Engine, id: str, order: Order) -> None:
    """Raise `Refused` if a guard would refuse the step that cannot even be locked."""
    try:
        thread = _as_ordered(engine, id, order)
        workflow = engine.memo.workflow(thread.position.workflow)
        plan = _decide(engine, thread, workflow, order)
        if isinstance(plan, ThreadState):
            return
        agent = engine.agent_for(workflow.name, plan.role, order.agent)
        thread = _with_tags(thread, _raised(engine, thread, workflow, plan, order))
        request = _request(engine, thread, workflow, plan, agent, order)
    except UwfError:
        return  # the thread is on the move: that it is busy is what can be said of it
    engine.admission.ask(request, agent)


def _as_ordered(engine: Engine, id: str, order: Order) -> Thread:
    """The thread as the order lets it go on: bound to another workflow if it says so, which is not written yet.

    What the state of the thread forbids is raised first. That the old workflow knows no way on is no reason: a
    rebind may mend that.
    """
    thread = current(engine, id)
    if order.rebind is None:
        return thread
    from uwf.engine.run import rebind

    with suppress(Refused):
        _decide(engine, thread, engine.memo.workflow(thread.position.workflow), order)
    return rebind.bound(engine.store, thread, order.rebind)


def _bind(engine: Engine, id: str, workflow_id: str) -> Thread:
    """Write the rebind. The thread as it is then."""
    from uwf.engine.run import rebind

    rebind.rebind(engine.store, current(engine, id), workflow_id)
    return current(engine, id)


def _step(engine: Engine, thread: Thread, order: Order, stop: Stop) -> Result:
    """One step: decided, admitted by the guards, tried until it came to something.

    A rebind that was ordered is written once the guards have let the step pass: a refusal changes nothing.
    """
    id = thread.id
    workflow = engine.memo.workflow(thread.position.workflow)
    plan = _decide(engine, thread, workflow, order)
    points.at("step: decided")
    if isinstance(plan, ThreadState):
        if order.rebind is not None:
            thread = _bind(engine, id, order.rebind)
        publish.move(engine.store, thread, plan, "the graph has ended")
        return Result(current(engine, id), None, None)
    agent = _agent_for(engine, workflow, plan, order)
    raised = _raised(engine, thread, workflow, plan, order)
    thread = _with_tags(thread, raised)
    sleep = _sleeper(stop, id)
    wait_s = order.wait_s
    deadline_s = clock.monotonic_s() + wait_s
    retries = 0

    def on_wait(refusal: Refused) -> None:
        left_s = max(0.0, deadline_s - clock.monotonic_s())
        engine.on_event(Waiting(id, refusal.message, left_s))

    while True:
        if wait_s:
            order = replace(order, wait_s=max(0.0, deadline_s - clock.monotonic_s()))
        request = _request(engine, thread, workflow, plan, agent, order)
        try:
            with engine.admission.admit(request, agent, sleep, on_wait) as ticket:
                if order.rebind is not None:
                    thread = _with_tags(_bind(engine, id, order.rebind), raised)
                    decided = _decide(engine, thread, workflow, order)
                    assert not isinstance(decided, ThreadState), "nor was it without the node"
                    plan = decided
                    order = replace(order, rebind=None)
                result = StepRun(
                    engine,
                    thread,
                    workflow,
                    plan,
                    agent,
                    ticket,
                    stop,
                    retries=retries,
                    raised=raised,
                ).make()
        except Refused as refusal:
            if clock.monotonic_s() >= deadline_s:
                refusal.message += in_vain(wait_s)
            pause_s = _until_it_may_pass(refusal, deadline_s)
            on_wait(refusal)
            sleep(pause_s)
            continue
        if isinstance(result, Result):
            return result
        sleep(result.delay_s)
        retries += 1
        raised = {}
        thread = current(engine, id)


def _agent_for(engine: Engine, workflow: Workflow, plan: Plan, order: Order) -> Agent:
    """Who runs the step; where nobody can, somebody who says so once the guards before that have been asked."""
    try:
        return engine.agent_for(workflow.name, plan.role, order.agent)
    except Refused as refusal:
        from uwf.engine.run.agents import Nobody

        return Nobody(refusal)


def _until_it_may_pass(refusal: Refused, deadline_s: float) -> float:
    """How long to wait for a guard that said when to ask again. Raises `refusal` if that is too late, or not known."""
    if refusal.retry_at_ms is None:
        raise refusal
    wait_s = max(0.05, (refusal.retry_at_ms - clock.now_ms()) / 1000)
    if clock.monotonic_s() + wait_s > deadline_s:
        raise refusal
    return wait_s


def _request(
    engine: Engine,
    thread: Thread,
    workflow: Workflow,
    plan: Plan,
    agent: Agent,
    order: Order,
) -> Request:
    """What the guards are asked."""
    attempt = thread.attempt if thread.plan is not None else None
    return Request(
        thread=thread.id,
        workflow=workflow.name,
        role=plan.role,
        agent=engine.redactor.text(agent.name),
        cwd=plan.cwd,
        labels=labels_of(thread.tags),
        priority=number_of(thread.tags, "priority", thread.id) or 0,
        person=order.verb in (RESUME, POKE) or order.supplement is not None,
        fresh=order.supplement is not None,
        wait_s=order.wait_s,
        tries=tries.failures_in_a_row(engine.memo, attempt, plan.supplement),
        repeats=_repeats(engine, thread.id, attempt),
        spent=usage.of_thread(engine.memo, thread),
        visits=thread.position.visits.get(plan.role, 0),
        budget=_budget(engine, thread, workflow, plan.role),
        replaces=plan.is_poke,
    )


def _budget(engine: Engine, thread: Thread, workflow: Workflow, role: str) -> dict[str, float]:
    """What `thread` may use while `role` runs."""
    return usage.allowed(engine.admission.budget.rules.thread, workflow, role, thread.tags)


def _repeats(engine: Engine, thread: str, attempt: tries.Attempt | None) -> int:
    """How often in its life the thread failed as it did in this attempt, if that failed."""
    if attempt is None or not attempt.has_failed or attempt.failure is None:
        return 0
    failed = attempt.failure
    return engine.admission.attempts.repeats(thread, failed.code, failed.message)


def _raised(
    engine: Engine, thread: Thread, workflow: Workflow, plan: Plan, order: Order
) -> dict[str, str]:
    """The tags of the budget that was ordered. They go on record with the first try."""
    if order.budget is None:
        return {}
    return usage.raised(_budget(engine, thread, workflow, plan.role), order.budget)


def _with_tags(thread: Thread, more: dict[str, str]) -> Thread:
    return replace(thread, tags={**thread.tags, **more}) if more else thread


def _sleeper(stop: Stop, id: str) -> Callable[[float], None]:
    """A sleep that a stop ends in `Interrupted`."""

    def sleep(seconds: float) -> None:
        import select

        poll = select.poll()
        poll.register(stop.fileno(), select.POLLIN)
        end_s = clock.monotonic_s() + seconds
        while (left_s := end_s - clock.monotonic_s()) > 0:
            poll.poll(min(left_s, LONGEST_SLEEP_S) * 1000)
            heed(stop, id)
        heed(stop, id)

    return sleep


def _decide(engine: Engine, thread: Thread, workflow: Workflow, order: Order) -> Plan | ThreadState:
    """What comes next, without secrets. Raises `StateError`, and `Refused` when nothing can follow."""
    supplement = None if order.supplement is None else engine.redactor.text(order.supplement)
    try:
        found = _next(engine, thread, workflow, order, supplement)
    except RouteError as error:
        raise Refused(error.message, reason="preflight_failed", hint=error.hint) from error
    if isinstance(found, ThreadState):
        return found
    instruction = engine.redactor.text(found.instruction)
    return found if instruction == found.instruction else replace(found, instruction=instruction)


def _next(
    engine: Engine, thread: Thread, workflow: Workflow, order: Order, supplement: str | None
) -> Plan | ThreadState:
    if order.verb == POKE:
        return decide.for_poke(engine.memo, thread, supplement or "")
    goes_on_when_raised = order.budget is not None and thread.status == IDLE
    if order.verb == RESUME and not goes_on_when_raised:
        return decide.for_resume(engine.memo, thread, workflow, supplement)
    return decide.for_exec(engine.memo, thread, workflow, supplement)


def _suspend_at_limit(engine: Engine, result: Result, limit: int) -> Result:
    """`--until-done` has taken as many steps as it may: leave the thread to a person."""
    thread = result.thread
    next_role = decide.next_role(thread, engine.memo.workflow(thread.position.workflow))
    message = f"stopped after {counted(limit, 'step')} without an end (limits.max_steps)"
    publish.move(engine.store, thread, ThreadState(SUSPENDED, next_role, message), message)
    return Result(current(engine, thread.id), result.role, result.step)
