"""Occurrences and schedules as they are stored: entries, of which there is one a nominal time, and one a schedule.

    occurrence   NAME@<nominal ms>   claimed, started, turned, ended, skipped
    schedule     NAME                on, paused

An occurrence is claimed before anything starts, with what it is to do, so that one whose schedule was changed or taken
away meanwhile still does what it was claimed for. Each later fact is written once, when it is seen to be true:

    claimed   -> started   its thread was made, or those it wakes were told, in the transaction that says so
              -> skipped   another one was in its way, its precheck said no, there was nobody to wake
    started   -> turned    the agent has said something
    any       -> ended     how: completed, cancelled, failed, rested

Occurrences are kept for `KEPT_MS`.
"""

from __future__ import annotations

from uwf.errors import CounterUnreadable
from uwf.record import Record
from uwf.store.values import ENTRY, Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.store.protocols import Entries, Transaction
    from uwf.store.values import Entry

OCCURRENCE, SCHEDULE = "occurrence", "schedule"
"""Kinds of entries."""

CLAIMED, STARTED, TURNED, ENDED, SKIPPED = "claimed", "started", "turned", "ended", "skipped"
OPEN = (CLAIMED, STARTED, TURNED)
UNDER_WAY = (STARTED, TURNED)
OVER = (ENDED, SKIPPED)

COMPLETED, CANCELLED, FAILED, RESTED = "completed", "cancelled", "failed", "rested"
"""How one ended. RESTED: a thread that it woke has run, and nothing of it is due any more."""

ON, PAUSED = "on", "paused"

BY_TIME, BY_HAND, BACKFILL = "time", "hand", "backfill"
"""Who claimed one: its time, a person now, a person for a time that is over."""

BY_FAILURES = "failures"
"""What pauses a schedule, where no person does."""

_WRONG_SHAPE = (KeyError, TypeError, ValueError, AttributeError)
_LACKS = "lacks something, or has more than is known here"

KEPT_MS = 90 * 86_400_000


class Task(Record):
    """What an occurrence is to do, as its schedule said when it was claimed: start `workflow`, or wake those with the
    labels `wake`. `overlap` is what it does when another one is in its way.
    """

    workflow: str
    prompt: str
    cwd: str
    labels: Mapping[str, str]
    wake: Mapping[str, str]
    text: str
    overlap: str


class Occurrence(Record):
    """One nominal time of one schedule, and what came of it. Times are epoch milliseconds, None: not yet.

    `why` is the reason of one that was skipped, failed or taken for a yes. `checked_ms` is when its precheck began.
    """

    schedule: str
    nominal_ms: int
    by: str
    state: str
    task: Task
    claimed_ms: int
    started_ms: int | None = None
    first_turn_ms: int | None = None
    ended_ms: int | None = None
    how: str | None = None
    why: str = ""
    threads: tuple[str, ...] = ()
    checked_ms: int | None = None

    @property
    def key(self) -> str:
        return key(self.schedule, self.nominal_ms)


class ScheduleState(Record):
    """What a home knows of one schedule. `rule` is in words what its times were when it was looked at last, "" while no
    config has it; up to `looked_ms` they are all decided. `last` is the key of the occurrence that was claimed last,
    `failures` how many in a row have failed. `paused_by` is BY_HAND or BY_FAILURES.

    The last time that nobody looked in time, `missed` nominal times were dropped, as its policy says, `missed_ms` the
    newest of them; `is_made_up`: a later one was claimed in that go, which stands for them.
    """

    name: str
    rule: str
    looked_ms: int
    last: str | None = None
    failures: int = 0
    paused_ms: int | None = None
    paused_by: str = ""
    paused_why: str = ""
    missed: int = 0
    missed_ms: int | None = None
    is_made_up: bool = False

    @property
    def is_paused(self) -> bool:
        return self.paused_ms is not None


def key(schedule: str, nominal_ms: int) -> str:
    return f"{schedule}@{nominal_ms}"


