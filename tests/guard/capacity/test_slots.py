"""Slots: counted right whoever looks, gives up or is killed, and never more than there are."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
from collections import Counter
from pathlib import Path
from time import sleep

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.guard.asking import take
from uwf.errors import StoreBusy, StoreError
from uwf.guard.capacity import slots
from uwf.guard.capacity.slots import MACHINE, Full, Held, Pool

NAMES = (MACHINE, "agent/sh -c 'a/b'", "label/repo=\udce9\n")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "home" / "slots")


def files(folder: str) -> list[Path]:
    """The files of slots."""
    return sorted(path for path in Path(folder).rglob("*") if path.parent != Path(folder))


class Slots(RuleBasedStateMachine):
    """A model that counts: whoever has slots has one of each of his pools."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.mkdtemp()
        self.limits = {name: 2 for name in NAMES}
        self.held: list[tuple[Held, tuple[str, ...]]] = []
        self.descriptors = len(os.listdir("/dev/fd"))

    def teardown(self) -> None:
        for held, _ in self.held:
            held.release()
        assert len(os.listdir("/dev/fd")) == self.descriptors
        shutil.rmtree(self.folder)

    def taken(self) -> Counter[str]:
        return Counter(name for _, names in self.held for name in names)

    @rule(names=st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    def take(self, names: list[str]) -> None:
        pools = [Pool(name, self.limits[name]) for name in names]
        full = [pool for pool in pools if self.taken()[pool.name] >= pool.limit]
        assert slots.first_full(self.folder, pools) == (full[0] if full else None)
        try:
            held = take(self.folder, pools, "T1", 100)
        except Full as error:
            assert error.pool == full[0]
        else:
            assert not full
            assert len(held.descriptors) == len(names)
            self.held.append((held, tuple(names)))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.held))
        held[0].release()
        held[0].release()
        self.held.remove(held)

    @rule(name=st.sampled_from(NAMES), limit=st.integers(0, 4))
    def change_limit(self, name: str, limit: int) -> None:
        self.limits[name] = limit

    @invariant()
    def all_that_are_held_count(self) -> None:
        for name in NAMES:
            assert slots.count(self.folder, Pool(name, self.limits[name])) == self.taken()[name]


Slots.TestCase.settings = settings(max_examples=30, stateful_step_count=30)
TestSlots = Slots.TestCase


def test_slots_are_not_inherited_by_accident(folder: str) -> None:
    held = take(folder, [Pool(MACHINE, 1)], "T1", 100)
    assert not any(map(os.get_inheritable, held.descriptors))
    held.release()


def test_holders_of_slots_can_be_read_by_people(folder: str) -> None:
    for thread, pid in (("T1-with-a-long-name", 100), ("T2", 200)):
        held = take(folder, [Pool(MACHINE, 1)], thread, pid)
        (file,) = files(folder)
        assert file.read_text() == f"machine {thread} {pid}\n"
        assert slots.holders(folder, Pool(MACHINE, 1)) == [thread]
        held.release()


def test_looking_makes_nothing(folder: str) -> None:
    assert slots.count(folder, Pool(MACHINE, 1)) == 0
    assert slots.first_full(folder, [Pool(MACHINE, 1)]) is None
    assert not os.path.exists(folder)


def test_somebody_who_looks_at_the_only_slot_is_waited_for(folder: str) -> None:
    pool = Pool(MACHINE, 1)
    take(folder, [pool], "T1", 100).release()
    looker = os.open(files(folder)[0], os.O_RDONLY)
    fcntl.flock(looker, fcntl.LOCK_SH)
    assert slots.count(folder, pool) == 0  # looking is in nobody's way
    done = threading.Timer(0.003, lambda: os.close(looker))
    done.start()
    held = take(folder, [pool], "T2", 200)
    done.join()
    assert len(files(folder)) == slots.count(folder, pool) == 1
    held.release()


