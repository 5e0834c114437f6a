"""What a person does with a schedule: pause and resume it, claim occurrences of it now or for times that are over."""

from __future__ import annotations

from uwf import clock, quantities
from uwf.engine.schedules import begin, claim
from uwf.engine.schedules import occurrence as occurrences
from uwf.engine.schedules.occurrence import BACKFILL, BY_HAND, Occurrence, ScheduleState
from uwf.errors import InputError, StateError
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.config.schedules import Schedule
    from uwf.recurrence import Recurrence
    from uwf.store.protocols import Entries, Store, Transaction

MOST_BACKFILLED = 1000


def pause(
    store: Store, schedule: Schedule, rule: Recurrence, why: str, now_ms: int
) -> ScheduleState:
    """Claim nothing of `schedule` any more until it is resumed. What was claimed goes on."""

    def paused(state: ScheduleState) -> ScheduleState:
        if state.is_paused:
            return state
        return replace(state, paused_ms=now_ms, paused_by=BY_HAND, paused_why=why)

    return _change(store, schedule, rule, paused, now_ms)


def resume(store: Store, schedule: Schedule, rule: Recurrence, now_ms: int) -> ScheduleState:
    """Let the times of `schedule` count from now on; those during the pause are over."""

    def resumed(state: ScheduleState) -> ScheduleState:
        if not state.is_paused:
            return state
        again = replace(state, paused_ms=None, paused_by="", paused_why="")
        return replace(again, failures=0, looked_ms=now_ms)

    return _change(store, schedule, rule, resumed, now_ms)


def claim_one(store: Store, schedule: Schedule, rule: Recurrence, now_ms: int) -> Occurrence:
    """Claim an occurrence for now, whatever the time. StateError where another one is in its way."""
    wanted = claim.new(schedule, now_ms, BY_HAND, now_ms)
    others = begin.in_the_way(store, wanted)
    if others and schedule.overlap == begin.SKIP:
        last = others[-1]
        raise StateError(
            f"{begin.named(last)} of schedule {schedule.name} has not ended, and its overlap is {begin.SKIP}",
            hint=f"uwf thread show {last.threads[0]}",
            code="overlap",
        )
    claimed = _claim(store, schedule, rule, BY_HAND, [now_ms], now_ms)
    if not claimed:
        raise StateError(
            f"schedule {schedule.name} has an occurrence for {clock.iso(now_ms)} already",
            hint=f"uwf schedule log {schedule.name}",
            code="claimed",
        )
    return claimed[0]


def times_since(
    entries: Entries, schedule: Schedule, rule: Recurrence, since_ms: int, now_ms: int
) -> list[int]:
    """The nominal times since `since_ms` of which no occurrence was claimed. InputError where those are too many."""
    found = []
    for at_ms in rule.between(since_ms - 1, now_ms):
        if entries.entry(occurrences.OCCURRENCE, occurrences.key(schedule.name, at_ms)) is None:
            found.append(at_ms)
        if len(found) > MOST_BACKFILLED:
            most = quantities.counted(MOST_BACKFILLED, "occurrence")
            raise InputError(
                f"schedule {schedule.name} has more than {most} since {clock.iso(since_ms)}: begin later",
                hint=f"uwf schedule backfill {schedule.name} --since 1d --dry-run",
                code="too_many",
            )
    return found


def backfill(
    store: Store, schedule: Schedule, rule: Recurrence, times: list[int], now_ms: int
) -> list[Occurrence]:
    """Claim `times` that are over. They begin one after the other."""
    return _claim(store, schedule, rule, BACKFILL, times, now_ms) if times else []


def _claim(
    store: Store, schedule: Schedule, rule: Recurrence, by: str, times: list[int], now_ms: int
) -> list[Occurrence]:
    """Claim `times`; those of them that nobody had claimed before."""
    with store.transaction("claim by hand") as tx:
        state = _state(tx, schedule, rule, now_ms)
        claimed = claim.claim(tx, schedule, state, by, times, now_ms)
    return claimed


def _change(
    store: Store,
    schedule: Schedule,
    rule: Recurrence,
    change: Callable[[ScheduleState], ScheduleState],
    now_ms: int,
) -> ScheduleState:
    with store.transaction("schedule") as tx:
        state = change(_state(tx, schedule, rule, now_ms))
        occurrences.save_state(tx, state, now_ms)
    return state


def _state(tx: Transaction, schedule: Schedule, rule: Recurrence, now_ms: int) -> ScheduleState:
    return occurrences.state_of(tx, schedule.name) or claim.begun(schedule.name, rule, now_ms)
