"""Guards under real processes that race, and are killed while they do."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.agent.supervised import eventually
from tests.guard.asking import bad, end, host, request, take
from tests.guard.crowd import Crowd, crowd
from uwf import clock
from uwf.agent.process import platform
from uwf.errors import Refused
from uwf.guard.breaker import Breaker
from uwf.guard.capacity import machine, queue, slots
from uwf.guard.capacity.queue import QueueEntry
from uwf.guard.capacity.slot_guard import Slots
from uwf.guard.capacity.slots import MACHINE, Full, Held, Pool
from uwf.guard.contract import Host
from uwf.guard.success_rate import SuccessRate
from uwf.record import Record
from uwf.store.sqlite import SqliteStore, open_store

MANY = 50

Tell = Callable[[Any], None]
Wait = Callable[[], None]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    """A store file that nobody has open when processes are forked."""
    path = str(tmp_path / "home" / "store.db")
    open_store(path).close()
    yield path


def ago(seconds: float) -> Any:
    """For a while, it is `seconds` ago."""
    then_ms = clock.now_ms() - round(seconds * 1000)
    return mock.patch("uwf.clock.now_ms", lambda: then_ms)


def here(store: SqliteStore, *rules: Record, home: str = "/") -> Host:
    """Where guards stand in this process, which is a real one."""
    owner = platform.this_process()
    return host(store, *rules, owner=owner, is_alive=platform.is_alive, home=home)


def probes(many: Crowd) -> list[int]:
    """The numbers of those that were let through, when all have asked."""
    return [number for number, answer in many.told(len(many.pids)) if answer == "probe"]


def test_exactly_one_of_fifty_processes_is_the_probe_until_it_is_killed(path: str) -> None:
    store = open_store(path)
    with ago(1800):
        for thread in ("A", "B", "C"):
            end(Breaker(here(store)), bad(), store, request(thread=thread))
    store.close()

    def ask(number: int, tell: Tell, wait: Wait) -> None:
        store = open_store(path)
        try:
            release = Breaker(here(store)).enter(request(thread=f"T{number}"))
        except Refused as refusal:
            tell(refusal.reason)
        else:
            tell("pass" if release is None else "probe")
        wait()

    with crowd(MANY, ask) as first:
        (probe,) = probes(first)
        with crowd(10, ask) as second:
            assert probes(second) == []  # it is tried still
        first.kill(probe)
        with crowd(20, ask) as third:
            assert len(probes(third)) == 1  # a dead probe is none


def test_exactly_one_of_fifty_processes_tries_an_agent_that_mostly_fails(path: str) -> None:
    store = open_store(path)
    for _ in range(10):
        end(SuccessRate(host(store)), bad(), store)
    store.close()

    def ask(number: int, tell: Tell, wait: Wait) -> None:
        try:
            SuccessRate(host(open_store(path))).enter(request(thread=f"T{number}"))
        except Refused as refusal:
            tell(refusal.reason)
        else:
            tell("probe")
        wait()

    with crowd(MANY, ask) as many:
        assert len(probes(many)) == 1


def test_no_more_run_than_there_are_slots_while_holders_are_killed(tmp_path: Path) -> None:
    """Each holder leaves an agent that has the slot for a while longer, whatever becomes of the holder."""
    folder, log = str(tmp_path / "slots"), tmp_path / "log"
    pools = [Pool(MACHINE, 3), Pool("agent/mine", 4)]
    log.touch()

    def note(*words: object) -> None:
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, " ".join(map(str, (*words, time.monotonic_ns(), "\n"))).encode())
        os.close(descriptor)

    def work(number: int, tell: Tell, wait: Wait) -> None:
        dice = random.Random(number)
        for run in range(3):
            while (held := taken_or_none()) is None:
                time.sleep(dice.uniform(0.001, 0.01))
            name = f"{number}/{run}"
            note("begin", name)
            agent = os.fork()  # it inherits the slots
            if not agent:
                time.sleep(dice.uniform(0.001, 0.02))
                note("end", name)
                os._exit(0)
            time.sleep(dice.uniform(0, 0.01))
            held.release()
            os.waitpid(agent, 0)

    def taken_or_none() -> Held | None:
        try:
            return take(folder, pools, "T")
        except Full:
            return None

    with crowd(30, work) as many:
        dice = random.Random()
        for number in dice.sample(range(30), 10):
            time.sleep(dice.uniform(0, 0.04))
            many.kill(number)
        many.told()

    # The agents of the killed are orphans, and come to their end.
    eventually(lambda: slots.count(folder, pools[0]) == 0)
    spans: dict[str, dict[str, int]] = {}
    for text in log.read_text().splitlines():
        word, name, at_ns = text.split()
        spans.setdefault(name, {})[word] = int(at_ns)
    whole = [span for span in spans.values() if len(span) == 2]
    moments = [(span["begin"], 1) for span in whole] + [(span["end"], -1) for span in whole]
    running, most = 0, 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    assert most == 3
    assert len(whole) >= 20 * 3
    held = [take(folder, pools, "T") for _ in range(3)]  # none was lost
    with pytest.raises(Full):
        take(folder, pools, "T")
    for one in held:
        one.release()


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "look", lambda home: machine.Left(None, None, None, None))


def slot_guard(path: str, tmp_path: Path, **limits: Any) -> Slots:
    return Slots(here(open_store(path), Slots.Rules(**limits), home=str(tmp_path)))


def living(path: str) -> list[QueueEntry]:
    store = open_store(path)
    found = queue.in_order(queue.living(store, platform.is_alive), clock.monotonic_s())
    store.close()
    return found


@pytest.mark.usefixtures("calm")
def test_freed_slot_is_taken_by_the_next_at_once(path: str, tmp_path: Path) -> None:
    folder = str(tmp_path / "slots")
    rounds = 15

    held = take(folder, [Pool(MACHINE, 1)], "T")

    def wait_for_it(number: int, tell: Tell, wait: Wait) -> None:
        held.release()  # what the fork has copied
        guard = slot_guard(path, tmp_path, max_running=1)
        for _ in range(rounds):
            release = guard.enter(request(thread=f"T{number}", wait_s=20.0))
            tell(time.monotonic_ns())
            wait_ns = time.monotonic_ns() + 20_000_000
            while time.monotonic_ns() < wait_ns:
                time.sleep(0.005)
            tell(time.monotonic_ns())
            release()

    with crowd(3, wait_for_it) as many:
        eventually(lambda: len(living(path)) == 3)
        held.release()
        told = [at_ns for _, at_ns in many.told()]
    # taken, given back, taken, given back: always by somebody else than the one before
    gaps_ms = [(taken - freed) / 1e6 for freed, taken in zip(told[1::2], told[2::2], strict=False)]
    assert len(gaps_ms) == 3 * rounds - 1
    assert min(gaps_ms) > 0
    print(f"taken within {sorted(gaps_ms)[len(gaps_ms) // 2]:.0f} ms, {max(gaps_ms):.0f} at most")
    assert max(gaps_ms) < 1000  # 100 ms on a machine that has nothing else to do


@pytest.mark.usefixtures("calm")
def test_queue_of_twenty_refuses_five_and_goes_in_order_past_the_killed(
    path: str, tmp_path: Path
) -> None:
    folder = str(tmp_path / "slots")
    held = take(folder, [Pool(MACHINE, 1)], "T")

    def wait_in_queue(number: int, tell: Tell, wait: Wait) -> None:
        held.release()  # what the fork has copied
        guard = slot_guard(path, tmp_path, max_running=1, max_queue=20)
        try:
            release = guard.enter(request(thread=f"T{number:02}", wait_s=30.0))
        except Refused as refusal:
            tell(refusal.reason)
        else:
            tell(time.monotonic_ns())
            release()

    with crowd(25, wait_in_queue) as many:
        refused = many.told(5)
        assert [reason for _, reason in refused] == ["queue_full"] * 5
        waiting = eventually(lambda: len(found := living(path)) == 20 and found)
        order = [int(entry.thread[1:]) for entry in waiting]
        for number in (order[0], order[7]):
            many.kill(number)
        held.release()
        ran = many.told()
    assert [number for number, _ in ran] == [n for n in order if n not in (order[0], order[7])]
    gaps_ms = [(after - before) / 1e6 for (_, before), (_, after) in itertools.pairwise(ran)]
    print(f"the next ran after {max(gaps_ms):.0f} ms at most")
    assert max(gaps_ms) < 2000  # the dead keep nobody waiting
    assert living(path) == []
