"""Whether so many threads are due that a fuzzy event has to be urgent to wake one more.

Above the high water it is so, until the low water is reached: one threshold would flap. It is noted in the store, so
that every process knows it, and status shows it.
"""

from __future__ import annotations

from uwf.engine.chain import wake
from uwf.engine.chain.tags import THREADS
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.config.records import QueueConfig
    from uwf.store.protocols import Counters, Refs, Store, Transaction

COUNTER = "events/crowded"
URGENT_ENOUGH = 4
"""Of 1 to 5, what a fuzzy event needs meanwhile."""
ROSE, FELL = "queue.high", "queue.low"
"""Names of the events by which that is told."""


class Crowding(Record):
    """How many threads are due, counted no further than is needed, and since when it is crowded; None: it is not."""

    due: int
    since_ms: int | None

    @property
    def is_high(self) -> bool:
        return self.since_ms is not None


def look(reader: Store | Transaction, rules: QueueConfig, now_ms: int) -> Crowding:
    """How things are now, by what was noted before."""
    due = _due(reader, max(rules.high_water, rules.low_water) + 1, now_ms)
    since_ms = noted(reader)
    if since_ms is None:
        return Crowding(due, now_ms if due > rules.high_water else None)
    return Crowding(due, since_ms if due > min(rules.low_water, rules.high_water) else None)


def noted(counters: Counters) -> int | None:
    """Since when it is crowded, as the last decision has found it."""
    value = counters.counter(COUNTER)
    return value if isinstance(value, int) else None


def note(tx: Transaction, crowding: Crowding) -> str | None:
    """Note how things are; the name of the event to tell it by, None when nothing has changed."""
    before = noted(tx)
    if (before is None) == (crowding.since_ms is None):
        return None
    tx.set_counter(COUNTER, crowding.since_ms)
    return FELL if crowding.since_ms is None else ROSE


def _due(refs: Refs, most: int, now_ms: int) -> int:
    return len(refs.refs_by_tag(THREADS, wake.WAKE_AT, high=f"{now_ms + 1:013d}", limit=most))
