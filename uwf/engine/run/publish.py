"""Publishing: each function is the one transaction that moves a thread from one whole state to the next.

Content first, then the refs by compare-and-set, then what the guards learn. Whatever kills the process, a thread is at
the state before or at the state after. Each returns the thread it made: nothing that was written is read again.
"""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.chain import sessions, told, wake
from uwf.engine.chain import thread as threads
from uwf.engine.chain import word as words
from uwf.engine.chain.attempt import AttemptEnd, ended_attempts
from uwf.engine.chain.nodes import pack_text, unusual
from uwf.engine.chain.tags import (
    ATTEMPTS,
    IDLE,
    SUSPENDED,
    ThreadState,
)
from uwf.engine.chain.thread import into, move_head, wake_by
from uwf.engine.run.attempt.begin import rebound
from uwf.engine.run.attempt.outcome import (
    Accepted,
    Failed,
    NeedsApproval,
    OverBudget,
    Postponed,
    Retried,
    Stopped,
    Unjudged,
)
from uwf.guard.contract import AttemptFailed, AttemptStopped, AttemptSucceeded
from uwf.record import replace
from uwf.store import measures
from uwf.store.codec import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.wake import Wake
    from uwf.engine.run.attempt.outcome import Outcome
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import GraphEnded
    from uwf.engine.run.planning.rebind import Rebind
    from uwf.engine.run.step import StepRun
    from uwf.store.protocols import Transaction


def publish(ctx: RunContext, run: StepRun, outcome: Outcome) -> Thread:
    """Make the outcome of an attempt lasting, and let the guards learn from it. Raises `Conflict` if the head moved."""
    if isinstance(outcome, Accepted):
        return _step(ctx, run, outcome)
    if isinstance(outcome, Stopped):
        return _aside(ctx, run, outcome)
    if isinstance(outcome, Retried):
        return _aside(ctx, run, outcome)
    return _failure(ctx, run, outcome)


def end(ctx: RunContext, ended: GraphEnded) -> Thread:
    """The graph of a thread has ended, and nothing was run."""
    seen, completed = ended.thread.tags, into(ended.state)

    def tags(now: Mapping[str, str]) -> dict[str, str]:
        over = wake.run_began(now, seen, clock.now_ms(), is_first=True, is_woken=False)
        return completed(over)

    return _move(ctx, ended.thread, tags, "the graph has ended", ended.rebind)


def suspend(ctx: RunContext, thread: Thread, role: str | None, message: str) -> Thread:
    """Leave a thread to a person, its head staying."""
    return _move(ctx, thread, into(ThreadState(SUSPENDED, role, message)), message, None)


def wakes_later(ctx: RunContext, thread: Thread, later: Wake) -> None:
    """A run was refused, and `thread` is to go on by itself once time has cured that."""
    with ctx.store.transaction("wake later", durable=False, wait_s=0.2) as tx:
        wake_by(tx, thread.id, later)


def put_off(
    ctx: RunContext,
    thread: Thread,
    later: Wake,
    *,
    is_over: bool,
    unserved_ms: int | None,
    not_on: tuple[str, ...],
) -> None:
    """A run that the timer of `thread` had begun was refused: it goes on at a later time. `is_over`: the timer is.
    `unserved_ms` is now where it can be run on another machine alone, and on those that it is `not_on` it cannot.
    """

    def tags(now: Mapping[str, str]) -> dict[str, str]:
        return wake.put_off(
            *(now, thread.tags, later),
            is_over=is_over,
            unserved_ms=unserved_ms,
            not_on=not_on,
        )

    with ctx.store.transaction("put off", durable=False) as tx:
        move_head(tx, thread.id, thread.head, tags, expect=thread.ref, why=later.why)


def has_nothing_to_run_for(ctx: RunContext, thread: Thread) -> None:
    """The words that `thread` was to wake for have been told: its timer is over."""

    def tags(now: Mapping[str, str]) -> dict[str, str]:
        return wake.put_off(now, thread.tags, None, is_over=True)

    _move(ctx, thread, tags, "its timer is over: what it was for has been told", None)


