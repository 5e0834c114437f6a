"""A reply that has come is never lost: where it cannot be stored it is kept as a file, and taken in by whoever next
holds the lock of its thread. No agent is asked again for it.

Taken in, it is judged and published as if it came now, with all that the guards learn from it; its file goes after
that. A kill in between leaves both, and the next one sees that it is in. What the thread can not go on with any more,
since it has moved, is kept beside its chain like any attempt that did not become a step.
"""

from __future__ import annotations

from contextlib import contextmanager

from uwf import points
from uwf.engine.chain import attempt as attempts
from uwf.engine.chain import kept, thread
from uwf.engine.chain.attempt import INTERRUPTED, UNJUDGED, Failure
from uwf.engine.chain.kept import KeptReply
from uwf.engine.chain.nodes import Position, Step
from uwf.engine.chain.tags import CANCELLED, COMPLETED
from uwf.engine.progress import NotTakenIn, Recovered, StepDone, StepFailed, StepSuspended, TakenIn
from uwf.engine.run import publish
from uwf.engine.run.admission import Ticket
from uwf.engine.run.attempt.outcome import (
    Accepted,
    NeedsApproval,
    OverBudget,
    Postponed,
    Rejected,
    Retried,
    Stopped,
    Unjudged,
)
from uwf.engine.run.lock import hold
from uwf.engine.run.order import EXEC, POKE, NextStep, Order
from uwf.engine.run.planning.agents import NoAgent
from uwf.engine.run.recovery import recovery
from uwf.engine.run.request import request_of
from uwf.engine.run.step import StepRun
from uwf.engine.run.worktree import in_worktree
from uwf.errors import Busy, PersonNeeded, Refused, ReplyKept, StoreError, Superseded, UwfError
from uwf.record import Record, replace
from uwf.store import files
from uwf.store.fenced import is_lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from uwf.engine.chain.attempt import Attempt
    from uwf.engine.chain.kept import Room
    from uwf.engine.chain.nodes import Plan
    from uwf.engine.chain.thread import Thread
    from uwf.engine.progress import StepResult
    from uwf.engine.run.attempt.outcome import Outcome
    from uwf.engine.run.context import RunContext

IS_INSIDE = "its agent ended before; what it said is taken in"


class Taken(Record):
    """A reply that was taken in: the plan of its step, and what came of it; None where that was no result of a run."""

    plan: Plan
    result: StepResult | None


def recover(ctx: RunContext, id: str) -> tuple[Thread, Taken | None]:
    """What whoever holds the lock of the thread `id` begins with: all that is left of a run before is put in order.

    A reply that it has kept is taken in, an attempt that it had not ended is settled. The thread as it is then.
    """
    taken = take_in(ctx, id)
    settled = recovery.settle(ctx.store, id, grace_s=ctx.config.limits.grace_s)
    if settled is not None:
        ctx.on_progress(Recovered(id, settled.attempt, settled.ended_pids))
    return thread.current(ctx.store, ctx.cache, id), taken


def recover_if_free(ctx: RunContext, id: str) -> bool:
    """The same for a thread that no process runs. False when one does."""
    try:
        with hold(ctx, id) as held:
            recover(held, id)
    except Busy:
        return False
    return True


@contextmanager
def kept_if_lost(run: StepRun, room: Room) -> Iterator[None]:
    """While this lasts, an answer that has come and cannot be stored is kept as a file. What has come of an attempt
    whose run has lost its thread to another is kept in the store, beside the chain.

    Raises `ReplyKept`, which names the file, in the place of what was in the way.
    """
    try:
        yield
    except Refused:
        raise
    except Superseded as lost:
        raise _kept_aside(run, room, lost) from lost
    except Exception as error:  # whatever it was: the answer is paid for
        if run.came is None or run.recorder.begun is None:
            raise
        if isinstance(error, StoreError) and is_lost(run.ctx.store):  # as it was cut off for long
            raise _kept_aside(run, room, error) from error
        raise _kept(run, room, error) from error


def take_in(ctx: RunContext, id: str) -> Taken | None:
    """Take in what is kept of the thread `id`, whose lock the caller holds. None when nothing was to be.

    Raises `ReplyKept` while it still cannot be stored, `StoreError` for a file that cannot be read.
    """
    taken = None
    for path in kept.found(ctx.home, id):
        taken = _take_in(ctx, id, path) or taken
    return taken


