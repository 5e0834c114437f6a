"""Reaching the process that runs a thread, and asking it to stop."""

from __future__ import annotations

import copy
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.guard.asking import Time
from uwf import clock
from uwf.agent.process import platform
from uwf.engine.actions import stop
from uwf.engine.chain.thread import runner
from uwf.errors import StateError
from uwf.store import leases as locks
from uwf.store.leases import STOP_WORD, MemoryLeases
from uwf.store.owner import Owner
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_in_memory, schema
from uwf.store.values import Lease

ID = clock.ulid(1_700_000_000_000)
PATIENCE_S = 10.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Its leases are those of the folder, which other processes see."""
    return open_in_memory(home=str(tmp_path))


@pytest.fixture
def holder(store: Store) -> Iterator[Callable[..., int]]:
    """Forks a process that holds the thread's lock and does not let go by itself."""
    pids: list[int] = []

    def start(on_term: Callable[..., object] | signal.Handlers = signal.SIG_DFL) -> int:
        told, says = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                signal.signal(signal.SIGTERM, on_term)
                assert store.leases.take(ID)
                os.write(says, b"x")
                time.sleep(60)
            finally:
                os._exit(0)
        os.close(says)
        assert os.read(told, 1) == b"x"
        os.close(told)
        pids.append(pid)
        return pid

    yield start
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def let_go_and_stay(signum: int, frame: object) -> None:
    """A run that ends its thread's step and then goes on with something else."""
    for (path, _), held in list(locks._held.items()):
        locks.FileLeases(path).release(held)


def test_nobody_runs_it(store: Store) -> None:
    assert stop.stop(store, ID, patience_s=PATIENCE_S) is None


def test_run_ends_at_sigterm(store: Store, holder: Callable[..., int]) -> None:
    pid = holder()
    assert stop.stop(store, ID, patience_s=PATIENCE_S) == Owner(pid)
    assert runner(store, ID) is None


def test_run_that_lets_go_is_not_killed(store: Store, holder: Callable[..., int]) -> None:
    pid = holder(let_go_and_stay)
    assert stop.stop(store, ID, patience_s=PATIENCE_S) == Owner(pid)
    assert os.waitpid(pid, os.WNOHANG) == (0, 0)


def test_run_that_does_not_listen_is_killed(store: Store, holder: Callable[..., int]) -> None:
    pid = holder(signal.SIG_IGN)
    assert stop.stop(store, ID, patience_s=0.05) == Owner(pid)
    assert runner(store, ID) is None


def test_thread_of_this_very_process_is_not_stopped(store: Store) -> None:
    held = store.leases.take(ID)
    assert held is not None
    with pytest.raises(StateError):
        stop.stop(store, ID, patience_s=PATIENCE_S)
    store.leases.release(held)


@pytest.mark.parametrize("pid", [0, 2**22 + 1])
def test_run_that_cannot_be_seen_is_not_said_to_be_stopped(
    store: Store, monkeypatch: pytest.MonkeyPatch, pid: int
) -> None:
    monkeypatch.setattr(stop, "runner", lambda store, thread: Owner(pid))
    with pytest.raises(StateError, match="cannot be seen from here") as caught:
        stop.stop(store, ID, patience_s=PATIENCE_S)
    assert caught.value.hint == f"uwf thread wait {ID}"


def test_run_of_another_user_is_told_at_once(
    store: Store, holder: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = holder()

    def refuse(*what: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(platform.signal, "pidfd_send_signal", refuse, raising=False)
        patch.setattr(os, "kill", refuse)
        with pytest.raises(StateError, match=f"process {pid} of another user"):
            stop.stop(store, ID, patience_s=0)
    assert runner(store, ID) == Owner(pid)


class Machines:
    """A store that two machines share, of which `here` is one; a run on the other holds the thread."""

    def __init__(self) -> None:
        self.here = MemoryLeases(60.0, Owner(os.getpid(), "", "here"))
        self.there = copy.copy(self.here)  # the same leases, as another process sees them
        self.there.owner = Owner(os.getpid(), "", "there")
        self.store = SqliteStore(schema.in_memory(), self.here)
        lease = self.there.take(ID)
        assert lease is not None
        self.lease: Lease = lease


@pytest.fixture
def machines() -> Iterator[Machines]:
    made = Machines()
    yield made
    made.store.close()


def test_a_run_on_another_machine_is_asked_and_waited_for(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Owner] = []

    def sleep(seconds: float) -> None:
        assert machines.there.asked(machines.lease) == STOP_WORD
        machines.there.release(machines.lease)

    monkeypatch.setattr(stop.time, "sleep", sleep)
    ran = stop.stop(machines.store, ID, patience_s=PATIENCE_S, on_wait=told.append)
    assert (ran, told) == (machines.there.owner, [machines.there.owner])


def test_a_machine_that_died_is_waited_for_until_its_hold_is_over(
    moved: Time, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    began_s = moved.s
    monkeypatch.setattr(stop.time, "sleep", moved.pass_s)
    assert stop.stop(machines.store, ID, patience_s=1.0) == machines.there.owner
    assert 60 <= moved.s - began_s < 62
    assert machines.store.leases.take(ID) is not None


def test_a_run_elsewhere_that_goes_on_is_an_error_that_names_it(
    moved: Time, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(seconds: float) -> None:
        moved.pass_s(seconds)
        machines.there.renew(machines.lease)

    monkeypatch.setattr(stop.time, "sleep", sleep)
    with pytest.raises(StateError, match=f"process {os.getpid()} on there was asked to stop"):
        stop.stop(machines.store, ID, patience_s=1.0)


def test_a_run_elsewhere_can_be_told_without_waiting(machines: Machines) -> None:
    stop.tell(machines.store, ID)
    assert machines.there.asked(machines.lease) == STOP_WORD


@pytest.fixture
def moved() -> Iterator[Time]:
    with Time().patched() as time_of_both:
        yield time_of_both
