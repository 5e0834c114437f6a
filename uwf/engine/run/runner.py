"""The runner: one thread stepped by one command, from its lock to its release.

    hold the lock -> settle what a dead run left -> for each step: plan, admission, attempt, publish

Killed between any two instructions, the thread is at the old head or at the new one.
"""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.chain import hosts, place
from uwf.engine.chain.kept import Room
from uwf.engine.chain.tags import AGENT, IDLE, PLACE
from uwf.engine.progress import (
    GraphDone,
    NotDue,
    Retrying,
    RunsElsewhere,
    StepDone,
    StepPostponed,
    Waiting,
)
from uwf.engine.run import conversation, publish, timers
from uwf.engine.run.attempt import retry
from uwf.engine.run.attempt.outcome import Postponed, Retried, Stopped
from uwf.engine.run.concurrent import asked, joining
from uwf.engine.run.lock import hold, interrupted, raise_if_stopped, sleeper, waited_note
from uwf.engine.run.order import WOKEN, GraphEnded, check, orders
from uwf.engine.run.plan import again, plan_next, with_what_waits
from uwf.engine.run.planning import transitions
from uwf.engine.run.recovery.intake import is_of, kept_if_lost, recover, result_of
from uwf.engine.run.request import request_of
from uwf.engine.run.step import StepRun
from uwf.engine.run.worktree import in_worktree, worktree_tags
from uwf.errors import Busy, NotHere, Refused, ReplyKept
from uwf.quantities import counted
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.agent.stop import Stop
    from uwf.engine.chain.thread import Thread
    from uwf.engine.progress import StepResult
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep, Order


def run(ctx: RunContext, id: str, order: Order, stop: Stop) -> Iterator[StepResult]:
    """Step the thread `id` as ordered, giving each step as it is done.

    Raises `InputError`, `StateError` and `Refused` with nothing changed, `Interrupted` when `stop` was asked for. A
    refusal is counted once, when all the time that was given for it has passed, and after the lock is let go.
    """
    check(order)
    try:
        yield from _run(ctx, id, order, stop)
    except (Refused, Busy) as refusal:
        if order.verb == WOKEN and isinstance(refusal, Busy):
            ctx.on_progress(NotDue(id))  # another one came first
            return
        ctx.admission.refused(refusal)
        raise


def _run(ctx: RunContext, id: str, order: Order, stop: Stop) -> Iterator[StepResult]:
    if not order.wait_s or order.verb == WOKEN:
        with hold(ctx, id, 0.0, stop) as held, Room(ctx.home) as room:
            yield from _held(held, id, order, stop, room)
        return
    with (
        joining.Joiner(ctx, id, order) as joiner,
        hold(ctx, id, order.wait_s, stop, joiner.is_answered) as held,
        Room(ctx.home) as room,
    ):
        answer = joiner.answer()
        if answer is not None:
            yield answer
        else:
            yield from _held(held, id, joiner.goes_on(), stop, room)


def _held(ctx: RunContext, id: str, order: Order, stop: Stop, room: Room) -> Iterator[StepResult]:
    """The steps of a thread whose lock is held. A reply that was kept for it is the first, if that was asked for."""
    limit = ctx.config.limits.max_steps if order.count is None else order.count
    points.at("run: locked")
    thread, taken = recover(ctx, id)
    result = None if taken is None or not is_of(ctx, order, taken.plan) else taken.result
    thread = worktree_tags.placed(ctx, asked.obeyed(ctx.store, thread) or thread)
    points.at("run: settled")
    if order.verb == WOKEN and not timers.is_due(ctx, thread):
        ctx.on_progress(NotDue(id))
        return
    if order.verb == WOKEN and order.agent is None:
        order = replace(order, agent=thread.tags.get(AGENT) or None)
    if _is_elsewhere(ctx, thread, order):
        ctx.on_progress(RunsElsewhere(id, thread.tags[PLACE]))
        return
    for number, each in enumerate(orders(order, limit), 1):
        raise_if_stopped(stop, id)
        if result is None:
            try:
                planned = plan_next(ctx, thread, each)
                points.at("step: decided")
                if isinstance(planned, GraphEnded):
                    yield GraphDone(publish.end(ctx, planned))
                    return
                is_over = stop.is_after_step or _is_elsewhere(ctx, thread, each)
                if each.has_begun and (is_over or _is_for_others(ctx, planned, each)):
                    return  # one that its timer has begun stays due, for whoever goes on
                _refuse_for_others(ctx, planned, each)
                result = _step(ctx, planned, each, stop, room)
            except Refused as refusal:
                timers.refused(ctx, thread, order, refusal, has_begun=each.has_begun)
                raise
            except ReplyKept as lost:
                from uwf.engine.run.recovery import store_back  # rarely needed

                result = store_back.taken_in(ctx, id, lost, stop)
                if result is None:
                    return
        if isinstance(result, StepDone) and order.count is None and number == limit:
            result = _suspended(ctx, result, limit)
        after = asked.obeyed(ctx.store, result.thread)
        yield result if after is None else replace(result, thread=after)
        points.at("step: told")
        if isinstance(result, StepPostponed) and after is None:
            raise result.refusal
        if after is not None or not isinstance(result, StepDone) or result.thread.status != IDLE:
            return
        thread, result = result.thread, None