def is_of(ctx: RunContext, order: Order, plan: Plan) -> bool:
    """Whether a step by `plan` is what `order` asks for first, which then needs no other."""
    if not (order.rebind is order.budget is order.cwd is None):
        return False
    said = None if order.supplement is None else ctx.redactor.text(order.supplement)
    is_told = said is None or any(word.is_same(said, order.speaker) for word in plan.told)
    if said is not None and plan.remark is not None:
        is_told = is_told or plan.remark.endswith(said)
    return is_told and (order.verb == POKE) == plan.is_poke


def result_of(outcome: Outcome, thread: Thread, role: str) -> StepResult | None:
    """What a run yields of an `outcome` that has left `thread` as it is; None where the step is tried again."""
    if isinstance(outcome, Accepted):
        return StepDone(thread, role, thread.head)
    assert thread.attempt is not None, "it was kept"
    if isinstance(outcome, (OverBudget, NeedsApproval)):
        return StepSuspended(thread, role, thread.attempt.last)
    if isinstance(outcome, (Stopped, Retried, Postponed)):
        return None
    return StepFailed(thread, role, outcome.failure, thread.attempt.last)


def _take_in(ctx: RunContext, id: str, path: str) -> Taken | None:
    reply = kept.load(path)
    now = thread.current(ctx.store, ctx.cache, id)
    if _is_in(ctx, now, reply):
        files.discard(path)
        return None
    run = _run_of(ctx, now, reply)
    if run is None:
        ctx.on_progress(NotTakenIn(id, path))
        return None
    try:
        outcome = _outcome(run, reply)
        in_worktree.after(ctx, run, outcome)
        after = publish.publish(ctx, run, outcome)
    except Exception as error:
        raise _still_kept(reply.plan.role, path, reply.is_whole, error) from error
    points.at("kept: taken in")
    files.discard(path)
    ctx.on_progress(TakenIn(id, reply.plan.role, path))
    return Taken(reply.plan, result_of(outcome, after, reply.plan.role))


def _kept_aside(run: StepRun, room: Room, lost: UwfError) -> UwfError:
    from uwf.engine.run.attempt import superseded  # rarely needed

    if run.recorder.begun is None:
        return lost
    if run.came is None:
        run.came = run.cut_off()
    _used(run)
    try:
        return superseded.kept(run, run.came)
    except StoreError as error:
        return _kept(run, room, error)


def _kept(run: StepRun, room: Room, error: Exception) -> ReplyKept:
    """The error for an answer that could not be stored, and is in a file now."""
    role = run.step.plan.role
    try:
        path, is_whole = room.keep(_facts(run))
    except OSError as fault:
        cause = _cause(error)
        return ReplyKept(
            f"the reply of {role} could neither be stored nor kept: {cause}; {fault}",
            hint=getattr(error, "hint", None),
            path=None,
        )
    return _still_kept(role, path, is_whole, error)


def _still_kept(role: str, path: str, is_whole: bool, error: Exception) -> ReplyKept:
    where = f"it is kept in {path}, and the next command on its thread takes it in"
    if not is_whole:
        where = f"what it cost is kept in {path}, and of the reply {kept.IS_CUT}"
    return ReplyKept(
        f"the reply of {role} could not be stored: {_cause(error)}; {where}",
        hint=getattr(error, "hint", None),
        code=error.code if isinstance(error, UwfError) else None,
        path=path,
    )


def _cause(error: Exception) -> str:
    return error.message if isinstance(error, UwfError) else f"{type(error).__name__}: {error}"


def _facts(run: StepRun) -> KeptReply:
    """What is kept of an attempt, without secrets."""
    came, start, redactor = run.came, run.recorder.start, run.ctx.redactor
    assert came is not None and run.recorder.begun is not None, "an answer has come"
    answer = replace(
        came.answer,
        text=redactor.text(came.answer.text),
        tail=run.recorder.rest(came.answer.tail),
        stderr=run.cleaner(came.answer)(came.answer.stderr),
        failure=_clean(came.answer.failure, redactor.value),
        session=redactor.value(came.answer.session),
        usage=redactor.value(came.answer.usage),
    )
    return KeptReply(
        thread=start.thread,
        begun=run.recorder.begun,
        mark=start.mark,
        agent=start.agent,
        plan=start.plan,
        came=replace(came, answer=answer),
        usage=_used(run),
        turns=tuple(run.recorder.held),
        client=run.recorder.client,
        before=start.before,
        files=start.files,
    )


