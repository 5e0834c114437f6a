"""`queue_full`, `dropped`: the threads that wait for a slot, in what order they go, and whose slots are kept.

One entry a thread, a counter `queue/<thread>` each. A person's requests come first and nothing overtakes them;
then the higher priority, which grows by one for every `AGE_S` of waiting so that none starves; then the one
that came first. An entry whose process is dead is stale: it counts for nothing, and is removed where it is met.

A waiter that could not start now in any case, because a smaller pool is full or the machine cannot bear it, lets
others pass. After `PATIENCE_S` a free slot of its smaller pools is kept for it, or it might never get two of them at
once; for a person that is so from the beginning.

Times are those of the monotonic clock, which is one for all processes: the wall clock may jump. How one request waits
is in `waiter`.
"""

from __future__ import annotations

from contextlib import contextmanager

from uwf import clock
from uwf.errors import Crowded, Refused, StoreBusy
from uwf.guard.capacity import joined
from uwf.guard.capacity.slots import MACHINE, Pool
from uwf.guard.contract import refuse
from uwf.guard.counters import unreadable
from uwf.quantities import counted
from uwf.record import Record
from uwf.store import measures
from uwf.store.owner import Owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from uwf.store.protocols import Counters, Store, Transaction

PREFIX = "queue/"
GONE = "queue-gone"
"""How many have left the queue so far: a waiter can tell how far it has come without reading all of it."""
REFUSE, DROP_OLDEST = "refuse", "drop-oldest"
OVERFLOW = (REFUSE, DROP_OLDEST)
"""What becomes of one more when the queue is full."""
AGE_S = 60.0
"""A minute of waiting is worth one step of priority."""
PATIENCE_S = 300.0


class QueueEntry(Record):
    """One waiting thread: what it needs a slot of, since when it waits, and the process that waits for it.

    `begun`: its run has made steps already, so there is room for it whatever waits. `interactive`: a person sits there.
    """

    thread: str
    agent: str
    pools: tuple[Pool, ...]
    priority: int
    person: bool
    since_s: float
    owner: Owner
    begun: bool = False
    interactive: bool = False


def living(counters: Counters, is_alive: Callable[[Owner], bool]) -> list[QueueEntry]:
    """The queue as it stands, in no order, without those whose process is dead."""
    return [entry for entry in entries(counters) if is_alive(entry.owner)]


def entries(counters: Counters) -> list[QueueEntry]:
    """The queue as it stands, in no order, with those whose process is dead."""
    return [read(name, value) for name, value in counters.counters(PREFIX)]


def in_order(waiting: Iterable[QueueEntry], now_s: float) -> list[QueueEntry]:
    """The queue in the order in which it goes."""

    def rank(entry: QueueEntry) -> tuple[bool, int, float, str]:
        return (not entry.person, -aged(entry, now_s), entry.since_s, entry.thread)

    return sorted(waiting, key=rank)


