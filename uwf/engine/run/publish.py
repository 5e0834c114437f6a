"""Publishing: each function is the one transaction that moves a thread from one whole state to the next.

Content first, then the refs by compare-and-set. Whatever kills the process, a thread is at the state before or
at the state after.
"""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.chain import attempt as tries
from uwf.engine.chain import usage as spending
from uwf.engine.chain.nodes import pack_text, unusual
from uwf.engine.chain.tags import (
    ATTEMPTS,
    COMPLETED,
    END_REASON,
    IDLE,
    SUSPENDED,
    THREADS,
    ThreadState,
)
from uwf.engine.chain.thread import Thread
from uwf.errors import Conflict
from uwf.record import Record
from uwf.store.codec import Link, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from uwf.engine.chain.attempt import AttemptEnd
    from uwf.engine.chain.cache import Memo
    from uwf.engine.chain.nodes import Plan, Position
    from uwf.engine.chain.recorder import AttemptRecorder
    from uwf.store.protocols import Ref, Store, Transaction

    Tell: TypeAlias = Callable[[Transaction], None]
    """Writes what the guards learn from an attempt, as part of its transaction."""

STATE_TAGS = ("status", "suspendedRole", "suspendMessage", "completedAt", END_REASON)
MESSAGE_CHARS = 2000


class Said(Record):
    """A reply that was accepted."""

    status: str
    output: dict[str, Any]
    body: str
    session: str | None
    usage: dict[str, Any] | None
    spent: dict[str, float]
    duration_ms: int
    process: dict[str, Any] | None


def tags_for(tags: Mapping[str, str], standing: ThreadState, now_ms: int) -> dict[str, str]:
    """The tags of a thread that stands there now; those that do not speak of its state are kept."""
    kept = {key: value for key, value in tags.items() if key not in STATE_TAGS}
    kept["status"] = standing.status
    if standing.status == SUSPENDED:
        if standing.next_role is not None:
            kept["suspendedRole"] = standing.next_role
        message = standing.message or "suspended"
        kept["suspendMessage"] = message[:MESSAGE_CHARS]
    if standing.status not in (IDLE, SUSPENDED):
        kept["completedAt"] = str(now_ms)
    return kept


def kept_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that do not come with where a thread stands: its labels, its priority, where it came from."""
    return {key: tag for key, tag in tags.items() if key not in (*STATE_TAGS, "workflow")}


def tags_now(tx: Transaction, thread: Thread) -> Mapping[str, str]:
    """The tags of `thread` as they are in this transaction: a label may have been set since it was read.

    Its lock does not keep `uwf ref set` away. Every move of a thread's ref begins with these.
    """
    now = tx.ref(THREADS + thread.id)
    return (now or thread).tags


def publish_step(
    store: Store,
    memo: Memo,
    thread: Thread,
    base: Position,
    running: AttemptRecorder,
    prompt: str,
    said: Said,
    standing: ThreadState,
    tail: str,
    tell: Tell,
) -> Ref:
    """Write the step and move the head to it. Returns the thread's ref. Raises `Conflict` if the head moved."""
    plan = running.start.plan
    now_ms = clock.now_ms()
    visits = {**base.visits, plan.role: base.visits.get(plan.role, 0) + 1}
    sessions = base.sessions
    if said.session is not None:
        sessions = {**sessions, plan.role: said.session}
    with store.transaction("step") as tx:
        running.last_turn(tx, tail)
        data = encode(
            "step",
            {
                "prev": Link(plan.base),
                "start": Link(base.start),
                "workflow": Link(plan.workflow),
                "thread": thread.id,
                "role": plan.role,
                "index": base.index + 1,
                "round": plan.round,
                "visits": visits,
                "sessions": sessions,
                "status": said.status,
                "output": said.output,
                "body": pack_text(tx, said.body),
                "prompt": Link(prompt),
                "instruction": pack_text(tx, plan.instruction),
                "supplement": None if plan.supplement is None else pack_text(tx, plan.supplement),
                "turns": None if running.turns is None else Link(running.turns),
                "agent": running.start.agent,
                "cwd": plan.cwd,
                "session": said.session,
                "startedAt": running.began_ms,
                "durationMs": said.duration_ms,
                "process": None if said.process is None else unusual(said.process),
                "usage": said.usage,
                "spent": said.spent,
                "attempts": [Link(id) for id in tries.ended_attempts(tx, running.start.before)],
                "replaces": Link(plan.expect) if plan.is_poke else None,
            },
        )
        step = tx.put_raw(data)
        points.at("step: objects written")
        why = f"step {base.index + 1} {plan.role} {said.status}"
        try:  # as nearly always nobody has set a tag since the thread was read
            tags = tags_for(thread.ref.tags, standing, now_ms)
            ref = tx.set_ref(thread.ref.name, step, expect=thread.ref, tags=tags, why=why)
        except Conflict:
            tags = tags_for(tags_now(tx, thread), standing, now_ms)
            ref = tx.set_ref(thread.ref.name, step, expect=plan.expect, tags=tags, why=why)
        tell(tx)
        points.at("step: head moved")
        tx.delete_ref(ATTEMPTS + thread.id, why="became a step")
    memo.keep(step, data.node)
    return ref


