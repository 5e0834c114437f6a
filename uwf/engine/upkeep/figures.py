"""How a home does, in figures: of any stretch of time, computed from what is in the store.

Steps, failures, waits and first words are samples that are written where they happen (`uwf.store.measures`), trips
those of the breakers; completed threads are found by their tags. Samples are kept for three days. Of each day that is
over (in UTC) its figures are kept for 30 days, as a sample of the series `figures/day`.
"""

from __future__ import annotations

import math

from uwf import clock
from uwf.engine.chain.nodes import WRONG_SHAPE, Position
from uwf.engine.chain.tags import COMPLETED, COMPLETED_AT, FORKED_STEP, STATUS, THREADS
from uwf.engine.events import stored as events
from uwf.engine.events.decision import DECIDED
from uwf.engine.events.event import KIND
from uwf.errors import UwfError
from uwf.guard import breaker
from uwf.quantities import TOKENS, USD
from uwf.record import Record
from uwf.store import measures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from uwf.store.protocols import Store

DAYS = "figures/day"
MINUTE_MS = 60_000
KEPT_MS = 31 * clock.DAY_MS
"""Of a row, which bears the time at which its day began: 30 days that are over."""
MOST_THREADS = 1000
"""Of those that completed, so many are asked what they have cost."""
PARTS, MOST_EVENTS = 96, 100
"""Of a stretch of time each such part is looked at by itself, so many events of it: a busy day fills no memory."""


class PeriodFigures(Record):
    """A home between `since` and `until`, both epoch milliseconds. None: nothing happened that would say.

    `mean_wait_ms` is that of all attempts, most of which need not wait; `waited` how many did. `first_byte` is from
    when an event was taken in to the first word of the agent that was told of it, or begun for it. `stopped` has by
    layer of decisions the share of events that ended there. A `completion` is from the beginning of a thread to its
    end; `usd` and `tokens` are what a completed thread has cost on average, of those that know it.
    """

    since: int
    until: int
    steps: int
    failed_attempts: int
    waited: int
    mean_wait_ms: int | None
    first_bytes: int
    first_byte_p50_ms: int | None
    first_byte_p99_ms: int | None
    events: int
    stopped: Mapping[str, float]
    breaker_trips: int
    completed: int
    completion_p50_ms: int | None
    usd_per_thread: float | None
    tokens_per_thread: float | None
    most_waiting: int


class FiguresNow(Record):
    """How a home stands: threads that wait for a slot, threads that are due, how old the newest backup is (what would
    be lost), how long the last drill took (what a restore takes), and the figures of the last 24 hours.
    """

    queue: int
    due: int
    backup_age_ms: int | None
    restore_ms: int | None
    day: PeriodFigures


def look(store: Store, since_ms: int, until_ms: int) -> PeriodFigures:
    """The figures of a stretch of time."""

    def values(series: str) -> list[Any]:
        found = store.samples(series, since_ms)
        return [one.value for one in found if one.series == series and one.at_ms < until_ms]

    steps, failed = len(values(measures.STEP)), len(values(measures.FAILED))
    waits, firsts = values(measures.WAIT), sorted(values(measures.FIRST_BYTE))
    trips = [each for each in values(breaker.EVENTS) if each.get("event") == "circuit_open"]
    ended = _completed(store, since_ms, until_ms)
    took_ms = sorted(one.took_ms for one in ended)
    attempts = steps + failed
    taken, stopped = _events(store, since_ms, until_ms)
    return PeriodFigures(
        since=since_ms,
        until=until_ms,
        steps=steps,
        failed_attempts=failed,
        waited=len(waits),
        mean_wait_ms=round(sum(waits) / max(attempts, len(waits))) if attempts or waits else None,
        first_bytes=len(firsts),
        first_byte_p50_ms=quantile(firsts, 0.5),
        first_byte_p99_ms=quantile(firsts, 0.99),
        events=taken,
        stopped=stopped,
        breaker_trips=len(trips),
        completed=len(ended),
        completion_p50_ms=quantile(took_ms, 0.5),
        usd_per_thread=_mean(one.usd for one in ended),
        tokens_per_thread=_mean(one.tokens for one in ended),
        most_waiting=max(values(measures.DEPTH), default=0),
    )


