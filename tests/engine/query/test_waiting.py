"""Waiting for threads: until nobody runs them, until a status, for all at once or some at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from unittest import mock

import pytest

from tests.guard.asking import Time
from tests.helpers.fake_agent import suspend
from tests.helpers.rig import APPROVED, WROTE, Rig
from uwf.engine.query import waiting
from uwf.errors import InputError

World = Callable[[float, Callable[[], object]], None]
"""Does something once so many seconds have passed."""


@pytest.fixture
def run_by(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The threads that a process runs, as far as the waiting can see."""
    pids: dict[str, int] = {}
    monkeypatch.setattr(waiting, "runner", lambda store, id: pids.get(id))
    return pids


@pytest.fixture
def time() -> Iterator[Time]:
    with Time().patched() as moved:
        yield moved


@pytest.fixture
def world(time: Time) -> Iterator[World]:
    """What happens meanwhile: nobody sleeps, but the time goes on."""
    plans: list[tuple[float, Callable[[], object]]] = []
    began_s = time.s

    def sleep(seconds: float) -> None:
        time.pass_s(seconds)
        assert time.s - began_s < 3600, "it waits for ever"
        for plan in [plan for plan in plans if plan[0] <= time.s - began_s]:
            plans.remove(plan)
            plan[1]()

    with mock.patch("time.sleep", sleep):
        yield lambda after_s, act: plans.append((after_s, act))


def test_threads_come_as_soon_as_nobody_runs_them(
    rig: Rig, run_by: dict[str, int], world: World
) -> None:
    slow, quick, idle = (rig.start() for _ in range(3))
    run_by.update({slow: 1, quick: 1})
    world(30, lambda: run_by.pop(slow))
    world(10, lambda: run_by.pop(quick))
    found = list(waiting.wait(rig.store, [slow, quick, idle]))
    assert found == [(idle, True), (quick, True), (slow, True)]


def test_some_at_a_time_are_waited_for_in_their_order(
    rig: Rig, run_by: dict[str, int], world: World
) -> None:
    slow, quick = rig.start(), rig.start()
    run_by.update({slow: 1, quick: 1})
    world(30, lambda: run_by.pop(slow))
    world(10, lambda: run_by.pop(quick))
    assert [id for id, _ in waiting.wait(rig.store, [slow, quick], at_once=1)] == [slow, quick]


def test_what_is_not_there_in_time_comes_last(
    rig: Rig, run_by: dict[str, int], world: World, time: Time
) -> None:
    slow, quick = rig.start(), rig.start()
    run_by.update({slow: 1, quick: 1})
    world(1, lambda: run_by.pop(quick))
    began_s = time.s
    found = list(waiting.wait(rig.store, [slow, quick], timeout_s=5.0))
    assert found == [(quick, True), (slow, False)]
    assert 5.0 <= time.s - began_s < 5.6


def test_status_is_waited_for_whoever_brings_it_about(
    rig: Rig, run_by: dict[str, int], world: World
) -> None:
    id = rig.start()
    run_by[id] = 1
    world(10, lambda: (rig.exec(id, WROTE), run_by.pop(id)))
    world(200, lambda: run_by.update({id: 2}))
    world(300, lambda: (rig.exec(id, suspend("Which?")), run_by.pop(id)))
    assert list(waiting.wait(rig.store, [id], until=["suspended"])) == [(id, True)]
    assert rig.state(id)["status"] == "suspended"


def test_run_that_begins_can_be_waited_for(rig: Rig, run_by: dict[str, int], world: World) -> None:
    id = rig.start()
    world(10, lambda: run_by.update({id: 1}))
    assert list(waiting.wait(rig.store, [id], until=["running"])) == [(id, True)]
    assert id in run_by


def test_thread_that_has_ended_otherwise_is_not_waited_for(rig: Rig, world: World) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    assert list(waiting.wait(rig.store, [id], until=["suspended"])) == [(id, True)]


def test_status_that_there_is_none_of_is_refused(rig: Rig) -> None:
    with pytest.raises(InputError, match="no status 'done'"):
        list(waiting.wait(rig.store, [rig.start()], until=["done"]))


def test_one_that_is_about_to_be_run_is_waited_for(
    rig: Rig, run_by: dict[str, int], world: World, time: Time
) -> None:
    id, other = rig.start(), rig.start()
    due = {id}
    began_s = time.s

    def begin() -> None:
        run_by[id] = 1
        due.remove(id)

    world(5, begin)
    world(20, lambda: run_by.pop(id))
    found = list(waiting.wait(rig.store, [id, other], is_taken_up=due.__contains__))
    assert found == [(other, True), (id, True)]
    assert time.s - began_s >= 20


def test_a_run_that_begins_while_one_looks_is_not_missed(
    rig: Rig, run_by: dict[str, int], world: World
) -> None:
    id = rig.start()

    def is_taken_up(id: str) -> bool:
        """Not any more: its run has begun, and taken the timer away, since it was asked who runs it."""
        run_by[id] = 1
        world(9, run_by.clear)
        return False

    looks = iter([is_taken_up])
    found = waiting.wait(
        rig.store, [id], is_taken_up=lambda id: next(looks, lambda id: False)(id), timeout_s=5
    )
    assert list(found) == [(id, False)]
