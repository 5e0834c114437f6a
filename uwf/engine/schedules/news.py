"""What triggers may act upon: an event for each occurrence that has started, was skipped or has ended, and for each
schedule that pauses itself. It is stored in the transaction that makes it true, where a trigger is on it.

    schedule.started   schedule.skipped   schedule.completed   schedule.failed   schedule.cancelled   schedule.rested
    schedule.paused
"""

from __future__ import annotations

from uwf.engine.events import stored
from uwf.engine.events.decision import NEW, StoredEvent
from uwf.engine.events.event import UWF, Event
from uwf.engine.schedules.occurrence import (
    CANCELLED,
    COMPLETED,
    FAILED,
    OVER,
    PAUSED,
    RESTED,
    SKIPPED,
    STARTED,
)
from uwf.trust import OWNER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from uwf.engine.schedules.occurrence import Occurrence, ScheduleState
    from uwf.store.protocols import Transaction


NAMES = frozenset(
    f"schedule.{word}" for word in (STARTED, SKIPPED, COMPLETED, FAILED, CANCELLED, RESTED, PAUSED)
)


def occurred(tx: Transaction, after: Occurrence, awaited: Collection[str], now_ms: int) -> None:
    """Store what has become of an occurrence, where that is an event, and one of those that are `awaited`."""
    if after.state != STARTED and after.state not in OVER:
        return
    word = after.how or after.state
    data = {
        "schedule": after.schedule,
        "nominal": after.nominal_ms,
        "why": after.why,
        "threads": list(after.threads),
    }
    _add(tx, f"{after.key}.{word}", word, data, awaited, now_ms)


def paused(tx: Transaction, state: ScheduleState, awaited: Collection[str], now_ms: int) -> None:
    """Store that a schedule has paused itself, where that is awaited."""
    data = {"schedule": state.name, "why": state.paused_why}
    _add(tx, f"{state.name}.{PAUSED}.{now_ms}", PAUSED, data, awaited, now_ms)


def _add(
    tx: Transaction,
    id: str,
    word: str,
    data: dict[str, Any],
    awaited: Collection[str],
    now_ms: int,
) -> None:
    name = f"schedule.{word}"
    if name in awaited:
        event = Event(id, UWF, name, now_ms, UWF, OWNER, data)
        stored.add(tx, StoredEvent(event, NEW, now_ms))
