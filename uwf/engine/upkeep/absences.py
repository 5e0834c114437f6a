"""When something that was to happen is missed. A rule counts from when this home has first seen it: what could not be
known before that is not missed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from uwf import clock
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.store.protocols import Store

SEEN = "absence/"
"""Counters: when the rule of this name was first seen (epoch ms), and what it was then."""
DAY = timedelta(days=1)
HALF_A_DAY_MS = clock.DAY_MS // 2
"""So long before its time of the day a rule must be there."""


class Missed(Record):
    """It was to come between `since_ms` and `at_ms`."""

    since_ms: int
    at_ms: int


def overdue(
    store: Store, rules: Sequence[tuple[str, float | None, int | None]], now_ms: int
) -> list[Missed | None]:
    """For each rule (its name, `within` in seconds or `by` in minutes since midnight) the last time that is over; None
    while there is none.
    """
    found: list[Missed | None] = []
    for name, within_s, by in rules:
        seen_ms = _first_seen(store, name, f"{within_s} {by}", now_ms)
        if within_s is not None:
            span = _within(within_s, now_ms)
            is_known = span.since_ms >= seen_ms
        else:
            span = _by(by or 0, now_ms)
            is_known = span.at_ms - seen_ms >= HALF_A_DAY_MS
        found.append(span if is_known else None)
    return found


def _within(within_s: float, now_ms: int) -> Missed:
    return Missed(now_ms - round(within_s * 1000), now_ms)


def _by(by: int, now_ms: int) -> Missed:
    """The 24 hours before the last such time of the day, on the clock of this machine."""
    hour, minute = divmod(by, 60)
    now = datetime.fromtimestamp(now_ms / 1000)
    end = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if end > now:
        end -= DAY
    return Missed(round((end - DAY).timestamp() * 1000), round(end.timestamp() * 1000))


def _first_seen(store: Store, name: str, rule: str, now_ms: int) -> int:
    """Since when this home knows the rule as it is; a clock that was set back takes that back as well."""
    known = store.counter(SEEN + name)
    if (
        isinstance(known, dict)
        and known.get("rule") == rule
        and known.get("since", now_ms) <= now_ms
    ):
        return int(known["since"])
    with store.transaction("absence seen", durable=False) as tx:
        tx.set_counter(SEEN + name, {"rule": rule, "since": now_ms})
    return now_ms
