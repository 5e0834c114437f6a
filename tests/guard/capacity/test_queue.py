"""The queue: which waiter goes next, hour after hour, with all of them looking at any time."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from uwf.errors import StoreError
from uwf.guard.capacity import queue
from uwf.guard.capacity.queue import AGE_S, PATIENCE_S, QueueEntry
from uwf.guard.capacity.slots import MACHINE, Pool
from uwf.record import replace
from uwf.store.owner import Owner
from uwf.store.sqlite import open_in_memory

ROOM = Pool(MACHINE, 3)
SMALL = (Pool("agent/x", 1), Pool("label/repo=a", 1), Pool("label/repo=b", 2))


def entry(thread: str, **fields: object) -> QueueEntry:
    base = QueueEntry(thread, "mine", (ROOM,), 0, False, 0.0, Owner(100, "start"))
    return replace(base, **fields)


def goes(
    waiting: list[QueueEntry],
    one: QueueEntry,
    *,
    taken: dict[str, int] | None = None,
    now_s: float = 0.0,
    is_there: Callable[[QueueEntry], bool] = lambda _: True,
    could_start: Callable[[QueueEntry], bool] = lambda _: True,
) -> bool:
    """Whether `one` may go, when `taken` places of the pools are taken."""

    def free(pool: Pool) -> int:
        return pool.limit - (taken or {}).get(pool.name, 0)

    return queue.may_go(
        waiting, one, free=free, is_there=is_there, could_start=could_start, now_s=now_s
    )


ENTRIES = st.lists(
    st.builds(
        lambda thread, priority, person, since_s: entry(
            thread, priority=priority, person=person, since_s=since_s
        ),
        st.sampled_from([f"T{number}" for number in range(30)]),
        st.integers(-5, 5),
        st.booleans(),
        st.floats(0, 3600),
    ),
    unique_by=lambda one: one.thread,
)


@given(ENTRIES)
def test_persons_go_first_then_the_higher_aged_priority_then_who_came_first(
    waiting: list[QueueEntry],
) -> None:
    order = queue.in_order(waiting, 3600)
    assert sorted(one.thread for one in order) == sorted(one.thread for one in waiting)
    for before, after in itertools.pairwise(order):
        assert before.person or not after.person
        if before.person == after.person:
            assert queue.aged(before, 3600) >= queue.aged(after, 3600)
            if queue.aged(before, 3600) == queue.aged(after, 3600):
                assert before.since_s <= after.since_s


@given(ENTRIES, st.integers(0, 3))
def test_as_many_go_as_there_are_places_and_those_are_the_first(
    waiting: list[QueueEntry], taken: int
) -> None:
    going = {one.thread for one in waiting if goes(waiting, one, taken={MACHINE: taken})}
    first = queue.in_order(waiting, 0.0)[: 3 - taken]
    assert going == {one.thread for one in first}


def test_a_minute_is_worth_one_step_of_priority() -> None:
    one = entry("T", priority=2, since_s=100.0)
    ages = [queue.aged(one, now_s) for now_s in (0, 100, 100 + AGE_S - 0.001, 100 + AGE_S, 1300)]
    assert ages == [2, 2, 2, 3, 22]


def test_who_waits_for_a_small_pool_blocks_only_those_who_want_it() -> None:
    first = entry("first", pools=(ROOM, SMALL[0]))
    taken = {"agent/x": 1, MACHINE: 1}
    assert not goes([first], first, taken=taken)
    assert goes([first], entry("other", since_s=9), taken=taken)
    assert goes([first], entry("y", since_s=9, pools=(ROOM, SMALL[1])), taken=taken)
    assert not goes([first], entry("x", since_s=9, pools=(ROOM, SMALL[0])), taken=taken)
    assert not goes([first], entry("x", since_s=9, pools=(ROOM, SMALL[0])))  # the first goes first


def test_who_needs_two_small_pools_has_the_free_one_kept_in_the_end() -> None:
    both = entry("both", pools=(ROOM, SMALL[0], SMALL[1]))
    other = entry("other", since_s=9, pools=(ROOM, SMALL[1]))
    taken = {"agent/x": 1}
    assert goes([both], other, taken=taken, now_s=PATIENCE_S - 1)
    assert not goes([both], other, taken=taken, now_s=PATIENCE_S)
    assert goes([both], entry("plain", since_s=9), taken=taken, now_s=PATIENCE_S)
    person = replace(both, person=True)
    assert not goes([person], other, taken=taken)


def test_who_is_dead_keeps_nothing_and_blocks_nobody() -> None:
    dead = entry("dead", person=True, pools=(ROOM, SMALL[0], SMALL[1]))
    other = entry("other", since_s=9, pools=(ROOM, SMALL[1]))
    for taken in ({"agent/x": 1}, {MACHINE: 2}):
        assert not goes([dead], other, taken=taken)
        assert goes([dead], other, taken=taken, is_there=lambda one: one.thread != "dead")


def test_whom_the_machine_cannot_bear_lets_others_pass() -> None:
    heavy = entry("heavy", agent="huge")
    taken = {MACHINE: 2}
    assert not goes([heavy], entry("small", since_s=9), taken=taken)
    assert goes(
        [heavy],
        entry("small", since_s=9),
        taken=taken,
        could_start=lambda one: one.agent != "huge",
    )


def test_newcomers_of_any_priority_pass_nobody_who_has_waited_for_as_many_minutes() -> None:
    patient = entry("patient", since_s=0.0)
    newcomer = entry("newcomer", priority=10, since_s=600.0)
    taken = {MACHINE: 2}
    assert goes([patient], newcomer, taken=taken, now_s=599.0)
    assert not goes([patient], newcomer, taken=taken, now_s=600.0)


def test_an_entry_is_kept_as_it_is_and_the_gone_are_counted() -> None:
    store = open_in_memory()
    one = entry("T1", pools=(ROOM, *SMALL), priority=-3, person=True, since_s=1.25)
    with store.transaction("test") as tx:
        queue.put(tx, one)
        queue.put(tx, entry("T2", owner=Owner(200, "start")))
        assert queue.find(tx, "T1") == one
        queue.remove(tx, "T3")
        assert queue.gone(tx) == 0
    assert queue.find(store, "T3") is None
    assert queue.living(store, lambda owner: owner.pid != 200) == [one]
    with store.transaction("test") as tx:
        queue.remove(tx, "T2")
    assert (queue.entries(store), queue.gone(store)) == ([one], 1)


STORED = {
    **{"thread": "T2", "agent": "mine", "pools": [["machine", 3]], "priority": 0, "person": False},
    **{"since_s": 0.0, "pid": 100, "started": "start"},
}


def test_entries_are_kept_as_every_version_has_done() -> None:
    store = open_in_memory()
    with store.transaction("test") as tx:
        queue.put(tx, entry("T2"))
    assert store.counter("queue/T2") == STORED


@pytest.mark.parametrize("value", ["?", {}, {"thread": "T2", "pools": []}, {**STORED, "new": 1}])
def test_an_unreadable_entry_is_named_and_can_be_removed(value: object) -> None:
    store = open_in_memory()
    with store.transaction("test") as tx:
        queue.put(tx, entry("T1"))
        tx.set_counter("queue/T2", value)
    for look in (queue.entries, lambda counters: queue.find(counters, "T2")):
        with pytest.raises(StoreError, match="queue/T2") as caught:
            look(store)
        assert caught.value.hint == "uwf queue drop queue/T2"
    with store.transaction("test") as tx:
        assert [queue.remove(tx, "T2"), queue.remove(tx, "T2")] == [True, False]
    assert queue.entries(store) == [entry("T1")]


class Hours:
    """A machine with three places and three small pools, and threads that come, wait, run and end, or are killed.

    Every `TICK_S` seconds all who wait look once, in no particular order, and whoever may go does.
    """

    TICK_S = 5.0
    MOST = 20
    LONGEST_RUN_S = 300.0

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now_s = 0.0
        self.waiting: list[QueueEntry] = []
        self.dead: set[str] = set()
        self.running: list[tuple[float, QueueEntry]] = []
        self.taken: Counter[str] = Counter()
        self.number = 0
        self.refused = 0
        self.waits: list[tuple[QueueEntry, float]] = []

    def run(self, hours: float) -> None:
        while self.now_s < hours * 3600:
            self.tick()

    def tick(self) -> None:
        self.now_s += self.TICK_S
        for end_s, one in self.running:
            if end_s <= self.now_s:
                self.taken.subtract(pool.name for pool in one.pools)
        self.running = [(end_s, one) for end_s, one in self.running if end_s > self.now_s]
        while self.random.random() < 0.5:  # far more than it can bear: the line is always full
            self.arrive()
        if self.random.random() < 0.01 and self.waiting:
            self.dead.add(self.random.choice(self.waiting).thread)
        started = len(self.waits)
        for one in self.random.sample(self.waiting, len(self.waiting)):
            has_room = all(self.taken[pool.name] < pool.limit for pool in one.pools)
            if has_room and one.thread not in self.dead and self.may_go(one):
                self.start(one)
        self.check_nothing_lies_idle()
        self.check_order(one for one, _ in self.waits[started:])

    def arrive(self) -> None:
        self.number += 1
        one = entry(
            f"T{self.number:06}",
            pools=(ROOM, *self.random.sample(SMALL, self.random.choice([0, 0, 1, 2, 3]))),
            # Whoever comes with a low priority always finds others that have a higher one.
            priority=self.random.choice([0, 10, 10, 10]),
            person=self.random.random() < 0.02,
            since_s=self.now_s,
        )
        self.waiting = [other for other in self.waiting if other.thread not in self.dead]
        if len(self.waiting) < self.MOST:
            self.waiting.append(one)
        else:
            self.refused += 1

    def may_go(self, one: QueueEntry) -> bool:
        return goes(
            self.waiting,
            one,
            taken=dict(self.taken),
            now_s=self.now_s,
            is_there=lambda other: other.thread not in self.dead,
        )

    def start(self, one: QueueEntry) -> None:
        free = {pool.name: pool.limit - self.taken[pool.name] for pool in (ROOM, *SMALL)}
        assert all(free[pool.name] > 0 for pool in one.pools)
        if not one.person:
            self.check_no_person_is_passed(one, free)
        self.waiting.remove(one)
        self.taken.update(pool.name for pool in one.pools)
        self.running.append((self.now_s + self.random.uniform(5, self.LONGEST_RUN_S), one))
        self.waits.append((one, self.now_s - one.since_s))

    def check_no_person_is_passed(self, one: QueueEntry, free: dict[str, int]) -> None:
        persons = [p for p in self.waiting if p.person and p.thread not in self.dead]
        for person in persons:
            takes = {pool.name for pool in one.pools}
            left = {name: count - (name in takes) for name, count in free.items()}
            could = self.may_go(person)  # and is not kept waiting for another person
            can_still = all(left[pool.name] > 0 for pool in person.pools)
            assert can_still or not could, "a person could have gone, and now cannot"
        for pool in one.pools:
            wanted = sum(pool in person.pools for person in persons)
            assert pool.name == MACHINE or free[pool.name] > wanted

    def check_order(self, started: Iterable[QueueEntry]) -> None:
        """Of two that differ in nothing but the time they came, the later one is never let in alone."""
        for one in started:
            for other in self.waiting:
                if other.thread not in self.dead and is_just_like(other, one):
                    assert other.since_s >= one.since_s

    def check_nothing_lies_idle(self) -> None:
        living = [one for one in self.waiting if one.thread not in self.dead]
        if self.taken[MACHINE] < ROOM.limit:
            assert not [one for one in living if one.pools == (ROOM,)]


def is_just_like(one: QueueEntry, other: QueueEntry) -> bool:
    return (one.pools, one.priority, one.person) == (other.pools, other.priority, other.person)


LONGEST_S = 1.5 * 3600
"""The ten minutes by which others are preferred, the patience, and half of a full line in one pool of one."""


@settings(max_examples=5)
@example(1137)  # a person whose slot is kept for the person before
@given(st.integers(0, 10_000))
def test_nobody_waits_without_end_and_no_person_is_overtaken(seed: int) -> None:
    hours = Hours(seed)
    hours.run(6)
    assert hours.refused > 1000
    assert len(hours.waits) > 100
    waited = [wait_s for _, wait_s in hours.waits]
    waited += [hours.now_s - one.since_s for one in hours.waiting if one.thread not in hours.dead]
    assert max(waited) < LONGEST_S
    assert {one.priority for one, _ in hours.waits} == {0, 10}


def test_without_aging_somebody_would_starve(monkeypatch: pytest.MonkeyPatch) -> None:
    # What shows that the simulation above could fail.
    monkeypatch.setattr(queue, "AGE_S", 1e12)
    hours = Hours(1)
    hours.run(8)
    assert max(hours.now_s - one.since_s for one in hours.waiting) > LONGEST_S


class TwoPools(Hours):
    """Threads come all the time for the one small pool or for the other, and there is always one that needs both."""

    TICK_S = 1.0

    def arrive(self) -> None:
        self.number += 1
        self.dead.clear()
        if not any(len(one.pools) == 3 for one in self.waiting):
            pools = SMALL[:2]
        elif len(self.waiting) < 5:
            pools = (SMALL[self.number % 2],)
        else:
            return
        self.waiting.append(entry(f"T{self.number:06}", pools=(ROOM, *pools), since_s=self.now_s))


BOTH_S = PATIENCE_S + 4 * Hours.LONGEST_RUN_S
"""The patience, and in either pool the one that runs and up to three that came earlier."""


def test_who_needs_two_small_pools_does_not_starve() -> None:
    assert longest_for_both(1) < BOTH_S


def test_without_patience_he_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "PATIENCE_S", 1e12)
    assert longest_for_both(5) > 2 * BOTH_S


def longest_for_both(seed: int) -> float:
    hours = TwoPools(seed)
    hours.run(8)
    waited = [wait_s for one, wait_s in hours.waits if len(one.pools) == 3]
    waited += [hours.now_s - one.since_s for one in hours.waiting if len(one.pools) == 3]
    return max(waited)
