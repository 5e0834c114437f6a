"""Places of threads, seats of people, and runs that have begun: who may have a slot beside what the pools say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.guard.asking import Time, end, good, host, refused, request
from tests.guard.capacity.test_slot_guard import Machine, full
from uwf.guard.capacity import queue
from uwf.guard.capacity.places import Places
from uwf.guard.capacity.slot_guard import Slots
from uwf.guard.capacity.slots import MACHINE, Full, Pool
from uwf.guard.contract import Release, Request
from uwf.store.sqlite import SqliteStore, open_in_memory

SHOP = Pool("threads/repo=shop", 2)


class Home:
    """Threads with labels, of which at most two of one repository are to be under way."""

    def __init__(self, folder: str) -> None:
        self.store = open_in_memory()
        self.under_way: dict[str, dict[str, str]] = {}
        rules = Slots.Rules(max_running=9, threads_per_label={"repo": 2})
        self.guard = Slots(
            host(
                self.store,
                rules,
                home=folder,
                labels_under_way=lambda thread: self.under_way.get(thread),
            )
        )

    def asked(self, thread: str, repo: str = "shop") -> Request:
        return request(thread=thread, labels={"repo": repo})

    def begin(self, thread: str, repo: str = "shop") -> Release:
        """Its step begins: it runs."""
        self.under_way[thread] = {"repo": repo}
        try:
            return self.guard.enter(self.asked(thread, repo))
        except Exception:
            del self.under_way[thread]
            raise

    def step(self, thread: str, repo: str = "shop") -> None:
        """It makes a step, and stands between two of them."""
        release = self.begin(thread, repo)
        end(self.guard, good(), self.store, self.asked(thread, repo))
        release()

    def holders(self) -> list[str]:
        return Places(self.store, lambda thread: self.under_way.get(thread)).holders(SHOP)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(str(tmp_path))


def test_a_thread_keeps_its_place_between_its_steps(home: Home) -> None:
    home.step("T1")
    home.step("T2")
    refusal = refused(lambda: home.begin("T3"))
    assert (refusal.reason, refusal.message) == (
        "server_overloaded",
        "2 threads with label repo=shop began before, as many as limits.threads_per_label.repo allows",
    )
    home.step("T1")
    home.step("T3", repo="other")
    assert home.holders() == ["T1", "T2"]


def test_who_completes_suspends_or_is_cancelled_has_none_any_more(home: Home) -> None:
    home.step("T1")
    home.step("T2")
    del home.under_way["T1"]
    home.step("T3")
    assert home.holders() == ["T2", "T3"]
    refused(lambda: home.begin("T1"))


def test_who_has_another_label_now_has_none_any_more(home: Home) -> None:
    home.step("T1")
    home.step("T2")
    home.under_way["T1"] = {"repo": "other"}
    home.step("T3")
    assert home.holders() == ["T2", "T3"]


def test_who_made_no_step_gives_it_back(home: Home) -> None:
    release = home.begin("T1")
    assert home.holders() == ["T1"]
    release()
    release()
    assert home.store.counters("place/") == []
    home.step("T1")
    home.begin("T1")()
    assert home.holders() == ["T1"]


def test_places_that_are_taken_are_shown(home: Home) -> None:
    home.step("T1")
    status = home.guard.status()
    assert status is not None
    assert {"pool": "threads/repo=shop", "taken": 1, "limit": 2} in status.facts["slots"]


class Machines:
    """Two machines, each with a home, that share a store; at most one of agent `pi` is to run."""

    def __init__(self, folder: Path) -> None:
        self.store = open_in_memory()
        self.guards = [
            Slots(
                host(
                    self.store,
                    Slots.Rules(max_running=9),
                    home=f"{folder}/{name}",
                    agent_limits={"pi": 1},
                )
            )
            for name in ("here", "there")
        ]

    def begin(self, machine: int, thread: str) -> Release:
        """A step of a thread that runs on a machine."""
        self.store.leases.take(thread)
        return self.guards[machine].enter(request(thread=thread, agent="pi"))

    def kill(self, thread: str) -> None:
        """As if the machine had died that runs it, and its lease were over."""
        lease = self.store.leases._held[thread]  # type: ignore[attr-defined]
        self.store.leases.release(lease)


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    monkeypatch.setattr(SqliteStore, "is_shared", True)
    return Machines(tmp_path)


def test_a_limit_of_an_agent_holds_for_all_machines_together(machines: Machines) -> None:
    release = machines.begin(0, "T1")
    refusal = refused(lambda: machines.begin(1, "T2"))
    assert "the only slot of agent pi on all machines is taken" in refusal.message
    release()
    machines.begin(1, "T2")()
    assert machines.store.counters("place/") == []


def test_a_machine_that_died_keeps_nobody_waiting(machines: Machines) -> None:
    machines.begin(0, "T1")
    machines.kill("T1")
    machines.begin(1, "T2")


def test_the_thread_of_a_run_that_was_killed_is_not_in_its_own_way(machines: Machines) -> None:
    machines.begin(0, "T1")
    machines.kill("T1")
    machines.begin(1, "T1")()


def test_of_two_machines_that_take_the_last_place_at_once_one_has_it(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool("shared/agent/pi", 1)
    places = [Places(machines.store, lambda _thread: None) for _ in range(2)]
    for thread in ("T1", "T2"):
        machines.store.leases.take(thread)
    monkeypatch.setattr(places[1], "_noted", lambda _pool: [])  # it has looked before
    places[0].take([pool], "T1")
    with pytest.raises(Full):
        places[1].take([pool], "T2")
    assert places[0].holders(pool) == ["T1"]


def test_a_limit_of_all_machines_is_shown(machines: Machines) -> None:
    machines.begin(0, "T1")
    status = machines.guards[1].status()
    assert status is not None
    assert {"pool": "shared/agent/pi", "taken": 1, "limit": 1} in status.facts["slots"]


def test_who_waits_for_a_place_waits_in_the_queue(tmp_path: Path, time: Time) -> None:
    machine = Machine(str(tmp_path), time, max_running=9, threads_per_label={"repo": 1})
    under_way = {"T1": {"repo": "shop"}}
    plain = machine.guard

    def guard(pid: int) -> Slots:
        made = plain(pid)
        made._places = Places(machine.store, lambda thread: under_way.get(thread))
        return made

    machine.guard = guard  # type: ignore[method-assign]
    machine.enter(1, labels={"repo": "shop"})
    seen: list[list[str]] = []

    def ends(sleep: int) -> None:
        seen.append(machine.waiting())
        if sleep == 5:
            del under_way["T1"]

    machine.enter(2, ends, wait_s=60.0, labels={"repo": "shop"})()
    assert (len(machine.sleeps), seen[0]) == (5, ["T2"])


@pytest.fixture
def machine(tmp_path: Path, time: Time) -> Machine:
    return Machine(str(tmp_path), time)


def test_a_person_has_seats_beyond_what_may_run(machine: Machine) -> None:
    full(machine)
    refused(lambda: machine.enter(1))
    machine.enter(2, interactive=True)
    machine.enter(3, interactive=True)
    message = refused(lambda: machine.enter(4, interactive=True)).message
    assert message == "all 4 slots of this machine are taken"
    assert machine.taken() == 4


def test_background_work_has_none_of_them(machine: Machine) -> None:
    holders = full(machine)
    sitting = machine.enter(2, interactive=True)
    holders[0]()
    refused(lambda: machine.enter(3))
    sitting()
    machine.enter(3)()


def test_nor_do_those_that_wait_keep_a_person_from_a_seat(machine: Machine) -> None:
    full(machine)
    for pid in (11, 12, 13):
        machine.wait(pid, since_s=machine.time.s - 3600)
    machine.enter(1, interactive=True)()
    assert machine.sleeps == []


def test_a_run_that_has_begun_waits_without_being_told_to(machine: Machine) -> None:
    holders = full(machine)
    machine.enter(1, lambda sleep: holders[0]() if sleep == 10 else None, begun=True)()
    assert len(machine.sleeps) == 10


def test_longer_than_its_wait_if_it_must(machine: Machine) -> None:
    holders = full(machine)
    later = 200
    machine.enter(
        1, lambda sleep: holders[0]() if sleep == later else None, begun=True, wait_s=1.0
    )()
    assert len(machine.sleeps) == later > 1.0 / 0.025


@pytest.mark.parametrize("overflow", queue.OVERFLOW)
def test_no_full_queue_ends_it(tmp_path: Path, time: Time, overflow: str) -> None:
    machine = Machine(str(tmp_path), time, max_queue=1, overflow=overflow)
    holders = full(machine)
    machine.wait(11, since_s=machine.time.s + 3600)
    seen: list[Any] = []

    def goes(sleep: int) -> None:
        seen.append(machine.waiting())
        if overflow == queue.DROP_OLDEST and sleep == 5:
            refused(lambda: machine.enter(12, wait_s=0.05))
        if sleep == 10:
            holders[0]()

    machine.enter(1, goes, begun=True)()
    assert "T1" in seen[0] and "T1" in seen[8]


def test_an_entry_is_written_as_ever_where_nothing_is_to_tell(machine: Machine) -> None:
    entry = machine.wait(11)
    ((_, value),) = machine.store.counters(queue.PREFIX)
    assert not {"begun", "interactive"} & value.keys()
    assert queue.find(machine.store, "T11") == entry
    machine.wait(12, begun=True, interactive=True)
    begun = queue.find(machine.store, "T12")
    assert begun is not None
    assert (begun.begun, begun.interactive, begun.pools) == (True, True, (Pool(MACHINE, 2),))
