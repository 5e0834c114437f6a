"""Schedules as they are shown: when each is next, what came of the last time, and its occurrences. Only reads."""

from __future__ import annotations

from itertools import islice

from uwf.engine.schedules import claim, facts
from uwf.engine.schedules import occurrence as occurrences
from uwf.engine.schedules.occurrence import ON, PAUSED, UNDER_WAY, Occurrence
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from uwf.config.schedules import Schedule
    from uwf.recurrence import Recurrence
    from uwf.store.protocols import Store


_PAGE = 200


class OccurrenceView(Record):
    """One time of a schedule, and what came of it; times are epoch milliseconds. `how` it ended, `why` it was skipped,
    has failed, or was taken for a yes.
    """

    schedule: str
    nominal: int
    state: str
    by: str
    claimed: int
    started: int | None
    first_turn: int | None
    ended: int | None
    how: str | None
    why: str
    threads: tuple[str, ...]


class ScheduleView(Record):
    """One schedule. `state` is on or paused; `next` its next time, None while it is paused or where there is none.
    `missed` times up to `missed_at` were dropped when nobody looked; a later one stands for them where `is_made_up`.
    """

    schedule: str
    rule: str
    does: str
    next: int | None
    last: OccurrenceView | None
    state: str
    failures: int
    paused_since: int | None = None
    paused_why: str | None = None
    missed: int = 0
    missed_at: int | None = None
    is_made_up: bool = False

    left_out: ClassVar = ("paused_since", "paused_why", "missed", "missed_at", "is_made_up")


class Upcoming(Record):
    """A time to come: `nominal`, `due` with its jitter, `local` on the clocks of its zone."""

    schedule: str
    nominal: int
    due: int
    local: str


def schedule_view(store: Store, schedule: Schedule, rule: Recurrence, now_ms: int) -> ScheduleView:
    state = occurrences.state_of(store, schedule.name)
    last = None if state is None or state.last is None else occurrences.read(store, state.last)
    is_paused = state is not None and state.is_paused
    if schedule.start:
        does = f"starts {schedule.start}"
    else:
        does = "wakes " + ", ".join(f"{key}={value}" for key, value in schedule.wake.items())
    return ScheduleView(
        schedule=schedule.name,
        rule=rule.words,
        does=does,
        next=None if is_paused else rule.next(now_ms),
        last=None if last is None else occurrence_view(store, last),
        state=PAUSED if is_paused else ON,
        failures=0 if state is None else state.failures,
        paused_since=None if state is None else state.paused_ms,
        paused_why=None if state is None or not is_paused else state.paused_why,
        missed=0 if state is None else state.missed,
        missed_at=None if state is None else state.missed_ms,
        is_made_up=state is not None and state.is_made_up,
    )


def occurrence_view(store: Store, one: Occurrence) -> OccurrenceView:
    """One occurrence as it is now, also where nobody has written that down yet."""
    if one.state in UNDER_WAY:
        one = facts.seen(store, one)
    return OccurrenceView(
        one.schedule,
        one.nominal_ms,
        one.state,
        one.by,
        one.claimed_ms,
        one.started_ms,
        one.first_turn_ms,
        one.ended_ms,
        one.how,
        one.why,
        one.threads,
    )


def log(store: Store, name: str, limit: int) -> list[OccurrenceView]:
    """The occurrences of a schedule, the latest first."""
    mine = (one for one in _latest_first(store) if one.schedule == name)
    return [occurrence_view(store, one) for one in islice(mine, limit)]


def _latest_first(store: Store) -> Iterator[Occurrence]:
    """All occurrences, read a page at a time. Those of the last time of a page are in the next one."""
    until_ms, size = None, _PAGE
    while page := occurrences.find(store, newest_first=True, until_ms=until_ms, limit=size):
        last_ms = page[-1].nominal_ms if len(page) == size else None
        whole = [one for one in page if one.nominal_ms != last_ms]
        if not whole:
            size *= 2  # more than a page of one time
            continue
        yield from whole
        if last_ms is None:
            return
        until_ms, size = whole[-1].nominal_ms, _PAGE


def upcoming(schedule: Schedule, rule: Recurrence, now_ms: int, count: int) -> list[Upcoming]:
    """The next times of a schedule, whether or not it is paused."""
    return [
        Upcoming(schedule.name, at_ms, claim.due_ms(schedule, at_ms), rule.written(at_ms))
        for at_ms in islice(rule.times(now_ms), count)
    ]