def left_to_a_person(
    ctx: RunContext, thread: Thread, role: str | None, message: str, *, is_over: bool
) -> None:
    """A run that the timer of `thread` had begun was refused, and only a person can change that."""
    suspended = into(ThreadState(SUSPENDED, role, message))

    def tags(now: Mapping[str, str]) -> dict[str, str]:
        over = wake.put_off(now, thread.tags, None, is_over=is_over)
        return over if thread.status == SUSPENDED else suspended(over)

    _move(ctx, thread, tags, message, None)


def _step(ctx: RunContext, run: StepRun, outcome: Accepted) -> Thread:
    """Write the step and move the head to it."""
    thread, plan = run.thread, run.step.plan
    index = run.step.base.index + 1
    with run.recorder.following(ctx.store.transaction("step")) as tx:
        run.recorder.last_turn(tx, outcome.tail)
        step, node = tx.put_node("step", _step_payload(tx, run, outcome, index))
        ctx.cache.keep(step, node)
        points.at("step: objects written")
        why = f"step {index} {plan.role} {outcome.status}"
        ref = move_head(tx, thread.id, step, into(outcome.state), expect=thread.ref, why=why)
        run.ticket.ended(
            tx,
            AttemptSucceeded(outcome.usage or {}, outcome.duration_ms, outcome.peak_memory_bytes),
        )
        points.at("step: head moved")
        tx.delete_ref(ATTEMPTS + thread.id, expect=run.recorder.at, why="became a step")
        if plan.told:
            told.take(tx, thread.id, plan.told, f"told to step {index}")
        measures.note(tx, measures.STEP, 1)
        points.at("step: words taken")
    ctx.cache.links.update(run.sections.links)
    return threads.of(ctx.cache, ref, None)


def _step_payload(tx: Transaction, run: StepRun, outcome: Accepted, index: int) -> dict[str, Any]:
    plan, base, recorder = run.step.plan, run.step.base, run.recorder
    files = recorder.start.files
    return {
        "prev": Link(plan.base),
        "start": Link(base.start),
        "workflow": Link(plan.workflow),
        "thread": run.thread.id,
        "role": plan.role,
        "index": index,
        "round": plan.round,
        "visits": {**base.visits, plan.role: base.visits.get(plan.role, 0) + 1},
        "sessions": sessions.after(run.ctx.cache, run.ctx.store, run.step.thread.position),
        "status": outcome.status,
        "output": outcome.output,
        "body": pack_text(tx, outcome.body),
        "prompt": Link(recorder.prompt),
        "instruction": pack_text(tx, plan.instruction),
        "supplement": None if plan.remark is None else pack_text(tx, plan.remark),
        **({"told": words.put(tx, plan.told)} if plan.told else {}),
        "turns": None if recorder.turns is None else Link(recorder.turns),
        "agent": recorder.start.agent,
        **recorder.client.to_payload(),
        "cwd": plan.cwd,
        "session": outcome.session,
        "startedAt": recorder.began_ms,
        "durationMs": outcome.duration_ms,
        "process": unusual(outcome.process or {}),
        "usage": outcome.usage,
        "spent": outcome.spent,
        "attempts": [Link(id) for id in ended_attempts(tx, recorder.start.before)],
        "replaces": Link(plan.expect) if plan.is_poke else None,
        **({} if files is None else {"worktree": {"before": files, "after": run.files_after}}),
        **({} if run.along is None else run.along.put(tx)),
        **({} if run.ctx.host is None else {"host": run.ctx.host}),
    }


