"""What `guard status`, `guard stats` and `queue list` show, read without touching anything.

How a guard stands it says itself; here it is put together.
"""

from __future__ import annotations

from uwf import clock
from uwf import home as paths
from uwf.agent.process import platform
from uwf.engine.query.thread_view import WaitingView
from uwf.guard import refusals, success_rate
from uwf.guard.capacity import places, queue, slots
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from uwf.engine.chain.nodes import Reader
    from uwf.guard.capacity.queue import QueueEntry
    from uwf.guard.contract import Guard, StatusLine
    from uwf.guard.success_rate import Figures, SuccessRate
    from uwf.store.protocols import Counters

AGENT, WORKFLOW, ALL = "agent", "workflow", "all"
"""What a row of the statistics is `by`; the row by `all` is about no agent or workflow alone."""


class GuardStatus(Record):
    """All guards at one moment: lines for a person, and facts for a script."""

    lines: tuple[StatusLine, ...]
    facts: dict[str, Any]


class StatsRow(Record):
    """The window of one agent, one workflow, or all together. `refused` has how often commands were refused, by reason;
    None where the row is not about all.
    """

    by: str
    figures: Figures
    refused: dict[str, int] | None = None


class QueueRow(Record):
    """A waiting thread. `blocked_on` is the pool that has no slot for it, as a person calls it, if that is why."""

    position: int
    thread: str
    person: bool
    priority: int
    aged_priority: int
    waited_ms: int
    pid: int
    blocked_on: str | None


def status(guards: Sequence[Guard]) -> GuardStatus:
    """How all guards stand now."""
    lines: list[StatusLine] = []
    facts: dict[str, Any] = {}
    for guard in guards:
        found = guard.status()
        if found is not None:
            lines += found.lines
            facts |= found.facts
    return GuardStatus(tuple(lines), facts)


def stats(counters: Counters, rules: SuccessRate.Rules) -> list[StatsRow]:
    """The statistics window, agents first, then workflows, then all together, which is there when anything happened."""
    refused = refusals.refusals(counters, rules)
    rows = [
        StatsRow(by, one)
        for by in (AGENT, WORKFLOW)
        for one in success_rate.figures(counters, rules, by=by)
    ]
    if not rows and not refused:
        return []
    return [*rows, StatsRow(ALL, success_rate.total(counters, rules), refused)]


def waiting(counters: Counters, home: str) -> list[QueueRow]:
    """The queue in the order in which it goes, without those whose process is dead."""
    now_s, folder = clock.monotonic_s(), paths.slots(home)
    found = []
    for position, entry in enumerate(_in_order(counters), 1):
        full = slots.first_full(folder, entry.pools)
        full = full or places.first_full(counters, entry.pools)
        found.append(
            QueueRow(
                position=position,
                thread=entry.thread,
                person=entry.person,
                priority=entry.priority,
                aged_priority=queue.aged(entry, now_s),
                waited_ms=queue.waited_ms(entry),
                pid=entry.owner.pid,
                blocked_on=None if full is None else full.words,
            )
        )
    return found


class QueuePositions:
    """The queue, read once for many threads: again only when a waiter has left it or is new in it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._gone = -1
        self._positions: dict[str, int] = {}

    def of(self, thread: str, pid: int) -> WaitingView | None:
        """How process `pid` waits for a slot for `thread`; None when it does not."""
        entry = queue.find(self._reader, thread)
        if entry is None or entry.owner.pid != pid:
            return None
        gone = queue.gone(self._reader)
        if gone != self._gone or thread not in self._positions:
            self._gone = gone
            order = _in_order(self._reader)
            self._positions = {each.thread: number for number, each in enumerate(order, 1)}
        position = self._positions.get(thread)
        if position is None:  # it has gone meanwhile
            return None
        return WaitingView(clock.now_ms() - queue.waited_ms(entry), position)


def _in_order(counters: Counters) -> Iterable[QueueEntry]:
    return queue.in_order(queue.living(counters, platform.is_alive), clock.monotonic_s())