def claim(tx: Transaction, occurrence: Occurrence) -> bool:
    """Store a new occurrence. False when its time was claimed before: then nothing is written."""
    found = occurrence
    return tx.add_entry(OCCURRENCE, found.key, found.nominal_ms, found.state, _packed(found))


def save(tx: Transaction, occurrence: Occurrence) -> None:
    tx.set_entry(OCCURRENCE, occurrence.key, state=occurrence.state, value=_packed(occurrence))


def read(entries: Entries, key: str) -> Occurrence | None:
    entry = entries.entry(OCCURRENCE, key)
    return None if entry is None else _if_whole(entry)


def find(
    entries: Entries,
    state: str | tuple[str, ...] | None = None,
    *,
    newest_first: bool = False,
    until_ms: int | None = None,
    limit: int | None = None,
) -> list[Occurrence]:
    """Occurrences before `until_ms` by their nominal times. What cannot be read is left out: see `unreadable`."""
    found = entries.entries(
        OCCURRENCE,
        state=state,
        newest_first=newest_first,
        until_ms=until_ms,
        limit=limit,
        on_unreadable=lambda _: None,
    )
    return [one for one in map(_if_whole, found) if one is not None]


def states(entries: Entries) -> dict[str, ScheduleState]:
    """What is known of each schedule that was ever looked at. Those that cannot be read are left out."""
    found = map(_state_if_whole, entries.entries(SCHEDULE, on_unreadable=lambda _: None))
    return {state.name: state for state in found if state is not None}


def state_of(entries: Entries, name: str) -> ScheduleState | None:
    """CounterUnreadable when it is there and cannot be read."""
    entry = entries.entry(SCHEDULE, name)
    if entry is None:
        return None
    state = _state_if_whole(entry)
    if state is None:
        raise CounterUnreadable(f"what is known of schedule {name} {_LACKS}", hint="uwf doctor")
    return state


def save_state(tx: Transaction, state: ScheduleState, now_ms: int) -> None:
    word = PAUSED if state.is_paused else ON
    value = {name: found for name, found in vars(state).items() if name != "name"}
    if not tx.add_entry(SCHEDULE, state.name, now_ms, word, value):
        tx.set_entry(SCHEDULE, state.name, state=word, value=value)


def unreadable(entries: Entries) -> list[Unreadable]:
    """What of the schedules of a home cannot be read and is not over."""
    found: list[Unreadable] = []
    states = entries.entries(SCHEDULE, on_unreadable=found.append)
    open_ones = entries.entries(OCCURRENCE, state=OPEN, on_unreadable=found.append)
    odd = [entry for entry in states if _state_if_whole(entry) is None]
    odd += [entry for entry in open_ones if _if_whole(entry) is None]
    return found + [Unreadable(ENTRY, f"{each.kind}/{each.key}", _LACKS) for each in odd]


def has_old(entries: Entries, now_ms: int) -> bool:
    """Whether there is something that `prune` would remove."""
    old = entries.entries(
        OCCURRENCE, state=OVER, until_ms=now_ms - KEPT_MS, limit=1, on_unreadable=lambda _: None
    )
    return bool(old)


def prune(tx: Transaction, now_ms: int) -> int:
    """Remove what is over and older than is kept; how many those were."""
    return tx.drop_entries(OCCURRENCE, now_ms - KEPT_MS, OVER)


def _packed(occurrence: Occurrence) -> dict[str, Any]:
    value = dict(vars(occurrence))
    for name in ("state", "nominal_ms"):
        del value[name]
    return {**value, "task": dict(vars(occurrence.task)), "threads": list(occurrence.threads)}


def _if_whole(entry: Entry) -> Occurrence | None:
    """The occurrence of an entry; None for one that was made by hand and lacks something."""
    try:
        value = dict(entry.value)
        value["task"] = Task(**value["task"])
        value["threads"] = tuple(value["threads"])
        return Occurrence(state=entry.state, nominal_ms=entry.at_ms, **value)
    except _WRONG_SHAPE:
        return None


def _state_if_whole(entry: Entry) -> ScheduleState | None:
    try:
        return ScheduleState(name=entry.key, **entry.value)
    except _WRONG_SHAPE:
        return None
