"""The audit of a home: every promise it has made, and whether that was kept. Only reads."""

from __future__ import annotations

from uwf.engine.query.home import audit
from uwf.engine.query.home.audit import BROKEN, KEPT, LATE_MS, PENDING, Promise
from uwf.engine.schedules.alarms import QUIET_MS
from uwf.engine.schedules.claim import MOST_COUNTED
from uwf.engine.schedules.occurrence import BY_TIME, FAILED, SKIPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.app.queries import ThreadQueries
    from uwf.app.unattended.schedules import Schedules
    from uwf.engine.schedules.view import OccurrenceView, ScheduleView

SCHEDULE = "schedule"
MOST_OCCURRENCES = 100


def of(home: ThreadQueries, schedules: Schedules, since_ms: int) -> list[Promise]:
    """What was promised: all that is open, and of what is over that since `since_ms`. The broken first, by time."""
    now_ms = home.now_ms()
    found = [
        *audit.timers(home.reader(), since_ms, held_by=_held_by(home)),
        *audit.questions(home.inbox()),
        *audit.events(home.reader()),
        *_schedules(schedules, since_ms, now_ms),
    ]
    order = (BROKEN, PENDING, KEPT)
    return sorted(found, key=lambda one: (order.index(one.state), one.at, one.of))


def _held_by(home: ThreadQueries) -> str | None:
    from uwf.guard import pause

    for name, word in ((pause.DRAIN, "drained"), (pause.PAUSE, "paused")):
        if pause.state(home.reader(), name) is not None:
            return f"everything is {word} by a person: uwf guard status"
    return None


def _schedules(schedules: Schedules, since_ms: int, now_ms: int) -> Iterator[Promise]:
    silent = {alarm.cause for alarm in schedules.alarms(now_ms)}
    for late in schedules.overdue(now_ms):
        if now_ms - late.due > LATE_MS:
            why = "nobody has claimed it: no daemon runs, nor `uwf thread run --due`"
            yield Promise(SCHEDULE, late.schedule, late.due, BROKEN, why, "uwf daemon status")
    for schedule in schedules.all():
        name, look = schedule.schedule, f"uwf schedule log {schedule.schedule}"
        if schedule.missed_at is not None and schedule.missed_at >= since_ms:
            yield missed(schedule, schedule.missed_at, look)
        for one in schedules.log(name, MOST_OCCURRENCES):
            is_silent = f"occurrence {name}@{one.nominal}" in silent
            promise = occurrence(
                one, schedules.due_ms(name, one.nominal), look, is_silent=is_silent
            )
            if promise.state == PENDING or is_silent or (one.ended or one.claimed) >= since_ms:
                yield promise
        if schedule.next is not None:
            yield Promise(SCHEDULE, name, schedule.next, PENDING, "its next time", look)


def missed(schedule: ScheduleView, at_ms: int, look: str) -> Promise:
    """Of the times that were dropped, the newest at `at_ms`: nobody looked in time, and no policy makes up for them."""
    many = f"{schedule.missed} or more" if schedule.missed >= MOST_COUNTED else schedule.missed
    why = f"nobody looked in time, and {many} were dropped (schedules.missed)"
    if schedule.is_made_up:
        return Promise(SCHEDULE, schedule.schedule, at_ms, KEPT, f"{why}: a later one ran", look)
    return Promise(SCHEDULE, schedule.schedule, at_ms, BROKEN, f"{why}: none ran", look)


def occurrence(one: OccurrenceView, due_ms: int, look: str, *, is_silent: bool) -> Promise:
    """What became of an occurrence that was due at `due_ms`. `is_silent`: no agent has said anything for too long."""
    facts = {
        "claimed": one.claimed,
        "started": one.started,
        "first turn": one.first_turn,
        one.state: one.claimed if one.state == SKIPPED else None,
        "ended": one.ended,
    }
    why = ", ".join(word for word, at in facts.items() if at is not None)
    why += (f" ({one.how})" if one.how else "") + (f": {one.why}" if one.why else "")
    late_ms = one.claimed - due_ms if one.by == BY_TIME else 0
    state = PENDING if one.ended is None and one.state != SKIPPED else KEPT
    if is_silent or (one.started is None and one.how == FAILED):
        state = BROKEN
    elif late_ms > LATE_MS:
        state, why = BROKEN, f"{audit.length(late_ms)} late: {why}"
    elif one.started is not None and one.first_turn is not None:
        quiet_ms = one.first_turn - one.started
        if quiet_ms >= QUIET_MS:
            state, why = BROKEN, f"{audit.length(quiet_ms)} without a word of an agent: {why}"
    return Promise(SCHEDULE, one.schedule, one.nominal, state, why, look)
