"""Places: at most so many threads at once with one value of a label, from their first step until they stop.

A slot is held by a process for one step, a place by a thread for as long as it is under way: between its steps, too.
Which threads have one stands in a counter, `place/<pool>`. Whether they still have it is asked of the threads, so that
none has to be given back where a thread completes, suspends, is cancelled or deleted, or has its label changed.

In a store that many machines share, a limit of an agent, a workflow or a label holds for all of them together: beside
the slot on its machine a step then needs a place of the pool `shared/<name>`, which its thread holds until the step is
over. It counts as long as the thread runs, so nothing has to be given back by a machine that died.

Places are taken under the lock of the slots, which other machines do not know: what is left is counted once more where
it is written.
"""

from __future__ import annotations

from uwf.guard.capacity.slots import SHARED, THREADS, Full, Pool
from uwf.guard.counters import hashed, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from uwf.store.protocols import Counters, Store

PREFIX = "place/"


class Places:
    """All places. `labels_under_way` gives the labels of a thread that is under way, None for any other."""

    def __init__(
        self, store: Store, labels_under_way: Callable[[str], Mapping[str, str] | None]
    ) -> None:
        self._store = store
        self._labels_under_way = labels_under_way

    def holders(self, pool: Pool) -> list[str]:
        """The threads that have a place of `pool`."""
        return self._living(pool.name, self._noted(pool))

    def take(self, pools: Iterable[Pool], thread: str) -> None:
        """Give `thread` a place of each. Raises `Full`, and gives none, where another machine was faster."""
        gone = {}
        for pool in pools:
            known = self._noted(pool)
            gone[pool] = {*known} - {*self._living(pool.name, known)} | {thread}
        with self._store.transaction("place", durable=False) as tx:
            for pool, left in gone.items():
                counter = PREFIX + hashed(pool.name)
                others = [
                    each for each in noted(counter, tx.counter(counter))[1] if each not in left
                ]
                if len(others) >= pool.limit:
                    raise Full(pool)
                tx.set_counter(counter, {"name": pool.name, "threads": [*others, thread]})

    def give_back(self, pools: Iterable[Pool], thread: str) -> None:
        """`thread` has no place of these any more."""
        for pool in pools:
            counter = PREFIX + hashed(pool.name)
            with self._store.transaction("place back", durable=False) as tx:
                name, threads = noted(counter, tx.counter(counter))
                left = [other for other in threads if other != thread]
                tx.set_counter(counter, {"name": name, "threads": left} if left else None)

    def shown(self, limits: Mapping[str, int]) -> list[tuple[Pool, int]]:
        """The pools that have a place taken, and how many; `limits` are by label."""
        found = []
        for counter, value in self._store.counters(PREFIX):
            name, threads = noted(counter, value)
            label = name.removeprefix(THREADS).partition("=")[0]
            taken = len(self._living(name, threads))
            if taken and label in limits:
                found.append((Pool(name, limits[label]), taken))
        return sorted(found, key=lambda each: each[0].name)

    def _noted(self, pool: Pool) -> list[str]:
        counter = PREFIX + hashed(pool.name)
        return noted(counter, self._store.counter(counter))[1]

    def _living(self, name: str, threads: Iterable[str]) -> list[str]:
        if name.startswith(SHARED):
            return [each for each in threads if self._store.leases.holder(each) is not None]
        label, _, value = name.removeprefix(THREADS).partition("=")
        return [
            thread
            for thread in threads
            if (self._labels_under_way(thread) or {}).get(label) == value
        ]


def first_full(counters: Counters, pools: Sequence[Pool]) -> Pool | None:
    """The first of `pools` whose places were all given out; whether their holders still have them is not asked."""
    for pool in pools:
        if pool.is_of_threads:
            counter = PREFIX + hashed(pool.name)
            if len(noted(counter, counters.counter(counter))[1]) >= pool.limit:
                return pool
    return None


def noted(counter: str, value: object) -> tuple[str, list[str]]:
    """The name of a pool and the threads that got a place of it, as its counter has them."""
    if value is None:
        return "", []
    try:
        return str(value["name"]), list(value["threads"])  # type: ignore[index]
    except (TypeError, KeyError):
        raise unreadable(counter, value, "uwf doctor --repair") from None
