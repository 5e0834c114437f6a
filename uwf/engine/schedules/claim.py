"""Which times are due, and claiming them: one transaction for all schedules, before anything starts.

Each schedule has a time up to which everything is decided. It begins when the schedule is first seen, and anew when its
rule is another one, or when it was gone or paused meanwhile: what was not asked for then is not made up for. A clock
that is set back takes it back as well, so that nobody waits until the clock has caught up; a time that was claimed
before stays claimed, since its entry is there.
"""

from __future__ import annotations

import os
from itertools import islice

from blake3 import blake3

from uwf.engine.schedules import occurrence as occurrences
from uwf.engine.schedules.occurrence import BY_TIME, CLAIMED, Occurrence, ScheduleState, Task
from uwf.errors import CounterUnreadable
from uwf.guard.spending import day
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from uwf.config.schedules import Schedule
    from uwf.recurrence import Recurrence
    from uwf.store.protocols import Entries, Store, Transaction

    RuleOf: TypeAlias = Callable[[Schedule], Recurrence]

MOST_AT_ONCE = 100
"""How many times of one schedule are claimed in one go, where each that was missed is to run."""

MOST_COUNTED = 1000
"""How many times that are dropped in one go are counted."""

ALL = "all"
"""The policy `missed` that runs each."""


class Due(Record):
    """A schedule that has changed, and what is known of it from now on; the times that are to be claimed, ascending.
    `schedule` is None where no config has it any more.
    """

    schedule: Schedule | None
    state: ScheduleState
    nominal_ms: tuple[int, ...] = ()


def claim_due(
    store: Store,
    schedules: Sequence[Schedule],
    rule_of: RuleOf,
    now_ms: int,
    zone: str | None = None,
) -> list[Occurrence]:
    """Claim what is due and give what was claimed now. Nothing is written where nothing has changed.

    `zone` is that of this process: where the home has none yet, it is its from now on.
    """
    if not changed(store, schedules, rule_of, now_ms):
        return []
    claimed = []
    with store.transaction("claim") as tx:
        if zone is not None:
            day.keep_zone(tx, zone)
        for due in changed(tx, schedules, rule_of, now_ms):
            if due.schedule is None:
                occurrences.save_state(tx, due.state, now_ms)
            else:
                claimed += claim(tx, due.schedule, due.state, BY_TIME, due.nominal_ms, now_ms)
    return claimed


def claim(
    tx: Transaction,
    schedule: Schedule,
    state: ScheduleState,
    by: str,
    times: Sequence[int],
    now_ms: int,
) -> list[Occurrence]:
    """Claim `times` of a schedule and keep its `state`; those of them that nobody had claimed before."""
    claimed = []
    for nominal_ms in times:
        found = new(schedule, nominal_ms, by, now_ms)
        if occurrences.claim(tx, found):
            claimed.append(found)
            state = replace(state, last=found.key)
    occurrences.save_state(tx, state, now_ms)
    return claimed


def changed(
    entries: Entries, schedules: Sequence[Schedule], rule_of: RuleOf, now_ms: int
) -> list[Due]:
    """The schedules of which something is to be written now."""
    known = occurrences.states(entries)
    found = []
    for schedule in schedules:
        state = known.pop(schedule.name, None)
        if state is None and _is_set_aside(entries, schedule.name):
            continue
        due = _looked_at(schedule, rule_of(schedule), state, now_ms)
        if due is not None:
            found.append(due)
    gone = [state for state in known.values() if state.rule]
    return found + [Due(None, replace(state, rule="")) for state in gone]


def begun(name: str, rule: Recurrence, now_ms: int) -> ScheduleState:
    """What is known of a schedule that is seen for the first time."""
    return ScheduleState(name, rule.text, now_ms)