def _clean(record: Any, value: Any) -> Any:
    return None if record is None else type(record)(**value(vars(record)))


def _used(run: StepRun) -> dict[str, Any] | None:
    """What the attempt has used with its last answer, also where that was not judged."""
    assert run.came is not None
    if run.usage != run.came.usage:
        return run.usage
    from uwf.engine.run.attempt.reply import envelope_of

    run.note(envelope_of(run.role, run.came.answer.text, run.ctx.redactor), run.came)
    return run.usage


def _is_in(ctx: RunContext, now: Thread, reply: KeptReply) -> bool:
    """Whether it was taken in already, by one that was killed before it could remove the file."""
    beside = None if now.attempt is None else now.attempt.last_end
    ends = attempts.ended_attempts(ctx.cache, beside)
    if reply.begun in [ctx.cache.get(id).payload["begun"] for id in ends]:
        return True
    if ctx.cache.get(now.head).kind != "step":
        return False
    turns = Step.read(ctx.cache, now.head).turns
    if turns is None:
        return False
    asked = ctx.cache.get(turns).payload["attempt"]
    return reply.begun in (asked, ctx.cache.get(asked).payload.get("begun"))


def _run_of(ctx: RunContext, now: Thread, reply: KeptReply) -> StepRun | None:
    """The attempt that the reply belongs to. None for one of which this store knows nothing, and cannot any more."""
    plan, beside = reply.plan, now.attempt
    if beside is None or beside.begun != reply.begun:
        knows_plan = now.head == plan.expect and ctx.store.has(plan.workflow)
        if not knows_plan or not _is_next(now.pending, reply) or now.status == CANCELLED:
            return None
        beside = None  # the store is an older copy, or has forgotten it: its attempt is begun anew
    nobody = NoAgent(PersonNeeded(IS_INSIDE, reason="no_agent"))
    nobody.name = reply.agent
    workflow, base = ctx.cache.workflow(plan.workflow), Position.read(ctx.cache, plan.base)
    files = reply.files if beside is None else beside.files
    step = NextStep(now, workflow, plan, base, nobody, None, {}, files=files)
    ticket = Ticket(ctx.admission.guards, request_of(ctx, step, Order(EXEC)), ())
    run = StepRun(ctx, step, ticket)
    if beside is None:
        run.came = reply.came
        run.started(None)
    else:
        run.recorder.go_on(beside)
        run.recorder.prompt = ctx.cache.get(beside.begun).payload["prompt"]
    run.recorder.held.extend(reply.turns)
    run.recorder.client = reply.client
    return run


def _is_next(pending: Attempt | None, reply: KeptReply) -> bool:
    """Whether the attempt of the reply comes right after the `pending` one: nothing was tried since."""
    if pending is None:
        return True
    return pending.failure is not None and pending.last == reply.before


def _outcome(run: StepRun, reply: KeptReply) -> Outcome:
    """What comes of the reply, now that it is heard again."""
    if run.thread.head != reply.plan.expect or run.thread.status in (CANCELLED, COMPLETED):
        return _left(run, reply, "the thread moved on before its reply could be stored")
    if not reply.is_whole:
        answer = replace(reply.came.answer, tail=reply.came.answer.text)
        reply = replace(reply, came=replace(reply.came, answer=answer))
        return _left(run, reply, "there was no room for the whole of its reply")
    try:
        heard = run.hear(reply.came, run.sections.text)
    except StoreError:
        raise
    except Exception as error:  # as when it came: it is not asked for, and judged, without end
        why = f"the reply has come and could not be judged: {_cause(error)}"
        run.usage = reply.usage
        return Unjudged(**run.gone(reply.came), failure=Failure(UNJUDGED, why))
    if isinstance(heard, Rejected):
        why = "uwf ended before it could say what was wrong with its reply: "
        return _left(run, reply, why + "; ".join(heard.problems))
    return heard


def _left(run: StepRun, reply: KeptReply, why: str) -> Stopped:
    """It becomes no step, which says nothing of its agent."""
    run.usage = reply.usage
    return Stopped(**run.gone(reply.came), failure=Failure(INTERRUPTED, why))
