"""The line of those who wait for a slot: who is in it, and in what order they go.

One entry a thread, a counter `queue/<thread>` each. A person's requests come first and nothing overtakes them;
then the higher priority, which grows by one for every `AGE_MS` of waiting so that nobody starves; then who came
first. An entry whose process is dead is nobody's.
"""

from __future__ import annotations

from uwf import clock
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from uwf.store.protocols import Counters, Transaction

PREFIX = "queue/"
AGE_MS = 60_000
"""A minute of waiting is worth one step of priority."""


class Entry(Record):
    """One waiting thread. `blocked` is the smaller pool it waits for, so that others need not wait behind it."""

    thread: str
    priority: int
    person: bool
    arrived_ms: int
    pid: int
    started: str
    blocked: str = ""
    pools: tuple[str, ...] = ()


def entries(counters: Counters, is_alive: Callable[[int, str], bool]) -> list[Entry]:
    """The line as it stands, in no order, without those whose process is dead."""
    found = (read(value) for _, value in counters.counters(PREFIX))
    return [entry for entry in found if is_alive(entry.pid, entry.started)]


def in_order(waiting: Sequence[Entry], now_ms: int) -> list[Entry]:
    """The line in the order in which it goes."""
    return sorted(waiting, key=lambda entry: _rank(entry, now_ms))


def aged(entry: Entry, now_ms: int) -> int:
    """The priority that waiting has raised."""
    return entry.priority + max(0, now_ms - entry.arrived_ms) // AGE_MS


def may_go(waiting: Sequence[Entry], entry: Entry, now_ms: int) -> bool:
    """Whether nobody stands before `entry` who could use what it wants."""
    for other in in_order([*(e for e in waiting if e.thread != entry.thread), entry], now_ms):
        if other.thread == entry.thread:
            return True
        if not other.blocked or other.blocked in entry.pools:
            return False
    return False


def put(tx: Transaction, entry: Entry) -> None:
    value = dict(entry.__dict__) | {"pools": list(entry.pools)}
    tx.set_counter(PREFIX + entry.thread, value)


def remove(tx: Transaction, thread: str) -> None:
    tx.set_counter(PREFIX + thread, None)


def find(counters: Counters, thread: str) -> Entry | None:
    value = counters.counter(PREFIX + thread)
    return None if value is None else read(value)


def read(value: dict[str, Any]) -> Entry:
    return Entry(**{**value, "pools": tuple(value["pools"])})


def waited_ms(entry: Entry) -> int:
    return max(0, clock.now_ms() - entry.arrived_ms)


def _rank(entry: Entry, now_ms: int) -> tuple[bool, int, int, str]:
    return (not entry.person, -aged(entry, now_ms), entry.arrived_ms, entry.thread)
