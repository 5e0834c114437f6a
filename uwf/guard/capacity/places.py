"""Places: at most so many threads at once with one value of a label, from their first step until they stop.

A slot is held by a process for one step, a place by a thread for as long as it is under way: between its steps, too.
Which threads have one stands in a counter, `place/<pool>`. Whether they still have it is asked of the threads, so that
none has to be given back where a thread completes, suspends, is cancelled or deleted, or has its label changed.

Places are taken under the lock of the slots.
"""

from __future__ import annotations

from uwf.guard.capacity.slots import THREADS, Pool
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
        counter = PREFIX + hashed(pool.name)
        return self._living(pool.name, noted(counter, self._store.counter(counter))[1])

    def take(self, pools: Iterable[Pool], thread: str) -> None:
        """Give `thread` a place of each."""
        for pool in pools:
            holders = [other for other in self.holders(pool) if other != thread]
            with self._store.transaction("place", durable=False) as tx:
                value = {"name": pool.name, "threads": [*holders, thread]}
                tx.set_counter(PREFIX + hashed(pool.name), value)

    def give_back(self, pools: Iterable[Pool], thread: str) -> None:
        """`thread` has made no step with the places that it got just now."""
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

    def _living(self, name: str, threads: Iterable[str]) -> list[str]:
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