def aged(entry: QueueEntry, now_s: float) -> int:
    """The priority that waiting has raised."""
    return entry.priority + int(max(0.0, now_s - entry.since_s) // AGE_S)


def may_go(
    waiting: Sequence[QueueEntry],
    entry: QueueEntry,
    *,
    free: Callable[[Pool], int],
    is_there: Callable[[QueueEntry], bool],
    could_start: Callable[[QueueEntry], bool],
    now_s: float,
) -> bool:
    """Whether a slot is left for `entry` when all those before it have taken theirs.

    `free(pool)` is how many slots a pool has left now, under the limit that it has for whoever asks; `is_there(other)`
    whether its process still waits, and `could_start(other)` whether it would start now that there is a slot for it.
    What the machine can bear is asked there, and not kept for any of them.
    """
    taken: dict[str, int] = {}

    def has_room(pools: Iterable[Pool]) -> bool:
        return all(free(pool) > taken.get(pool.name, 0) for pool in pools)

    everyone = [*(other for other in waiting if other.thread != entry.thread), entry]
    for other in in_order(everyone, now_s):
        if other.thread == entry.thread or not has_room(entry.pools):
            break
        if not is_there(other):
            continue
        kept: Iterable[Pool] = ()
        if has_room(other.pools) and could_start(other):
            kept = other.pools
        elif other.person or now_s - other.since_s >= PATIENCE_S:
            kept = (pool for pool in other.pools if pool.name != MACHINE)
        for pool in kept:
            taken[pool.name] = taken.get(pool.name, 0) + 1
    return has_room(entry.pools)


class Queue:
    """The queue as one waiter meets it: `most` may wait in it, and `overflow` says what becomes of one more."""

    def __init__(
        self, store: Store, most: int, overflow: str, is_alive: Callable[[Owner], bool]
    ) -> None:
        self._store = store
        self._most = most
        self._overflow = overflow
        self._is_alive = is_alive
        self._ahead = self._gone = 0  # how many were ahead of this waiter, when so many had gone

    @contextmanager
    def joined_by(self, entry: QueueEntry) -> Iterator[None]:
        """Wait in the queue, and be out of it again whatever happens; no fault then hides what did. Raises `Refused`
        when the queue is full, or the store too busy to join it.

        A waiter holds the lock of its thread: a second request joins it, and no living waiter is replaced here.
        """
        try:
            with self._store.transaction("queue join", durable=False) as tx:
                self._join(tx, entry)
        except StoreBusy as busy:  # with too many others, which is no fault of the queue
            raise refuse("server_overloaded", busy.message, kind=Crowded, hint=busy.hint) from busy
        try:
            yield
        except BaseException as error:
            try:
                self.remove([entry])
            except Exception as fault:
                error.add_note(f"and thread {entry.thread} could not leave the queue: {fault}")
            raise
        self.remove([entry], is_admitted=True)

    def join_run(
        self, thread: str, owner: Owner, then: Callable[[Transaction], None] = lambda tx: None
    ) -> str:
        """Wait for the run of a thread, where that is one for which there is room; the name of the counter. What is to
        be said to it goes on record with that, by `then`, and on the disk: who waits takes what waits no more for told.
        """
        with self._store.transaction("run join") as tx:
            joined.drop_dead(tx, self._is_alive)
            others = threads(tx, self._is_alive) - {thread}
            if len(others) >= self._most:
                raise full(len(others))
            then(tx)
            return joined.put(tx, thread, owner)

    def look(self, entry: QueueEntry) -> list[QueueEntry]:
        """All that wait on this machine, in no order: slots are a machine's own."""
        left, waiting = gone(self._store), _beside(entry, entries(self._store))
        self._note_position(left, waiting, entry)
        return waiting

    def ahead(self) -> int:
        """How many are ahead of this waiter, as far as it knows. Costs one small read."""
        return max(0, self._ahead - (gone(self._store) - self._gone))

    def check(self, entry: QueueEntry) -> None:
        """Raise when this process is not the one that waits for the thread any more."""
        if not waits(self._store, entry):
            raise refuse(
                "dropped",
                f"thread {entry.thread} was dropped from the queue",
                kind=Crowded,
                hint=f"uwf thread exec {entry.thread} --wait 600",
            )

    def remove(self, entries: list[QueueEntry], *, is_admitted: bool = False) -> None:
        """Take these out of the queue, but for those whose thread another process waits for by now. How long one that
        `is_admitted` has waited is measured.
        """
        if entries:
            with self._store.transaction("queue leave", durable=False) as tx:
                for entry in entries:
                    leave(tx, entry)
                    if is_admitted:
                        measures.note(tx, measures.WAIT, waited_ms(entry))

    def _join(self, tx: Transaction, entry: QueueEntry) -> None:
        others = _beside(entry, entries(tx))
        waiting = [other for other in others if other.thread != entry.thread]
        queued = {entry.thread, *(other.thread for other in waiting)}
        room = self._most - len(joined.threads(tx, self._is_alive) - queued)
        # Only now: in a long queue it takes a while, and writers wait meanwhile.
        if len(waiting) >= room:
            waiting = self._without_the_dead(tx, waiting)
        while len(waiting) >= room and not entry.begun:
            dropped = self._to_drop(waiting, entry)
            remove(tx, dropped.thread)
            waiting.remove(dropped)
        put(tx, entry)
        self._note_position(gone(tx), waiting, entry)

    def _without_the_dead(self, tx: Transaction, waiting: list[QueueEntry]) -> list[QueueEntry]:
        living = []
        for other in waiting:
            if self._is_alive(other.owner):
                living.append(other)
            else:
                remove(tx, other.thread)
        return living

    def _to_drop(self, waiting: list[QueueEntry], entry: QueueEntry) -> QueueEntry:
        """What has to make room for `entry` in a queue that is full; a person only for a person."""
        droppable = [other for other in waiting if not other.begun]
        if self._overflow == DROP_OLDEST and droppable:
            oldest = min(droppable, key=lambda one: (one.person, one.since_s, one.thread))
            if entry.person or not oldest.person:
                return oldest
        raise full(self._most)

    def _note_position(self, left: int, waiting: list[QueueEntry], entry: QueueEntry) -> None:
        others = (other for other in waiting if other.thread != entry.thread)
        order = in_order([*others, entry], clock.monotonic_s())
        self._gone, self._ahead = left, order.index(entry)


def _beside(entry: QueueEntry, waiting: list[QueueEntry]) -> list[QueueEntry]:
    """Those that wait on the same machine."""
    return [other for other in waiting if other.owner.host == entry.owner.host]


def threads(counters: Counters, is_alive: Callable[[Owner], bool]) -> set[str]:
    """The threads that are waited for: for a slot, or for a run to end."""
    return {entry.thread for entry in living(counters, is_alive)} | joined.threads(
        counters, is_alive
    )


def full(count: int) -> Refused:
    return refuse(
        "queue_full",
        f"the queue has {counted(count, 'thread')} already, as many as limits.max_queue allows; try again when it is "
        "shorter",
        kind=Crowded,
        hint="uwf queue list",
    )


def put(tx: Transaction, entry: QueueEntry) -> None:
    """Kept as every version has done: two that share a queue read each other's entries."""
    value = {**entry.__dict__, "pools": [[pool.name, pool.limit] for pool in entry.pools]}
    del value["owner"]
    for name in ("begun", "interactive"):
        if not value[name]:
            del value[name]  # which older versions do not know
    value.update(pid=entry.owner.pid, started=entry.owner.started)
    if entry.owner.host:
        value["host"] = entry.owner.host
    tx.set_counter(PREFIX + entry.thread, value)


def remove(tx: Transaction, thread: str) -> bool:
    """Take `thread` out of the queue, also by an entry that cannot be read. False when it was not in it."""
    if tx.counter(PREFIX + thread) is None:
        return False
    note_gone(tx)
    tx.set_counter(PREFIX + thread, None)
    return True


def leave(tx: Transaction, entry: QueueEntry) -> None:
    """Remove `entry`, unless its thread has left the queue, or another process waits for it by now."""
    if waits(tx, entry):
        remove(tx, entry.thread)


def note_gone(tx: Transaction) -> None:
    """One more has left the queue."""
    tx.set_counter(GONE, gone(tx) + 1)


def waits(counters: Counters, entry: QueueEntry) -> bool:
    """Whether it is the process of `entry` still that waits for its thread."""
    now = find(counters, entry.thread)
    return now is not None and now.owner == entry.owner


def gone(counters: Counters) -> int:
    """How many have left the queue since there is one."""
    return int(counters.counter(GONE) or 0)


def find(counters: Counters, thread: str) -> QueueEntry | None:
    name = PREFIX + thread
    value = counters.counter(name)
    return None if value is None else read(name, value)


def read(name: str, value: Any) -> QueueEntry:
    """The entry in the counter `name`. Raises `StoreError` for what this version has not put there."""
    try:
        fields = {**value, "pools": tuple(Pool(*pool) for pool in value["pools"])}
        owner = Owner(fields.pop("pid"), fields.pop("started"), fields.pop("host", ""))
        return QueueEntry(**fields, owner=owner)
    except (TypeError, KeyError):
        raise unreadable(name, value, f"uwf queue drop {name}") from None


def waited_ms(entry: QueueEntry) -> int:
    return max(0, round((clock.monotonic_s() - entry.since_s) * 1000))
