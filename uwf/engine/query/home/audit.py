"""Promises: every timer, schedule, question and event is one, with a time. Were they kept?

    kept      what was promised was done, no later than it may be
    broken    its time is over and nothing was done, or much too late
    pending   its time has not come, or it is being done, or a person holds it up

Read off the store alone, so any process can ask, and the daemon is not asked about itself. A timer is kept by the run
that takes it away; the log of a thread's ref has both. Times are epoch milliseconds.
"""

from __future__ import annotations

import shlex

from uwf import clock, quantities
from uwf.engine.chain import wake
from uwf.engine.chain.tags import CANCELLED, STATUS, THREADS
from uwf.engine.chain.thread import runner
from uwf.errors import StoreError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from uwf.engine.query.home.inbox import Inbox
    from uwf.store.protocols import Store
    from uwf.store.values import Move, Ref

KEPT, BROKEN, PENDING = "kept", "broken", "pending"
TIMER, QUESTION, EVENT = "timer", "question", "event"
LATE_MS = 5 * 60_000
"""How late something may be that others held up for a while: slots, a restart, a machine that slept."""


def length(ms: int) -> str:
    """How long that is, in whole seconds: `25m`."""
    return quantities.said(quantities.TIME, ms // 1000)


class Promise(Record):
    """One promise. `of` is the thread, schedule or event; `at` when it is due, or was; `look` what shows more of it."""

    kind: str
    of: str
    at: int
    state: str
    why: str
    look: str


def timers(store: Store, since_ms: int, *, held_by: str | None) -> Iterator[Promise]:
    """Of timers: those that were over since `since_ms`, and those that threads have now.

    `held_by` says who holds everything up, where a person has paused all.
    """
    now_ms = clock.now_ms()
    moved = {move.name for move in store.moves_since(since_ms) if move.name.startswith(THREADS)}
    for name in sorted(moved):
        yield from _past(name.removeprefix(THREADS), store.moves(name), since_ms)
    refs = [*store.refs_by_tag(THREADS, wake.WAKE_AT), *store.refs_by_tag(THREADS, wake.WOKEN_FOR)]
    for ref in {ref.name: ref for ref in refs}.values():
        is_run = runner(store, ref.name.removeprefix(THREADS)) is not None
        if wake.WAKE_AT in ref.tags or not is_run:
            yield _waiting(ref, now_ms, held_by, is_run=is_run)


def questions(inbox: Inbox) -> Iterator[Promise]:
    """Of a thread that asks a person: it is in the inbox, and waits for the answer. Of one that no machine could run
    its timer is the promise.
    """
    for item in inbox.waiting:
        if item.is_unserved:
            continue
        why = f"{item.role or item.kind} waits for a person"
        yield Promise(QUESTION, item.thread, item.since, PENDING, why, item.answer)


def events(store: Store) -> Iterator[Promise]:
    """Of an event that was taken in: it is decided."""
    now_ms = clock.now_ms()
    for entry in store.entries("event", state="new"):
        late_ms = now_ms - entry.at_ms
        state = BROKEN if late_ms > LATE_MS else PENDING
        why = f"taken in {length(late_ms)} ago, and not decided"
        look = f"uwf event show -- {shlex.quote(entry.key)}"  # others make up what it is called
        yield Promise(EVENT, entry.key, entry.at_ms, state, why, look)


def _past(thread: str, moves: Iterable[Move], since_ms: int) -> Iterator[Promise]:
    """The timers of one thread that a run has taken away since `since_ms`, when they were due or after that."""
    before: Mapping[str, str] = {}
    for move in moves:
        timer = _timer(before, thread)
        if timer is not None and move.at_ms >= since_ms and _is_taken(move, timer):
            late_ms = move.at_ms - timer.at_ms
            state = KEPT if late_ms <= LATE_MS else BROKEN
            late = f"{length(late_ms)} late" if late_ms >= 1000 else "in time"
            why = f"{timer.kind}: {timer.why}; it ran {late}"
            yield Promise(TIMER, thread, timer.at_ms, state, why, f"uwf thread log {thread}")
        before = move.tags


def _is_taken(move: Move, timer: wake.Wake) -> bool:
    """Whether a run began with this move for which the timer was due."""
    if move.new is None or move.why == wake.CLEARED or move.tags.get(STATUS) == CANCELLED:
        return False
    if move.at_ms < timer.at_ms:
        return False
    after = _timer(move.tags, "")
    return after is None or (after.at_ms > move.at_ms and wake.WOKEN_FOR in move.tags)


def _waiting(ref: Ref, now_ms: int, held_by: str | None, *, is_run: bool) -> Promise:
    """The timer that a thread has, or its due run which was cut off."""
    thread = ref.name.removeprefix(THREADS)
    look = f"uwf thread show {thread}"
    timer = None if is_run else wake.cut_off(ref.tags, ref.updated_ms)
    timer = timer or _timer(ref.tags, thread)
    if timer is None:
        why = f"its timer cannot be read: {ref.tags.get(wake.WAKE_AT)!r:.80}"
        return Promise(TIMER, thread, ref.updated_ms, BROKEN, why, f"uwf thread wake {thread}")
    late_ms = now_ms - timer.at_ms
    why, state = f"{timer.kind}: {timer.why}", PENDING
    if late_ms > LATE_MS:
        if is_run:
            why += "; its thread runs"
        elif held_by is not None:
            why += f"; {held_by}"
        else:
            why += "; nobody has run it"
            state, look = BROKEN, "uwf thread run --due"
    return Promise(TIMER, thread, timer.at_ms, state, why, look)


def _timer(tags: Mapping[str, str], thread: str) -> wake.Wake | None:
    try:
        return wake.of(tags, thread)
    except StoreError:
        return None