def _failure(
    ctx: RunContext, run: StepRun, outcome: Failed | OverBudget | NeedsApproval | Unjudged
) -> Thread:
    """Keep the attempt, and suspend the thread or let it wait for its next try; the head stays."""
    thread, plan, failure = run.thread, run.step.plan, outcome.failure
    tags = into(ThreadState(SUSPENDED, plan.role, failure.message))
    if isinstance(outcome, Postponed):
        tags = _until_next_try(outcome)
    with run.recorder.following(ctx.store.transaction("failure")) as tx:
        attempt = run.recorder.ended(tx, _end_of(run, outcome), outcome.tail)
        _let_learn(tx, run, outcome)
        points.at("failure: objects written")
        if isinstance(outcome, NeedsApproval):
            why = f"{plan.role} asks for a permission"
        else:
            measures.note(tx, measures.FAILED, failure.code)
            why = f"attempt {attempt.number} of {plan.role} failed: {failure.code}"
        ref = move_head(tx, thread.id, plan.expect, tags, expect=thread.ref, why=why)
    return threads.of(ctx.cache, ref, attempt)


def _until_next_try(outcome: Postponed) -> Callable[[Mapping[str, str]], dict[str, str]]:
    """The tags of a thread whose run has ended, and that is idle until its next try."""
    next_try = wake.Wake(outcome.wake_ms, wake.RECOVERY, outcome.failure.message)
    idle = into(ThreadState(IDLE, wake=next_try))
    return lambda tags: wake.run_ended(idle(tags))


def _aside(ctx: RunContext, run: StepRun, outcome: Retried | Stopped) -> Thread:
    """Keep an attempt that was stopped, or is tried again without a person; the thread's ref stays untouched.

    Of one that was stopped before it began nothing is kept: nothing has changed.
    """
    if run.recorder.begun is None:
        return run.thread
    with run.recorder.following(ctx.store.transaction("aside")) as tx:
        attempt = run.recorder.ended(tx, _end_of(run, outcome), outcome.tail)
        _let_learn(tx, run, outcome)
    return replace(run.thread, attempt=attempt)


def _end_of(
    run: StepRun, outcome: Failed | OverBudget | NeedsApproval | Unjudged | Stopped
) -> AttemptEnd:
    return AttemptEnd(
        failure=outcome.failure,
        duration_ms=outcome.duration_ms,
        process=outcome.process,
        stderr=outcome.stderr,
        session=outcome.session,
        usage=outcome.usage,
        is_retried=isinstance(outcome, (Retried, Postponed)),
        files=run.files_after,
        along=run.along,
    )


def _let_learn(
    tx: Transaction, run: StepRun, outcome: Failed | OverBudget | NeedsApproval | Unjudged | Stopped
) -> None:
    used, ms = outcome.usage or {}, outcome.duration_ms
    if not isinstance(outcome, Failed):
        run.ticket.ended(tx, AttemptStopped(used, ms))
        return
    run.ticket.ended(
        tx,
        AttemptFailed(
            usage=used,
            duration_ms=ms,
            peak_memory_bytes=outcome.peak_memory_bytes,
            failure_class=outcome.failure.code,
            cause=outcome.cause,
            resets_ms=outcome.resets_ms,
            is_told=outcome.is_told,
            is_retried=isinstance(outcome, Retried),
            is_transient=outcome.is_transient,
        ),
    )


def _move(
    ctx: RunContext,
    thread: Thread,
    tags: Callable[[Mapping[str, str]], dict[str, str]],
    why: str,
    rebind: Rebind | None,
) -> Thread:
    """Change the tags of a thread, its head staying but for a rebind."""
    with ctx.store.transaction("move") as tx:
        ref = thread.ref if rebind is None else rebound(tx, thread, rebind)
        if rebind is not None and tx.ref(ATTEMPTS + thread.id) is not None:
            tx.delete_ref(ATTEMPTS + thread.id, why="it was about an older head")
        ref = move_head(tx, thread.id, ref.id, tags, expect=ref, why=why)
    return threads.of(ctx.cache, ref, None if rebind is not None else thread.attempt)