def new(schedule: Schedule, nominal_ms: int, by: str, now_ms: int) -> Occurrence:
    task = Task(
        workflow=schedule.start,
        prompt=schedule.prompt,
        cwd=schedule.cwd or os.path.expanduser("~"),
        labels=dict(schedule.label),
        wake=dict(schedule.wake),
        text=schedule.text,
        overlap=schedule.overlap,
    )
    return Occurrence(schedule.name, nominal_ms, by, CLAIMED, task, now_ms)


def due_ms(schedule: Schedule, nominal_ms: int) -> int:
    """When a nominal time is due: by as much later as its jitter says, the same in every process and at every look."""
    most_ms = round(schedule.jitter_s * 1000)
    if not most_ms:
        return nominal_ms
    digest = blake3(occurrences.key(schedule.name, nominal_ms).encode()).digest(8)
    return nominal_ms + int.from_bytes(digest) % most_ms


def next_due_ms(
    schedule: Schedule, rule: Recurrence, state: ScheduleState | None, now_ms: int
) -> int | None:
    """When there is something to claim; None: never, as far as can be seen."""
    if state is None or state.rule != rule.text:
        return now_ms
    if state.is_paused:
        return None
    nominal_ms = rule.next(min(state.looked_ms, now_ms))
    return None if nominal_ms is None else due_ms(schedule, nominal_ms)


def _looked_at(
    schedule: Schedule, rule: Recurrence, state: ScheduleState | None, now_ms: int
) -> Due | None:
    """`schedule` as it is after a look at `now_ms`; None where nothing is to be written."""
    if state is None:
        return Due(schedule, begun(schedule.name, rule, now_ms))
    if state.rule != rule.text:
        return Due(schedule, replace(state, rule=rule.text, looked_ms=now_ms))
    if state.looked_ms > now_ms:
        return Due(schedule, replace(state, looked_ms=now_ms))
    if state.is_paused:
        return None
    times = _times(schedule, rule, state.looked_ms, now_ms)
    if not times:
        return None
    late_ms = None if schedule.lateness_s is None else round(schedule.lateness_s * 1000)
    in_time = [at for at in times if late_ms is None or now_ms - due_ms(schedule, at) <= late_ms]
    dropped = _dropped(schedule, rule, state.looked_ms, times[-1], in_time)
    if dropped:
        missed_ms, is_made_up = dropped[-1], bool(in_time)
        state = replace(state, missed=len(dropped), missed_ms=missed_ms, is_made_up=is_made_up)
    return Due(schedule, replace(state, looked_ms=times[-1]), tuple(in_time))


def _dropped(
    schedule: Schedule, rule: Recurrence, after_ms: int, until_ms: int, claimed: Sequence[int]
) -> list[int]:
    """The times that are never claimed, of those later than `after_ms` up to `until_ms`; of very many the first."""
    found = (at for at in rule.between(after_ms, until_ms) if at not in claimed)
    return list(islice(found, MOST_COUNTED))


def _times(schedule: Schedule, rule: Recurrence, after_ms: int, now_ms: int) -> list[int]:
    """The times that are due, of those later than `after_ms`: each, or, as the policy is, the newest."""
    first = rule.next(after_ms)
    if first is None or first > now_ms:
        return []
    if schedule.missed == ALL:
        if schedule.lateness_s is not None:
            after_ms = max(
                after_ms, now_ms - round((schedule.lateness_s + schedule.jitter_s) * 1000) - 1
            )
        times = rule.between(after_ms, now_ms)
        return list(islice((at for at in times if due_ms(schedule, at) <= now_ms), MOST_AT_ONCE))
    newest = rule.newest(after_ms, now_ms)
    while newest is not None and due_ms(schedule, newest) > now_ms:
        newest = rule.newest(after_ms, newest - 1)
    return [] if newest is None else [newest]


def _is_set_aside(entries: Entries, name: str) -> bool:
    """Whether what is known of a schedule cannot be read: it is left alone until a person has seen to it."""
    try:
        return occurrences.state_of(entries, name) is not None
    except CounterUnreadable:
        return True