def test_somebody_who_looks_for_ever_keeps_nobody_out(folder: str) -> None:
    pool = Pool(MACHINE, 1)
    take(folder, [pool], "T1", 100).release()
    looker = os.open(files(folder)[0], os.O_RDONLY)
    fcntl.flock(looker, fcntl.LOCK_SH)
    held = take(folder, [pool], "T2", 200)
    assert slots.count(folder, pool) == 1
    with pytest.raises(Full):
        take(folder, [pool], "T3", 300)
    held.release()
    os.close(looker)


def test_process_that_was_stopped_while_it_took_slots_is_told_about(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "PATIENCE_S", 0.05)
    before = len(os.listdir("/dev/fd"))
    with slots.taking(folder), pytest.raises(StoreBusy, match="it was stopped"):
        take(folder, [Pool(MACHINE, 1)], "T1", 100)
    assert slots.count(folder, Pool(MACHINE, 1)) == 0
    take(folder, [Pool(MACHINE, 1)], "T1", 100).release()
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize("call", ["pwrite", "ftruncate"])
def test_slot_that_cannot_be_noted_is_given_back(
    folder: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    pools = [Pool(MACHINE, 1), Pool("agent/x", 1)]
    before = len(os.listdir("/dev/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space left"):
            take(folder, pools, "T1", 100)
    assert len(os.listdir("/dev/fd")) == before
    take(folder, pools, "T1", 100).release()


def test_pools_that_nobody_uses_do_not_pile_up_and_used_ones_stay(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "MANY_POOLS", 5)
    kept = Pool("label/pr=kept", 1)
    held = take(folder, [kept], "T1", 100)
    for number in range(30):
        take(folder, [Pool(MACHINE, 2), Pool(f"label/pr={number}", 1)], "T2", 200).release()
    assert len([path for path in Path(folder).iterdir() if path.is_dir()]) <= 6
    with pytest.raises(Full):
        take(folder, [kept], "T3", 300)
    held.release()


def test_young_are_those_that_were_taken_a_moment_ago(folder: str) -> None:
    pool = Pool(MACHINE, 4)
    old, young, free = (take(folder, [pool], "T", 1) for _ in range(3))
    os.utime(old.descriptors[0], (0, 0))
    free.release()
    with slots.taking(folder) as table:
        assert table.young(pool, 10) == 1
    os.utime(young.descriptors[0], (2**32, 2**32))  # a clock that was ahead
    with slots.taking(folder) as table:
        assert table.young(pool, 10) == 0
    old.release()
    young.release()


def test_threads_of_one_process_never_hold_more_than_there_are(folder: str) -> None:
    pools = [Pool(MACHINE, 3), Pool("agent/x", 2)]
    running, most, failures = 0, 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal running, most, failures
        for _ in range(30):
            try:
                held = take(folder, pools, "T", 1)
            except Full:
                failures += 1
                continue
            with lock:
                running += 1
                most = max(most, running)
            sleep(0.0002)
            with lock:
                running -= 1
            held.release()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == 2
    assert slots.count(folder, pools[0]) == slots.count(folder, pools[1]) == 0


def test_pools_of_which_nobody_has_a_list_are_found_by_what_is_taken(folder: str) -> None:
    assert slots.names_taken(folder, "label/") == []
    names = ["label/repo=a b", "label/repo=c", "label/team=a", "agent/label/repo=x"]
    held = [take(folder, [Pool(name, 2)], "T1", 12) for name in (*names, names[0])]
    assert slots.names_taken(folder, "label/repo=") == names[:2]
    assert slots.names_taken(folder, "label/") == names[:3]
    held[0].release()
    held[1].release()
    assert slots.names_taken(folder, "label/repo=") == names[:1]
    for each in held:
        each.release()
    assert slots.names_taken(folder, "") == []


def test_a_slot_that_is_a_pipe_is_named_and_not_waited_for(folder: str) -> None:
    pool = Pool(MACHINE, 1)
    take(folder, [pool], "T1", 100).release()
    path = slots._files(folder, pool)[0]
    os.unlink(path)
    os.mkfifo(path)
    assert slots.count(folder, pool) == 0
    assert slots.holders(folder, pool) == slots.names_taken(folder, "") == []
    with pytest.raises(StoreError, match=f"{path}: it is not a regular file"):
        take(folder, [pool], "T1", 100)
