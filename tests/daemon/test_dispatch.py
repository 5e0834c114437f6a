"""Who is run, when, and how many at once: the parts that run threads, with runs that a test makes up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.daemon.clocks import Clocks
from tests.helpers.flows import PAIR
from uwf.app import App
from uwf.daemon.loop.loop import LOOK_S, Loop
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import Quarantine
from uwf.daemon.runs.dispatch import Dispatch, Reaping
from uwf.daemon.runs.patience import ODD_IN_A_ROW, Patience
from uwf.daemon.runs.runs import RunEnded, RunsNow
from uwf.daemon.sources.looker import Looker
from uwf.engine.actions import lifecycle
from uwf.engine.chain import wake
from uwf.engine.chain.tags import SUSPENDED, THREADS
from uwf.engine.chain.wake import TIMER, Wake
from uwf.engine.query.home.urgency import DueThread
from uwf.store.protocols import Store

MINUTE_MS = 60_000


class MadeUpRuns:
    """Runs that end when a test says so, with a timer taken away at their beginning."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store, self._clocks = store, clocks
        self.began: list[tuple[str, int]] = []
        self._running: list[str] = []
        self._ended: list[RunEnded] = []
        self.keeps_timer = False

    def room(self, running: int, jobs: int) -> int:
        return jobs - running

    def start(self, due: Sequence[DueThread]) -> None:
        for each in due:
            self.began.append((each.thread, self._clocks.wall_ms))
            self._running.append(each.thread)
            if not self.keeps_timer:
                change(self._store, each.thread, wake.without)

    def keep(self, due: Sequence[DueThread], now_ms: int) -> None:
        return

    def finished(self) -> list[RunEnded]:
        ended, self._ended = self._ended, []
        return ended

    def now(self) -> RunsNow:
        ended = (run.thread for run in self._ended)
        return RunsNow(frozenset([*self._running, *ended]), frozenset())

    def end(self, thread: str, code: int = 0, error: str | None = None) -> None:
        self._running.remove(thread)
        self._ended.append(RunEnded(thread, code, 1.0, error, "it said so"))


def change(store: Store, thread: str, tags: object) -> None:
    ref = store.ref(THREADS + thread)
    assert ref is not None and callable(tags)
    with store.transaction("test") as tx:
        tx.set_ref(ref.name, ref.id, tags=tags(ref.tags), expect=ref, why="test")


class World:
    def __init__(self, app: App, clocks: Clocks) -> None:
        self.app, self.clocks = app, clocks
        self.store = app.store(create=True)
        self.runs = MadeUpRuns(self.store, clocks)
        self.daemon = Daemon(app, self.runs, Quarantine(), lambda: None, lambda text, facts: None)
        patience = Patience()
        parts = [
            Dispatch(self.daemon, patience, Looker(self.daemon)),
            Reaping(self.daemon, patience),
        ]
        self.loop = Loop(parts, clocks, lambda text: None)

    def thread(self, *, priority: int = 0) -> str:
        begin = lifecycle.Begin(PAIR, "Go.", "/", {}, priority)
        return lifecycle.start(self.store, begin).id

    def due(self, thread: str, in_ms: int = 0, kind: str = TIMER) -> None:
        wish = Wake(self.clocks.wall_ms + in_ms, kind, "test")
        change(self.store, thread, lambda tags: wake.wish(tags, wish))

    def passes(self) -> float:
        """As many passes as there is something to do at once; how long the loop would sleep then."""
        while not (wait_s := self.loop.once()):
            pass
        return wait_s

    @property
    def began(self) -> list[str]:
        return [thread for thread, _ in self.runs.began]


@pytest.fixture
def world(tmp_path: Path, clocks: Clocks) -> Iterator[World]:
    with App.open(str(tmp_path)) as app:
        yield World(app, clocks)


def test_it_sleeps_until_the_next_timer_and_begins_the_run_then(world: World) -> None:
    thread = world.thread()
    assert world.passes() == LOOK_S
    world.due(thread, in_ms=12_345)
    assert world.passes() == 12.345
    assert world.began == []
    world.clocks.until(12.345)
    world.passes()
    assert world.runs.began == [(thread, world.clocks.wall_ms)]
    assert world.daemon.running == {thread}


def test_five_at_once_the_rest_waits_for_room_and_is_not_dropped(world: World) -> None:
    threads = [world.thread() for _ in range(7)]
    for thread in threads:
        world.due(thread)
    world.passes()
    assert len(world.began) == 5 and world.daemon.waiting == 2
    world.runs.end(world.began[0])
    world.passes()
    assert len(world.began) == 6 and world.daemon.waiting == 1
    for thread in world.began[1:6]:
        world.runs.end(thread)
    world.passes()
    assert sorted(world.began) == sorted(threads)
    assert world.daemon.waiting == 0


def test_the_most_urgent_first(world: World) -> None:
    world.app.config.daemon.__dict__["jobs"] = 1
    plain, urgent, broken = world.thread(), world.thread(priority=9), world.thread()
    world.due(plain)
    world.due(urgent)
    world.due(broken, kind=wake.RECOVERY)
    for _ in range(3):
        world.passes()
        world.runs.end(world.began[-1])
    assert world.began == [broken, urgent, plain]


def test_one_that_somebody_runs_by_hand_is_left_to_that(world: World) -> None:
    thread = world.thread()
    world.due(thread)
    held = world.store.leases.take(thread)
    assert held is not None
    world.passes()
    assert world.began == []
    world.store.leases.release(held)
    world.passes()
    assert world.began == [thread]


