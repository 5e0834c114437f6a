"""Taking events in and getting them decided: the transactions, and that one bad event stops no other.

`take` stores a batch in one durable transaction: what it has answered is safe. `decide` decides what is stored and
open, each with its own transaction. That need not wait for the disk: an undone decision is an event that is decided
again. A person's event is told in the transaction that stores it.
"""

from __future__ import annotations

from uwf import clock
from uwf.engine.events import acting, causes, crowding, deciding, stored
from uwf.engine.events.deciding import Deciding
from uwf.engine.events.decision import (
    DECIDED,
    FAULT,
    NEW,
    NO_TRIGGER,
    REFUSED,
    RUN,
    SEEN,
    TRIGGER,
    Decision,
    Said,
    StoredEvent,
)
from uwf.engine.events.event import KIND, UWF, Event, checked
from uwf.errors import StateError, StoreError, UwfError
from uwf.record import Record, replace
from uwf.trust import OWNER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uwf.engine.events.crowding import Crowding
    from uwf.engine.events.deciding import Found, GlanceAnswer, Means
    from uwf.engine.events.decision import Ask
    from uwf.store.protocols import Store, Transaction
    from uwf.store.values import Unreadable

MOST_AT_ONCE = 500
"""So many are decided before the caller does something else."""

KEPT_MS = 8 * 24 * 3600_000
"""Forges deliver again for three days, by hand for longer: so long an id is known at least."""


class TakenEvent(Record):
    """An event that was stored: `state` is `new`, or `seen` when it had been taken before."""

    event: str
    state: str


def take(store: Store, events: Sequence[Event], now_ms: int) -> list[TakenEvent]:
    """Store `events` durably, in one transaction. Raises `InputError` for one that is none: then nothing is stored."""
    for event in events:
        checked(event)
    with store.transaction("event") as tx:
        return [taken_in(tx, event, now_ms) for event in events]


def taken_in(tx: Transaction, event: Event, now_ms: int) -> TakenEvent:
    """Store one event that was checked, with what the caller stores beside it."""
    return TakenEvent(event.key, NEW if stored.add(tx, _new(tx, event, now_ms)) else SEEN)


def _new(reader: Store | Transaction, event: Event, now_ms: int) -> StoredEvent:
    """An event as it is stored, with what brought it about."""
    if event.cause is None:
        return StoredEvent(event, NEW, now_ms)
    found = causes.of(reader, event)
    event = replace(event, depth=found.depth)
    return StoredEvent(event, NEW, now_ms, found.events, found.threads)


def take_and_decide(means: Means, event: Event, now_ms: int) -> Decision:
    """Store an event and do all that follows from it, in one durable transaction. What was taken before is `seen`."""
    return _taken_and_decided(means, event, now_ms)


def seen(known: StoredEvent) -> Decision:
    """What is decided about an event whose id was taken before, as the one that is `known`: nothing."""
    why = f"an event of this id was taken at {clock.iso(known.taken_ms)}"
    return Decision(known.event.key, SEEN, known.taken_ms, (Said(SEEN, False, why, SEEN),))


def rehearse(means: Means, event: Event, now_ms: int) -> Decision:
    """What `take_and_decide` would come to. Nothing is changed. Of an event that was taken before it is said that this
    one is `seen`, and then what would come of it otherwise.
    """
    try:
        _taken_and_decided(means, event, now_ms, is_rehearsed=True)
    except _Rehearsed as done:
        return done.decision
    raise AssertionError("a rehearsal takes itself back")


