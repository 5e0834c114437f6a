"""What is wrong with schedules, for a person to know: "it says it ran, and nothing ran" is not to happen unseen."""

from __future__ import annotations

from uwf import clock
from uwf.engine.schedules import facts
from uwf.engine.schedules import occurrence as occurrences
from uwf.engine.schedules.begin import QUEUE, overlap_of
from uwf.engine.schedules.occurrence import (
    BY_FAILURES,
    CLAIMED,
    ENDED,
    FAILED,
    OPEN,
    TURNED,
    UNDER_WAY,
    Occurrence,
)
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.store.protocols import Store

QUIET_MS = 5 * 60_000
"""How long after its claim an occurrence may be without a word of an agent."""

SILENT, NOT_STARTED, PAUSED, UNREADABLE = "silent", "not_started", "paused", "unreadable"
"""Kinds of alarms."""


class Alarm(Record):
    """`cause` is the same as long as it is the same thing; `text` is for a person, `hint` what to type."""

    cause: str
    kind: str
    schedule: str
    since_ms: int
    text: str
    hint: str


def alarms(store: Store, names: Sequence[str], now_ms: int) -> list[Alarm]:
    """What is wrong now with the schedules `names`, which the config has, and with what they have begun."""
    found = []
    under_way = occurrences.find(store, UNDER_WAY)
    for open_one in occurrences.find(store, OPEN):
        if _waits_for_another(open_one, under_way):
            continue
        since_ms = open_one.started_ms or open_one.claimed_ms
        if now_ms - since_ms >= QUIET_MS and _is_silent(store, open_one):
            found.append(_silent(open_one, since_ms))
    states = occurrences.states(store)
    for name in names:
        state = states.get(name)
        if state is None:
            continue
        if state.paused_ms is not None and state.paused_by == BY_FAILURES:
            text = f"schedule {name} is paused: {state.paused_why}"
            hint = f"uwf schedule resume {name}"
            found.append(
                Alarm(f"schedule {name} paused", PAUSED, name, state.paused_ms, text, hint)
            )
        last = None if state.last is None else occurrences.read(store, state.last)
        if last is not None and (last.state, last.how, last.started_ms) == (ENDED, FAILED, None):
            text = f"schedule {name} could not start at {clock.iso(last.nominal_ms)}: {last.why}"
            cause, hint = f"schedule {name} not started", f"uwf schedule log {name}"
            found.append(Alarm(cause, NOT_STARTED, name, last.claimed_ms, text, hint))
    for bad in occurrences.unreadable(store):
        text = f"{bad.name} cannot be read, and is left alone: {bad.why}"
        found.append(Alarm(bad.name, UNREADABLE, "", now_ms, text, "uwf doctor --repair"))
    return found


def _waits_for_another(one: Occurrence, under_way: Sequence[Occurrence]) -> bool:
    waits = one.state == CLAIMED and overlap_of(one) == QUEUE
    return waits and any(other.schedule == one.schedule for other in under_way)


def _is_silent(store: Store, one: Occurrence) -> bool:
    """Whether no agent has said anything yet, as things are now."""
    if one.state == TURNED:
        return False
    return one.state == CLAIMED or facts.seen(store, one).first_turn_ms is None


def _silent(one: Occurrence, since_ms: int) -> Alarm:
    since = clock.iso(since_ms)
    what = f"the occurrence of schedule {one.schedule} at {clock.iso(one.nominal_ms)}"
    if one.state == CLAIMED:
        text = f"{what} was claimed at {since}, and nothing was started"
        return Alarm(f"occurrence {one.key}", SILENT, one.schedule, since_ms, text, "uwf doctor")
    thread = one.threads[0]
    text = f"{what} started thread {thread} at {since}, and no agent has said anything"
    hint = f"uwf thread show {thread}"
    return Alarm(f"occurrence {one.key}", SILENT, one.schedule, since_ms, text, hint)