def _is_elsewhere(ctx: RunContext, thread: Thread, order: Order) -> bool:
    """Whether a worker has begun this run, and the thread is to run at a place that is not its own."""
    labels = order.labels
    return labels is not None and not place.allows(thread.tags.get(PLACE), ctx.host, labels)


def _is_for_others(ctx: RunContext, planned: NextStep, order: Order) -> bool:
    """Whether the next step is for another worker, as it is by an agent that this one has not."""
    name, only = planned.agent.name, order.only
    return only is not None and (not name or (name in ctx.config.agents and name not in only))


def _refuse_for_others(ctx: RunContext, planned: NextStep, order: Order) -> None:
    """Raise `NotHere` for a step by an agent that this machine has and this worker has not. Where the machine has none
    by that name either, the guards say what is missing.
    """
    agent = planned.agent.name
    if agent and _is_for_others(ctx, planned, order):
        raise NotHere(
            f"role {planned.plan.role} is run by agent {agent}, which this worker does not run",
            reason=hosts.NOT_HERE,
            hint="uwf worker list",
        )


def _step(ctx: RunContext, step: NextStep, order: Order, stop: Stop, room: Room) -> StepResult:
    """One step: admitted by the guards, and attempted until something came of it."""
    id, role = step.thread.id, step.plan.role
    sleep = sleeper(stop, id)
    deadline_s = clock.monotonic_s() + order.wait_s
    is_retry = has_waited = False

    def left_s() -> float:
        return max(0.0, deadline_s - clock.monotonic_s())

    def on_wait(refusal: Refused) -> None:
        nonlocal has_waited
        has_waited = True
        ctx.on_progress(Waiting(id, refusal.message, 0.0 if order.has_begun else left_s()))

    def sit_out(refusal: Refused) -> None:
        if order.verb == WOKEN:
            raise refusal  # its time is what the timer is for
        if has_waited and not left_s():
            refusal.message += waited_note(order.wait_s)
        pause_s = _until_it_may_pass(refusal, left_s())
        on_wait(refusal)
        sleep(pause_s)

    while True:
        request = request_of(ctx, step, order, left_s(), is_retry=is_retry)
        try:
            with ctx.admission.admit(request, step.agent, sleep, on_wait) as ticket:
                has_waited = False
                step = in_worktree.before(ctx, with_what_waits(ctx, step), sleep)
                attempt = StepRun(ctx, step, ticket)
                with kept_if_lost(attempt, room):
                    outcome = attempt.run(stop)
                    in_worktree.after(ctx, attempt, outcome)
                    if ctx.host is not None:
                        conversation.goes_along(ctx, attempt, outcome)
                    thread = publish.publish(ctx, attempt, outcome)
        except Refused as refusal:
            sit_out(refusal)
            continue
        if isinstance(outcome, Stopped):
            raise interrupted(stop, id)
        result = result_of(outcome, thread, role)
        if result is not None:
            return result
        is_retry = isinstance(outcome, Retried)
        if isinstance(outcome, Retried):
            ctx.on_progress(Retrying(id, role, outcome.failure.message, outcome.retry_in_s))
            sleep(outcome.retry_in_s)
        else:
            assert isinstance(outcome, Postponed) and thread.attempt is not None, "it was kept"
            agent = None if order.agent is None else ctx.redactor.text(order.agent)
            put_off = retry.postponed(id, outcome.failure.message, outcome.wake_ms, agent)
            ends = StepPostponed(thread, role, outcome.failure, thread.attempt.last, put_off)
            if asked.is_asked(ctx.store, id):
                return ends
            try:
                sit_out(put_off)
            except Refused:
                return ends
        step = again(ctx, step, thread)


def _until_it_may_pass(refusal: Refused, left_s: float) -> float:
    """How long to wait for a guard that said when to ask again. Raises `refusal` if that is too late, or not known."""
    if refusal.retry_at_ms is None:
        raise refusal
    wait_s = max(0.05, (refusal.retry_at_ms - clock.now_ms()) / 1000)
    if wait_s > left_s:
        raise refusal
    return wait_s


def _suspended(ctx: RunContext, done: StepDone, limit: int) -> StepDone:
    """`--until-done` has taken as many steps as it may: leave a thread that could go on to a person."""
    thread = done.thread
    if thread.status != IDLE:
        return done
    role = transitions.next_role(thread, ctx.cache.workflow(thread.position.workflow))
    message = f"stopped after {counted(limit, 'step')} without an end (limits.max_steps)"
    return StepDone(publish.suspend(ctx, thread, role, message), done.role, done.step)