def minutes(store: Store, count: int, now_ms: int) -> list[int]:
    """How many steps were made in each of the `count` minutes up to `now_ms`, the newest last."""
    made = [0] * count
    for one in store.samples(measures.STEP, now_ms - count * MINUTE_MS):
        age = (now_ms - one.at_ms) // MINUTE_MS
        if one.series == measures.STEP and 0 <= age < count:
            made[count - 1 - age] += 1
    return made


def quantile(ordered: Sequence[int], share: float) -> int | None:
    """The smallest of the values that `share` of them do not exceed; None of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def days(store: Store, since_ms: int = 0) -> list[PeriodFigures]:
    """The days that are kept, the oldest first."""
    return [
        PeriodFigures(**one.value)
        for one in store.samples(DAYS, since_ms)
        if isinstance(one.value, dict) and one.value.keys() == set(PeriodFigures._fields)
    ]


def missing_days(store: Store, now_ms: int) -> list[int]:
    """When the days begin that are over, whose samples are all there still, and whose figures are not kept yet."""
    today = now_ms - now_ms % clock.DAY_MS
    begins = range(today - measures.KEPT_MS + clock.DAY_MS, today, clock.DAY_MS)
    kept = {one.at_ms for one in store.samples(DAYS, begins.start)}
    return [at_ms for at_ms in begins if at_ms not in kept]


def keep(store: Store, found: Sequence[PeriodFigures], waiting: int, now_ms: int) -> None:
    """Keep the figures of days, let go of those that are too old, and note how many threads are `waiting` now."""
    if not (found or waiting):
        return
    with store.transaction("figures", durable=False) as tx:
        for one in found:
            tx.add_sample(DAYS, vars(one), one.since)
        tx.drop_samples(DAYS, now_ms - KEPT_MS)
        if waiting:
            measures.note(tx, measures.DEPTH, waiting)


class _Ended(Record):
    took_ms: int
    usd: float | None = None
    tokens: float | None = None


def _completed(store: Store, since_ms: int, until_ms: int) -> list[_Ended]:
    refs = store.refs_by_tag(THREADS, COMPLETED_AT, low=str(since_ms), high=str(until_ms))
    found: list[_Ended] = []
    for ref in refs:
        thread = ref.name.removeprefix(THREADS)
        is_untouched_fork = ref.tags.get(FORKED_STEP) == ref.id
        if ref.tags.get(STATUS) != COMPLETED or not clock.is_ulid(thread) or is_untouched_fork:
            continue
        took_ms = max(0, int(ref.tags[COMPLETED_AT]) - clock.ulid_ms(thread))
        spent: Mapping[str, float] = {}
        if len(found) < MOST_THREADS:
            try:
                spent = Position.read(store, ref.id).spent
            except (UwfError, *WRONG_SHAPE):
                pass  # what is wrong with a chain is told where it is looked at
        found.append(_Ended(took_ms, spent.get(USD), spent.get(TOKENS)))
    return found


def _events(store: Store, since_ms: int, until_ms: int) -> tuple[int, dict[str, float]]:
    """How many events were taken in, and by layer the share of the newest of each part that were stopped there."""
    number = store.count_entries(KIND, until_ms=until_ms) - store.count_entries(
        KIND, until_ms=since_ms
    )
    decided, counts = 0, dict[str, int]()
    width_ms = max(1, -(-(until_ms - since_ms) // PARTS))
    for from_ms in range(since_ms, until_ms, width_ms):
        for event in events.several(
            store,
            state=DECIDED,
            since_ms=from_ms,
            until_ms=min(from_ms + width_ms, until_ms),
            newest_first=True,
            limit=MOST_EVENTS,
            on_unreadable=lambda one: None,
        ):
            if event.decision is None:
                continue
            decided += 1
            if event.decision.reason is not None:
                layer = event.decision.reason.layer
                counts[layer] = counts.get(layer, 0) + 1
    return number, {layer: round(each / decided, 4) for layer, each in counts.items()}


def _mean(amounts: Iterable[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return round(sum(known) / len(known), 6) if known else None