class _Rehearsed(Exception):
    """Takes a transaction back, with what it would have come to."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision


def _taken_and_decided(
    means: Means, event: Event, now_ms: int, *, is_rehearsed: bool = False
) -> Decision:
    new = _new(means.store, checked(event), now_ms)
    found = deciding.prepare(means, new.event)
    with means.store.transaction("event sent", durable=not is_rehearsed) as tx:
        is_new = stored.add(tx, new)
        before = None if is_new else seen(stored.find(tx, new.event.key))
        if before is not None and not is_rehearsed:
            return before
        crowded = crowding.look(tx, means.queue, now_ms)
        decision = Deciding(means, tx, new, now_ms, crowded).all_of(found)
        if is_rehearsed:
            noted = () if before is None else before.said
            raise _Rehearsed(replace(decision, said=noted + decision.said))
        stored.note(tx, new, decision)
    return decision


def decide(
    means: Means, now_ms: int, *, on_unreadable: Callable[[Unreadable], None]
) -> list[Decision]:
    """Decide what is stored and open, in the order in which it was taken: up to `MOST_AT_ONCE`.

    An event that cannot be decided is refused, and said so in its reason; it keeps no other waiting.
    """
    crowded = _crowded(means, now_ms)
    waiting = stored.several(
        means.store, state=NEW, limit=MOST_AT_ONCE, on_unreadable=on_unreadable
    )
    decisions: list[Decision] = []
    for_nobody: list[tuple[StoredEvent, Decision]] = []
    for each in waiting:
        try:
            found = deciding.prepare(means, each.event)
            if not all(isinstance(one, Said) for one in found):
                decisions.append(_new_one(means, each, found, crowded, now_ms))
            else:
                for_nobody.append((each, deciding.for_nobody(each, found, now_ms)))
        except Exception as error:  # a stranger's event may meet what nobody thought of
            if _is_of_store(error):
                raise
            for_nobody.append((each, _faulty(each, error, now_ms)))
    if for_nobody:
        with means.store.transaction("event ignored", durable=False) as tx:
            for each, decision in for_nobody:
                if stored.find(tx, each.event.key).state == NEW:
                    stored.note(tx, each, decision)
                    decisions.append(decision)
    return decisions


def _new_one(
    means: Means,
    event: StoredEvent,
    found: list[Found],
    crowded: Crowding,
    now_ms: int,
) -> Decision:
    """Decide one that was new when it was looked at."""

    def decision(tx: Transaction, known: StoredEvent) -> Decision:
        if known.decision is not None:
            return known.decision  # another process was quicker
        return Deciding(means, tx, known, now_ms, crowded).all_of(found)

    return _decided(means, event.event.key, decision)


def answered(means: Means, key: str, ask: Ask, answer: GlanceAnswer, now_ms: int) -> Decision:
    """Go on with an event for which the agent of the glance was asked."""
    event = stored.find(means.store, key).event
    rule = next((rule for rule in means.rules.of(event.name) if rule.name == ask.rule), None)
    if rule is None:
        found: Found = Said(TRIGGER, False, "the trigger is gone", NO_TRIGGER, ask.rule)
    else:
        found = deciding.prepared(means, event, rule, event.variables)

    def decision(tx: Transaction, known: StoredEvent) -> Decision:
        if known.decision is None or ask not in known.decision.asks:
            raise StateError(f"event {key} waits for no answer of this kind", code="not_asked")
        crowded = crowding.look(tx, means.queue, now_ms)
        return Deciding(means, tx, known, now_ms, crowded).answered(ask, found, answer)

    return _decided(means, key, decision)


def replay(means: Means, key: str, now_ms: int) -> Decision:
    """Decide an event again, by the rules of today. What it has brought about before is not taken back."""
    found = deciding.prepare(means, stored.find(means.store, key).event)

    def decision(tx: Transaction, known: StoredEvent) -> Decision:
        crowded = crowding.look(tx, means.queue, now_ms)
        return Deciding(means, tx, known, now_ms, crowded).all_of(found)

    return _decided(means, key, decision)


def _decided(
    means: Means, key: str, decide: Callable[[Transaction, StoredEvent], Decision]
) -> Decision:
    """What `decide` does with an event, and that it was decided so, in one transaction."""
    with means.store.transaction("event decide", durable=False) as tx:
        known = stored.find(tx, key)
        decision = decide(tx, known)
        if decision is not known.decision:
            stored.note(tx, known, decision)
        return decision


def prune(store: Store, now_ms: int, *, dry_run: bool = False) -> int:
    """Remove decided events that were taken more than `KEPT_MS` ago, and what rules have brought about before; how many
    events that were, or would be.
    """
    before_ms = now_ms - KEPT_MS
    old = store.count_entries(KIND, DECIDED, until_ms=before_ms)
    if dry_run or not (old or store.counters(acting.WINDOWS)):
        return old
    with store.transaction("event prune", durable=False) as tx:
        acting.drop_windows(tx, before_ms)
        return tx.drop_entries(KIND, before_ms, DECIDED)


def _crowded(means: Means, now_ms: int) -> Crowding:
    """How crowded it is. That this has changed is an event itself."""
    crowded = crowding.look(means.store, means.queue, now_ms)
    if (crowding.noted(means.store) is None) == (crowded.since_ms is None):
        return crowded
    with means.store.transaction("event crowded", durable=False) as tx:
        name = crowding.note(tx, crowded)
        if name is not None:
            event = Event(f"{name}.{now_ms}", UWF, name, now_ms, UWF, OWNER, {"due": crowded.due})
            stored.add(tx, StoredEvent(event, NEW, now_ms))
    return crowded


def _faulty(event: StoredEvent, error: Exception, now_ms: int) -> Decision:
    why = error.message if isinstance(error, UwfError) else f"{type(error).__name__}: {error}"
    said = Said(RUN, False, f"it could not be decided: {why}"[:500], FAULT)
    return Decision(event.event.key, REFUSED, now_ms, (said,))


def _is_of_store(error: Exception) -> bool:
    """Whether the store as a whole is at fault, and not what one event met in it."""
    return isinstance(error, StoreError) and error.code.startswith(StoreError.default_code)
