"""The line of those who wait for a slot: who is in it, in what order they go, and whose turn it is.

One entry a thread, a counter `queue/<thread>` each. A person's requests come first and nothing overtakes them;
then the higher priority, which grows by one for every `AGE_S` of waiting so that nobody starves; then who came
first. An entry whose process is dead is nobody's.

Whoever could not start now in any case, because a smaller pool is full or the machine cannot bear him, lets others
pass. After `PATIENCE_S` a free place of his smaller pools is kept for him, or he might never get two of them at
once; for a person that is so from the beginning.

Times are those of the monotonic clock, which is one for all processes: the wall clock may jump.
"""

from __future__ import annotations

from uwf import clock
from uwf.guard.counters import unreadable
from uwf.guard.slots import MACHINE, Pool
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from uwf.store.protocols import Counters, Transaction

PREFIX = "queue/"
GONE = "queue-gone"
"""How many have left the line so far: whoever waits can tell how far he has come without reading all of it."""
AGE_S = 60.0
"""A minute of waiting is worth one step of priority."""
PATIENCE_S = 300.0


class Entry(Record):
    """One waiting thread: what it needs a slot of, since when it waits, and the process that waits for it."""

    thread: str
    agent: str
    pools: tuple[Pool, ...]
    priority: int
    person: bool
    since_s: float
    pid: int
    started: str


def entries(counters: Counters, is_alive: Callable[[int, str], bool]) -> list[Entry]:
    """The line as it stands, in no order, without those whose process is dead."""
    return [entry for entry in everybody(counters) if is_alive(entry.pid, entry.started)]


def everybody(counters: Counters) -> list[Entry]:
    """The line as it stands, in no order, with those whose process is dead."""
    return [read(name, value) for name, value in counters.counters(PREFIX)]


def in_order(waiting: Iterable[Entry], now_s: float) -> list[Entry]:
    """The line in the order in which it goes."""

    def rank(entry: Entry) -> tuple[bool, int, float, str]:
        return (not entry.person, -aged(entry, now_s), entry.since_s, entry.thread)

    return sorted(waiting, key=rank)


def aged(entry: Entry, now_s: float) -> int:
    """The priority that waiting has raised."""
    return entry.priority + int(max(0.0, now_s - entry.since_s) // AGE_S)


def may_go(
    waiting: Sequence[Entry],
    entry: Entry,
    *,
    free: Callable[[Pool], int],
    is_there: Callable[[Entry], bool],
    could_start: Callable[[Entry], bool],
    now_s: float,
) -> bool:
    """Whether a place is left for `entry` when everybody before it has taken his.

    `free(pool)` is how many places a pool has left now; `is_there(other)` whether somebody still waits, and
    `could_start(other)` whether he would start now that there is a place for him. What the machine can bear is
    asked there, and not kept for anybody.
    """
    left = {pool.name: free(pool) for pool in entry.pools}
    everyone = [*(other for other in waiting if other.thread != entry.thread), entry]
    for other in in_order(everyone, now_s):
        if other.thread == entry.thread or not _has_room(left, entry.pools):
            break
        if not is_there(other):
            continue
        for pool in other.pools:
            left.setdefault(pool.name, free(pool))
        if _has_room(left, other.pools) and could_start(other):
            _take(left, other.pools)
        elif other.person or now_s - other.since_s >= PATIENCE_S:
            _take(left, (pool for pool in other.pools if pool.name != MACHINE))
    return _has_room(left, entry.pools)


def put(tx: Transaction, entry: Entry) -> None:
    value = {**entry.__dict__, "pools": [[pool.name, pool.limit] for pool in entry.pools]}
    tx.set_counter(PREFIX + entry.thread, value)


def remove(tx: Transaction, thread: str) -> bool:
    """Take `thread` out of the line, also by an entry that cannot be read. False when it was not in it."""
    if tx.counter(PREFIX + thread) is None:
        return False
    note_gone(tx)
    tx.set_counter(PREFIX + thread, None)
    return True


def note_gone(tx: Transaction) -> None:
    """One more has left the line."""
    tx.set_counter(GONE, gone(tx) + 1)


def leave(tx: Transaction, entry: Entry) -> None:
    """Remove `entry`, unless its thread has left the line, or another process has its place by now."""
    if stands(tx, entry):
        remove(tx, entry.thread)


def stands(counters: Counters, entry: Entry) -> bool:
    """Whether the process of `entry` has the place of its thread still."""
    now = find(counters, entry.thread)
    return now is not None and (now.pid, now.started) == (entry.pid, entry.started)


def gone(counters: Counters) -> int:
    """How many have left the line since there is one."""
    return int(counters.counter(GONE) or 0)


def ahead(waiting: Iterable[Entry], entry: Entry, now_s: float) -> list[Entry]:
    """Those of `waiting` who stand before `entry`, dead or alive, in their order."""
    others = (other for other in waiting if other.thread != entry.thread)
    order = in_order([*others, entry], now_s)
    return order[: order.index(entry)]


def find(counters: Counters, thread: str) -> Entry | None:
    name = PREFIX + thread
    value = counters.counter(name)
    return None if value is None else read(name, value)


def read(name: str, value: Any) -> Entry:
    """The entry in the counter `name`. Raises `StoreError` for what this version has not put there."""
    try:
        return Entry(**{**value, "pools": tuple(Pool(*pool) for pool in value["pools"])})
    except (TypeError, KeyError):
        raise unreadable(name, value, f"uwf queue drop {name}") from None


def waited_ms(entry: Entry) -> int:
    return max(0, round((clock.monotonic_s() - entry.since_s) * 1000))


def _has_room(left: dict[str, int], pools: Iterable[Pool]) -> bool:
    return all(left[pool.name] > 0 for pool in pools)


def _take(left: dict[str, int], pools: Iterable[Pool]) -> None:
    for pool in pools:
        left[pool.name] -= 1
