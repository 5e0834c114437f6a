"""A step and its slots: at once or in turn, and nothing kept when it comes to nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import time_ns
from typing import Any
from unittest import mock

import pytest

from tests.guard.asking import Processes, Time, host, refused, request
from uwf.errors import Interrupted, StoreBusy
from uwf.guard.capacity import queue, slots
from uwf.guard.capacity.queue import QueueEntry
from uwf.guard.capacity.slot_guard import Slots
from uwf.guard.capacity.slots import MACHINE, Pool
from uwf.guard.capacity.waiter import CLOSE_LOOK_S, LONGEST_POLL_S, POLL_S
from uwf.guard.contract import Release, Request, refuse
from uwf.record import replace
from uwf.store.owner import Owner
from uwf.store.sqlite import open_in_memory


class Machine:
    """A home with its queue and slots, processes that ask, and what happens while they sleep."""

    def __init__(
        self, home: str, time: Time, *, per_agent: dict[str, int] | None = None, **limits: Any
    ) -> None:
        self.home, self.time = home, time
        self.folder = f"{home}/slots"
        self.store = open_in_memory()
        self.processes = Processes()
        self.rules = Slots.Rules(**{"max_running": 2, **limits})
        self.per_agent = per_agent or {}
        self.overloaded: Callable[[Request, int], bool] = lambda _request, _starting: False
        self.sleeps: list[float] = []
        self.orphaned: dict[str, Release] = {}
        self.asked_to_clear: list[str] = []

    def clear(self, thread: str) -> bool:
        self.asked_to_clear.append(thread)
        held = self.orphaned.pop(thread, None)
        if held is not None:
            held()
        return held is not None

    def check(self, request: Request, starting: int) -> None:
        if self.overloaded(request, starting):
            raise refuse("server_overloaded", f"no memory for {request.agent}")

    def guard(self, pid: int) -> Slots:
        """The guard in process `pid`."""
        return Slots(
            host(
                self.store,
                self.rules,
                home=self.home,
                pid=pid,
                is_alive=self.processes.is_alive,
                agent_limits=self.per_agent,
                clear=self.clear,
            )
        )

    def enter(
        self, pid: int, meanwhile: Callable[[int], None] = lambda _: None, **fields: Any
    ) -> Release:
        """`meanwhile(n)` happens during its n-th sleep."""

        def sleep(seconds: float) -> None:
            self.sleeps.append(seconds)
            self.time.pass_s(seconds)
            meanwhile(len(self.sleeps))

        check = lambda _, request, starting: self.check(request, starting)  # noqa: E731
        with mock.patch("uwf.guard.capacity.resources.Resources.check", check):
            return self.guard(pid).enter(request(thread=f"T{pid}", **fields, sleep=sleep))

    def pools(self, **labels: str) -> tuple[Pool, ...]:
        return self.guard(1).pools(request(labels=labels))

    def wait(self, pid: int, **fields: Any) -> QueueEntry:
        """Another process waits in the queue, for a second by now, and stays there."""
        one = queue.QueueEntry(
            thread=f"T{pid}",
            agent="mine",
            pools=self.pools(),
            priority=0,
            person=False,
            since_s=self.time.s - 1,
            owner=Owner(pid, f"start {pid}"),
        )
        with self.store.transaction("test") as tx:
            queue.put(tx, replace(one, **fields))
        return one

    def waiting(self) -> list[str]:
        found = queue.in_order(queue.entries(self.store), self.time.s)
        return [one.thread for one in found]

    def taken(self, name: str = MACHINE) -> int:
        return slots.count(self.folder, Pool(name, 1))


@pytest.fixture
def machine(tmp_path: Path, time: Time) -> Machine:
    return Machine(str(tmp_path), time)


def full(machine: Machine) -> list[Release]:
    return [machine.enter(pid) for pid in (91, 92)]


def test_a_place_is_taken_at_once_and_given_back(machine: Machine) -> None:
    held = machine.enter(1)
    assert len(held.descriptors) == machine.taken() == 1
    held()
    assert (machine.taken(), machine.waiting(), machine.sleeps) == (0, [], [])


def test_without_waiting_a_full_machine_refuses_and_says_how_to_wait(machine: Machine) -> None:
    holders = full(machine)
    refusal = refused(lambda: machine.enter(1))
    assert (refusal.reason, refusal.message, refusal.hint) == (
        "server_overloaded",
        "all 2 slots of this machine are taken",
        "uwf thread exec T1 --wait 600",
    )
    assert machine.store.counters("") == []
    for held in holders:
        held()
    machine.enter(1)()


def test_a_place_that_a_dead_uwf_has_left_taken_is_cleared_first(machine: Machine) -> None:
    _, orphan = full(machine)
    refused(lambda: machine.enter(1))
    assert sorted(machine.asked_to_clear) == ["T91", "T92"]  # where nobody is dead
    machine.orphaned["T92"] = orphan
    machine.enter(1)()
    assert machine.sleeps == []


def test_who_waits_looks_for_what_the_dead_have_left_now_and_then(machine: Machine) -> None:
    _, orphan = full(machine)

    def dies(sleep: int) -> None:
        if sleep == 100:
            machine.orphaned["T92"] = orphan

    machine.enter(1, wait_s=600, meanwhile=dies)()
    assert 100 <= len(machine.sleeps) <= 100 + CLOSE_LOOK_S / POLL_S + 1
    assert len(machine.asked_to_clear) <= 2 * (len(machine.sleeps) * POLL_S / CLOSE_LOOK_S + 2)


def test_smaller_pools_are_taken_too_and_named(tmp_path: Path, time: Time) -> None:
    machine = Machine(
        str(tmp_path),
        time,
        max_running=9,
        per_agent={"mine": 2},
        per_workflow={"flow": 3},
        per_label={"repo": 1},
    )
    held = machine.enter(1, labels={"repo": "shop", "unlimited": "x"})
    assert len(held.descriptors) == 4
    refusal = refused(lambda: machine.enter(2, labels={"repo": "shop"}))
    assert refusal.message == "the only slot of label repo=shop is taken"
    machine.enter(3, labels={"repo": "bar"})
    assert refused(lambda: machine.enter(4)).message == "all 2 slots of agent mine are taken"
    machine.enter(5, agent="other")
    assert (
        refused(lambda: machine.enter(6, agent="other")).message
        == "all 3 slots of workflow flow are taken"
    )
    assert (machine.taken(), machine.taken("workflow/flow")) == (3, 3)


def test_who_waits_gets_the_place_that_becomes_free(machine: Machine) -> None:
    holders = full(machine)
    held = machine.enter(1, lambda sleep: holders[0]() if sleep == 10 else None, wait_s=60.0)
    assert len(machine.sleeps) == 10
    assert set(machine.sleeps) == {POLL_S}
    assert (machine.taken(), machine.waiting()) == (2, [])
    held()


def test_waiting_ends_in_the_refusal_when_its_time_is_over(machine: Machine) -> None:
    full(machine)
    refusal = refused(lambda: machine.enter(1, wait_s=1.01))
    assert (refusal.reason, refusal.hint) == ("server_overloaded", "uwf queue list")
    assert sum(machine.sleeps) == pytest.approx(1.01)
    assert (machine.taken(), machine.waiting()) == (2, [])


@pytest.mark.parametrize(
    "error", [Interrupted("stopped", signum=15), KeyboardInterrupt(), OSError(5, "odd")]
)
def test_what_ends_the_waiting_leaves_nothing_behind(
    machine: Machine, error: BaseException
) -> None:
    full(machine)

    def stop(sleep: int) -> None:
        assert machine.waiting() == ["T1"]
        if sleep == 3:
            raise error

    with pytest.raises(type(error)):
        machine.enter(1, stop, wait_s=60.0)
    assert (machine.taken(), machine.waiting()) == (2, [])


def test_who_does_not_wait_passes_nobody_who_does(machine: Machine) -> None:
    machine.enter(91)
    machine.wait(5)
    refusal = refused(lambda: machine.enter(1))
    assert (refusal.reason, refusal.message) == (
        "server_overloaded",
        "others wait for a slot and go before thread T1",
    )
    machine.enter(2, person=True)()  # but a person passes all that are none
    machine.processes.dead.add((5, "start 5"))
    machine.enter(1)()


def test_who_waits_for_a_smaller_pool_lets_others_pass(tmp_path: Path, time: Time) -> None:
    machine = Machine(str(tmp_path), time, max_running=9, per_label={"repo": 1})
    machine.enter(91, labels={"repo": "shop"})
    machine.wait(5, pools=machine.pools(repo="shop"))
    machine.enter(1)()
    machine.enter(2, labels={"repo": "bar"})()
    assert refused(lambda: machine.enter(3, labels={"repo": "shop"})).reason == "server_overloaded"


def test_line_has_room_for_so_many(machine: Machine) -> None:
    full(machine)
    for pid in range(10, 30):
        machine.wait(pid)
    before = machine.store.counters("")
    refusal = refused(lambda: machine.enter(1, wait_s=60.0))
    assert (refusal.reason, refusal.hint) == ("queue_full", "uwf queue list")
    assert refusal.message.startswith("the queue has 20 threads already")
    assert machine.store.counters("") == before
    machine.processes.dead.add((10, "start 10"))  # the dead are not counted, and removed
    assert refused(lambda: machine.enter(1, wait_s=1.0)).reason == "server_overloaded"
    assert "T10" not in machine.waiting()


@pytest.fixture
def dropping(tmp_path: Path, time: Time) -> Machine:
    machine = Machine(str(tmp_path), time, overflow=queue.DROP_OLDEST, max_queue=3, max_running=2)
    full(machine)
    return machine


def test_newcomer_takes_the_place_of_the_oldest_in_a_full_line(dropping: Machine) -> None:
    machine = dropping
    machine.wait(10, person=True, since_s=1.0)
    machine.wait(11, since_s=3.0)
    machine.wait(12, since_s=2.0)
    seen: list[list[str]] = []
    refused(lambda: machine.enter(1, lambda _: seen.append(machine.waiting()), wait_s=0.1))
    assert seen[0] == ["T10", "T11", "T1"]


def test_a_person_is_dropped_for_a_person_only(dropping: Machine) -> None:
    machine = dropping
    for pid in (10, 11, 12):
        machine.wait(pid, person=True, since_s=float(pid))
    assert refused(lambda: machine.enter(1, wait_s=9.0)).reason == "queue_full"
    assert refused(lambda: machine.enter(2, person=True, wait_s=1.0)).reason != "queue_full"
    assert machine.waiting() == ["T11", "T12"]


def test_line_that_became_shorter_by_config_drops_as_many_as_are_too_many(
    dropping: Machine,
) -> None:
    machine = dropping
    for pid in range(10, 20):
        machine.wait(pid, since_s=float(pid))
    refused(lambda: machine.enter(1, wait_s=0.1))
    assert machine.waiting() == ["T18", "T19"]


@pytest.mark.parametrize("overflow", [queue.REFUSE, queue.DROP_OLDEST])
def test_no_line_at_all_is_a_choice(tmp_path: Path, time: Time, overflow: str) -> None:
    machine = Machine(str(tmp_path), time, max_queue=0, overflow=overflow)
    full(machine)
    assert refused(lambda: machine.enter(1, wait_s=60.0)).reason == "queue_full"


def test_who_is_dropped_is_told_so_and_takes_nothing(machine: Machine) -> None:
    holders = full(machine)

    def drop(sleep: int) -> None:
        with machine.store.transaction("test") as tx:
            queue.remove(tx, "T1")
        holders[0]()

    refusal = refused(lambda: machine.enter(1, drop, wait_s=60.0))
    assert (refusal.reason, refusal.message) == (
        "dropped",
        "thread T1 was dropped from the queue",
    )
    assert machine.taken() == 1


def test_who_finds_another_process_in_his_place_is_dropped(machine: Machine) -> None:
    holders = full(machine)

    def join(sleep: int) -> None:
        machine.wait(7, thread="T1")
        holders[0]()

    refusal = refused(lambda: machine.enter(1, join, wait_s=60.0))
    assert (refusal.reason, refusal.message) == (
        "dropped",
        "thread T1 was dropped from the queue",
    )
    assert machine.waiting() == ["T1"]  # which it has not lost by that


def test_machine_that_cannot_bear_it_refuses_or_is_waited_for(machine: Machine) -> None:
    machine.overloaded = lambda _request, _starting: True
    assert refused(lambda: machine.enter(1)).message == "no memory for mine"
    assert machine.taken() == 0

    def recover(sleep: int) -> None:
        machine.overloaded = lambda _request, _starting: sleep < 5

    machine.enter(1, recover, wait_s=60.0)()
    assert len(machine.sleeps) == 5


def test_whom_the_machine_cannot_bear_keeps_no_smaller_agent_waiting(machine: Machine) -> None:
    machine.overloaded = lambda request, _starting: request.agent == "huge"
    machine.wait(5, agent="huge")
    machine.enter(1)()
    machine.overloaded = lambda request, _starting: request.agent == "huge" and not request.person
    machine.wait(5, agent="huge", person=True)
    machine.wait(6, agent="huge", person=True)
    assert refused(lambda: machine.enter(1)).reason == "server_overloaded"


def test_agents_that_began_a_moment_ago_are_told_to_the_machine(machine: Machine) -> None:
    machine.time.ms = time_ns() // 1_000_000 + 1000  # files have the time of the real clock
    asked: list[int] = []
    machine.overloaded = lambda _request, starting: bool(asked.append(starting))
    held = [machine.enter(1), machine.enter(2)]
    assert asked == [0, 1]  # once each
    for one in held:
        one()


def test_waiter_that_was_stopped_keeps_others_waiting_for_two_seconds(machine: Machine) -> None:
    machine.enter(91)
    machine.wait(5)  # alive, but it never takes its place
    began_s = machine.time.s
    machine.enter(1, wait_s=60.0)()
    assert 2.0 <= machine.time.s - began_s < 2.1
    assert machine.waiting() == ["T5"]


def test_waiter_that_cannot_go_is_not_taken_for_stopped(machine: Machine) -> None:
    holders = full(machine)
    machine.wait(5)
    took_s: list[float] = []

    def free_after_a_while(sleep: int) -> None:
        if machine.time.s > 1030 and not took_s:
            holders[0]()
            took_s.append(machine.time.s)

    machine.enter(1, free_after_a_while, wait_s=60.0)
    assert machine.time.s - took_s[0] >= 2.0


def test_waiter_that_could_go_once_is_given_the_time_again(machine: Machine) -> None:
    machine.enter(91)
    machine.wait(5)
    others: list[Release] = []
    freed_s: list[float] = []

    def take_and_free(sleep: int) -> None:
        if machine.time.s > 1001 and not others:  # a second, in which the other did not go
            others.append(machine.enter(92, person=True))
        if machine.time.s > 1010 and not freed_s:
            others[0]()
            freed_s.append(machine.time.s)

    machine.enter(1, take_and_free, wait_s=60.0)
    assert machine.time.s - freed_s[0] >= 2.0


def test_waiter_whom_the_machine_cannot_bear_is_not_taken_for_stopped(machine: Machine) -> None:
    machine.enter(91)
    machine.overloaded = lambda _request, _starting: True
    machine.wait(5)
    recovered_s: list[float] = []

    def recover(sleep: int) -> None:
        if machine.time.s > 1030 and not recovered_s:
            machine.overloaded = lambda _request, _starting: False
            recovered_s.append(machine.time.s)

    machine.enter(1, recover, wait_s=60.0)
    assert machine.time.s - recovered_s[0] >= 2.0


def test_those_further_back_look_more_rarely(machine: Machine) -> None:
    full(machine)
    for pid in range(10, 16):
        machine.wait(pid)
    refused(lambda: machine.enter(1, wait_s=10.0))
    assert machine.sleeps[0] == 4 * POLL_S  # with two places it is in the fourth row
    machine.sleeps.clear()

    def serve(sleep: int) -> None:
        with machine.store.transaction("test") as tx:
            queue.remove(tx, f"T{9 + sleep}")

    refused(lambda: machine.enter(1, serve, wait_s=1.0))
    assert machine.sleeps[:7] == [POLL_S * factor for factor in (4, 3, 3, 2, 2, 1, 1)]


def test_who_is_far_back_takes_the_place_of_the_dead_within_seconds(machine: Machine) -> None:
    holders = full(machine)
    for pid in range(10, 30):
        machine.wait(pid)
    freed_s: list[float] = []

    def kill_them_all(sleep: int) -> None:
        if sleep == 5:
            machine.processes.dead |= {(pid, f"start {pid}") for pid in range(10, 30)}
            holders[0]()
            freed_s.append(machine.time.s)

    machine.rules = replace(machine.rules, max_queue=50)
    machine.enter(1, kill_them_all, wait_s=60.0)
    assert machine.time.s - freed_s[0] <= CLOSE_LOOK_S + LONGEST_POLL_S
    assert machine.waiting() == []


def test_who_is_far_back_behind_those_who_want_something_else_goes_within_seconds(
    tmp_path: Path, time: Time
) -> None:
    machine = Machine(str(tmp_path), time, max_running=2, per_label={"repo": 1})
    holders = [machine.enter(91, labels={"repo": "shop"}), machine.enter(92)]
    for pid in range(10, 20):
        machine.wait(pid, pools=machine.pools(repo="shop"))
    freed_s: list[float] = []

    def free(sleep: int) -> None:
        if sleep == 5:
            holders[1]()
            freed_s.append(machine.time.s)

    machine.enter(1, free, wait_s=60.0)
    assert machine.time.s - freed_s[0] <= CLOSE_LOOK_S + LONGEST_POLL_S


@pytest.mark.parametrize("when", ["at once", "in the queue"])
def test_guard_that_breaks_keeps_nothing(machine: Machine, when: str) -> None:
    if when == "in the queue":
        holders = full(machine)

    def break_down(sleep: int) -> None:
        holders[0]()

    def fail(_request: Request, _starting: int) -> bool:
        raise ZeroDivisionError

    machine.overloaded = fail
    wait_s = 60.0 if when == "in the queue" else 0.0
    with pytest.raises(ZeroDivisionError):
        machine.enter(1, break_down, wait_s=wait_s)
    assert machine.taken() == (1 if when == "in the queue" else 0)
    assert machine.waiting() == []


def test_store_that_is_too_busy_to_join_the_queue_refuses(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(machine)

    def busy(name: str, **how: Any) -> None:
        raise StoreBusy("the store is in use")

    monkeypatch.setattr(machine.store, "transaction", busy)
    refusal = refused(lambda: machine.enter(1, wait_s=60.0))
    assert (refusal.reason, refusal.message) == ("server_overloaded", "the store is in use")
    assert (machine.taken(), machine.waiting()) == (2, [])


def test_fault_while_leaving_the_line_keeps_no_slots(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    holders = full(machine)

    def break_down(sleep: int) -> None:
        holders[0]()
        monkeypatch.setattr(machine.store, "transaction", busy)

    def busy(name: str | None = None, *, durable: bool = True) -> None:
        raise StoreBusy("the store is in use")

    with pytest.raises(StoreBusy):
        machine.enter(1, break_down, wait_s=60.0)
    assert machine.taken() == 1


def test_fault_while_leaving_the_line_does_not_hide_why(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(machine)

    def stop(sleep: int) -> None:
        monkeypatch.setattr(machine.store, "transaction", busy)
        raise Interrupted("stopped", signum=15)

    def busy(name: str | None = None, *, durable: bool = True) -> None:
        raise StoreBusy("the store is in use")

    with pytest.raises(Interrupted) as caught:
        machine.enter(1, stop, wait_s=60.0)
    assert caught.value.__notes__ == [
        "and thread T1 could not leave the queue: the store is in use"
    ]


def test_table_that_somebody_keeps_is_waited_for(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "PATIENCE_S", 0.0)
    table = slots.taking(machine.folder)
    table.__enter__()
    assert refused(lambda: machine.enter(1)).reason == "server_overloaded"

    def let_go(sleep: int) -> None:
        if sleep == 3:
            table.__exit__(None, None, None)

    machine.enter(1, let_go, wait_s=60.0)()
    assert len(machine.sleeps) == 3


def test_releases_of_two_steps_are_two(machine: Machine) -> None:
    guard = machine.guard(1)
    first = guard.enter(request(thread="T1", person=True))
    second = guard.enter(request(thread="T2", person=True))
    first()
    first()
    assert machine.taken() == 1
    second()
    assert machine.taken() == 0


def test_wall_clock_that_jumps_changes_nothing_in_the_line(machine: Machine) -> None:
    machine.enter(91)
    machine.wait(5)
    for seconds in (-86_400, 10 * 86_400):
        machine.time.jump_s(seconds)
        assert refused(lambda: machine.enter(1)).reason == "server_overloaded"
        assert refused(lambda: machine.enter(1, wait_s=1.0)).reason == "server_overloaded"