def keep_failure(
    store: Store,
    thread: Thread,
    running: AttemptRecorder,
    ending: AttemptEnd,
    tail: str,
    tell: Tell,
) -> str:
    """Keep the failed attempt and suspend the thread; the head stays. Returns the attempt's id."""
    plan = running.start.plan
    now_ms = clock.now_ms()
    standing = ThreadState(SUSPENDED, plan.role, ending.failure.message)
    with store.transaction("failure") as tx:
        attempt = _keep_ending(tx, thread.id, running, ending, tail)
        tell(tx)
        points.at("failure: objects written")
        tx.set_ref(
            THREADS + thread.id,
            thread.head,
            expect=plan.expect,
            tags=tags_for(tags_now(tx, thread), standing, now_ms),
            why=f"attempt {running.start.number} of {plan.role} failed: {ending.failure.code}",
        )
    return attempt


def keep_aside(
    store: Store,
    thread: Thread,
    running: AttemptRecorder,
    ending: AttemptEnd,
    tail: str,
    tell: Tell | None,
) -> str:
    """Keep an attempt that was stopped, or that is tried again; the thread's ref stays untouched."""
    with store.transaction("aside") as tx:
        attempt = _keep_ending(tx, thread.id, running, ending, tail)
        if tell is not None:
            tell(tx)
    return attempt


def move(store: Store, thread: Thread, standing: ThreadState, why: str) -> None:
    """Change where a thread stands, its head staying. Raises `Conflict` if the head moved."""
    with store.transaction("move") as tx:
        tx.set_ref(
            THREADS + thread.id,
            thread.head,
            expect=thread.head,
            tags=tags_for(tags_now(tx, thread), standing, clock.now_ms()),
            why=why,
        )


def reopen(tx: Transaction, thread: Thread, plan: Plan, raised: Mapping[str, str]) -> None:
    """What the first try changes of its thread, in the same transaction that records it.

    A budget that was `raised` is set, as these tags, and a completed thread becomes idle in a new round.
    """
    before = tags_now(tx, thread)
    tags = {**before, **raised}
    why = spending.change(before, tags)
    if why is not None:
        tx.set_ref(THREADS + thread.id, thread.head, expect=plan.expect, tags=tags, why=why)
    if thread.status == COMPLETED:
        tx.set_ref(
            THREADS + thread.id,
            thread.head,
            expect=plan.expect,
            tags=tags_for(tags, ThreadState(IDLE, plan.role), clock.now_ms()),
            why=f"resumed for round {plan.round}",
        )
        points.at("attempt: thread reopened")


def _keep_ending(
    tx: Transaction, thread: str, running: AttemptRecorder, ending: AttemptEnd, tail: str
) -> str:
    assert running.begun is not None, "an attempt ends only after it was recorded"
    running.last_turn(tx, tail)
    attempt = tries.put_end(tx, running.begun, running.turns, ending)
    tx.set_ref(ATTEMPTS + thread, attempt, why=f"attempt ended: {ending.failure.code}")
    return attempt