def test_one_that_drains_begins_nothing_and_says_how_many_wait(world: World) -> None:
    world.due(world.thread())
    world.daemon.is_draining = True
    assert world.passes() == LOOK_S
    assert (world.began, world.daemon.waiting) == ([], 1)


def test_pause_that_ends_by_itself_is_waited_for_to_the_second(world: World) -> None:
    thread = world.thread()
    world.due(thread)
    world.app.guards.pause(until_ms=world.clocks.wall_ms + 9_000)
    assert world.passes() == 9.0
    assert world.began == []
    world.clocks.until(9.0)
    world.passes()
    assert world.began == [thread]


def test_run_that_ends_oddly_again_and_again_backs_off_and_is_set_aside(world: World) -> None:
    thread = world.thread()
    world.due(thread)
    world.runs.keeps_timer = True
    waits = []
    for number in range(1, ODD_IN_A_ROW + 1):
        world.passes()
        assert len(world.began) == number
        world.runs.end(thread, code=1)
        waits.append(world.passes())
        world.clocks.until(waits[-1])
    assert waits == pytest.approx([5.0, 10.0, 20.0])
    [aside] = world.daemon.quarantine.all()
    assert (aside.kind, aside.name, aside.why) == ("thread", thread, "it said so")
    world.passes()
    world.runs.end(thread, code=0)
    world.passes()
    assert world.daemon.quarantine.all() == []


def test_one_that_is_set_aside_and_due_no_more_is_let_go(world: World) -> None:
    thread = world.thread()
    world.due(thread)
    world.runs.keeps_timer = True
    for _ in range(ODD_IN_A_ROW):
        world.passes()
        world.runs.end(thread, code=1)
        world.clocks.until(world.passes())
    assert world.daemon.quarantine.holds("thread", thread)
    change(world.store, thread, wake.without)
    world.passes()
    assert world.daemon.quarantine.all() == [], "a person has taken its timer away, say"


def test_fault_of_the_home_makes_all_wait_a_little_and_is_no_threads_fault(world: World) -> None:
    threads = [world.thread() for _ in range(2)]
    for thread in threads:
        world.due(thread)
    world.runs.keeps_timer = True
    waits = []
    for _ in range(6):
        world.passes()
        for thread in world.runs.now().running:
            world.runs.end(thread, code=1, error="store_full")
        waits.append(world.passes())
        assert not world.runs.now().running
        world.clocks.until(60.0)
    assert waits == pytest.approx([5.0, 10.0, 20.0, LOOK_S, LOOK_S, LOOK_S])
    [aside] = world.daemon.quarantine.all()
    assert (aside.kind, aside.name, aside.why) == ("home", "store_full", "it said so")
    world.passes()
    assert sorted(world.runs.now().running) == sorted(threads), "a minute later it is tried again"
    world.runs.end(threads[0])
    world.passes()
    assert world.daemon.quarantine.all() == []


def test_timer_that_cannot_be_read_is_named_and_in_nobodys_way(world: World) -> None:
    odd, thread = world.thread(), world.thread()
    change(world.store, odd, lambda tags: {**tags, wake.WAKE_AT: "soon"})
    world.due(thread)
    world.passes()
    assert world.began == [thread]
    assert [(one.kind, one.name) for one in world.daemon.quarantine.all()] == [("timer", odd)]
    change(world.store, odd, wake.without)
    world.passes()
    assert world.daemon.quarantine.all() == []


def test_clock_that_goes_back_an_hour_runs_nothing_twice_and_keeps_what_was_set(
    world: World,
) -> None:
    one, two = world.thread(), world.thread()
    world.due(one, in_ms=5 * MINUTE_MS)
    world.passes()
    world.clocks.wall_ms -= 60 * MINUTE_MS
    world.due(two, in_ms=10_000)
    world.passes()
    world.clocks.until(10.0)
    world.passes()
    assert two in world.began
    assert world.began.count(one) <= 1


def test_a_simulated_day_has_each_run_once_and_at_its_time(world: World) -> None:
    """Ten threads that look again half an hour after each run, which takes a minute; the loop sleeps as it wishes."""
    threads = [world.thread() for _ in range(10)]
    for number, thread in enumerate(threads):
        world.due(thread, in_ms=number * 2 * MINUTE_MS)
    begin_ms, ends = world.clocks.wall_ms, dict[str, int]()
    expected, runs = dict.fromkeys(threads, 0), 0
    for number, thread in enumerate(threads):
        expected[thread] = begin_ms + number * 2 * MINUTE_MS
    while world.clocks.wall_ms < begin_ms + 24 * 60 * MINUTE_MS:
        wait_s = world.passes()
        for thread, at_ms in world.runs.began[runs:]:
            assert at_ms == expected[thread]
            ends[thread] = at_ms + MINUTE_MS
        runs = len(world.runs.began)
        next_end_s = min((at_ms - world.clocks.wall_ms for at_ms in ends.values()), default=1 << 40)
        world.clocks.until(min(wait_s, next_end_s / 1000))
        for thread in [each for each, at_ms in ends.items() if at_ms <= world.clocks.wall_ms]:
            expected[thread] = ends.pop(thread) + 30 * MINUTE_MS
            world.due(thread, in_ms=30 * MINUTE_MS)
            world.runs.end(thread)
    assert SUSPENDED not in {view.status for view in world.app.threads("all").threads}
    assert 10 * 46 <= runs <= 10 * 47
