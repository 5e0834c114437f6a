"""The store between real processes: what makes it, what moves a ref, what is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from uwf.store.database import open_place
from uwf.store.sqlite import open_store
from uwf.store.whole.check import verify

FREED_S = 5.0
"""So long it takes at most until a killed writer is gone: the system sees to that of a file, the server to the other's
connection."""
ROOT = str(Path(__file__).parents[2])


class Crew:
    """Python programs that wait for a common start and are gone after the test."""

    def __init__(self, folder: Path) -> None:
        self.gate = folder / "go"
        self.members: list[subprocess.Popen[str]] = []

    def hire(self, program: str, *args: str) -> subprocess.Popen[str]:
        wait = (
            "import os, sys, time\nprint('ready', flush=True)\n"
            f"while not os.path.exists({str(self.gate)!r}): time.sleep(0.001)\n"
        )
        member = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"from uwf.store.database import open_place\n{wait}{program}",
                *args,
            ],
            env={**os.environ, "PYTHONPATH": ROOT},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.members.append(member)
        return member

    def go(self) -> None:
        for member in self.members:
            assert member.stdout and member.stdout.readline() == "ready\n"
        self.gate.touch()

    def finish(self) -> list[str]:
        answers = [member.communicate(timeout=60)[0] for member in self.members]
        assert [member.returncode for member in self.members] == [0] * len(answers)
        return answers


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(tmp_path)
    yield crew
    for member in crew.members:
        member.kill()
        member.wait()


CREATE = """
store = open_place(sys.argv[1], create=True)
with store.transaction("test") as tx:
    tx.set_ref("made/" + sys.argv[2], tx.put("k", sys.argv[2]), why="made")
store.close()
"""


def test_processes_that_create_at_once_share_one_store(crew: Crew, path: str) -> None:
    for number in range(6):
        crew.hire(CREATE, path, str(number))
    crew.go()
    crew.finish()
    assert sorted(os.listdir(os.path.dirname(path))) == ["store.db", "store.db-mark"]
    store = open_store(path, create=False)
    assert [ref.name for ref in store.refs()] == [f"made/{number}" for number in range(6)]
    store.close()


INCREMENT = """
from uwf.errors import Conflict
store = open_place(sys.argv[1], create=True)
lost = 0
for _ in range(int(sys.argv[2])):
    while True:
        old = store.ref("count")
        number = store.get(old.id).payload
        try:
            with store.transaction("test", durable=False) as tx:
                tx.set_ref("count", tx.put("k", number + 1), expect=old.id, why=sys.argv[3])
            break
        except Conflict:
            lost += 1
print(lost)
"""


@pytest.fixture(params=["file", "postgres"])
def place(request: pytest.FixtureRequest) -> str:
    """Where a store is that several processes write to."""
    found: str = request.getfixturevalue("path" if request.param == "file" else "emptied")
    return found


def test_no_update_is_lost_between_processes(crew: Crew, place: str) -> None:
    store = open_place(place, create=True)
    with store.transaction("test") as tx:
        tx.set_ref("count", tx.put("k", 0), why="start")
    for number in range(4):
        crew.hire(INCREMENT, place, "100", str(number))
    crew.go()
    conflicts = sum(map(int, crew.finish()))
    ref = store.ref("count")
    assert ref is not None and store.get(ref.id).payload == 400
    moves = store.moves("count")
    assert [store.get(move.new).payload for move in moves if move.new] == list(range(401))
    assert [move.version for move in moves] == list(range(1, 402))
    assert all(later.old == move.new for move, later in pairwise(moves))
    assert len({move.process for move in moves}) == 5
    assert conflicts > 0, "the processes did not meet, so nothing was tested"
    store.close()


KILLED = """
store = open_place(sys.argv[1], create=True)
number = 0
while True:
    number += 1
    with store.transaction("test", durable=number % 2 == 0) as tx:
        for part in range(5):
            id = tx.put("k", [number, part, "x" * 2000])
        tx.set_ref("a", id, tags={"n": str(number)}, why="x")
        tx.set_ref("b", id, tags={"n": str(number)}, why="x")
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_whole_transactions_and_no_lock(crew: Crew, place: str) -> None:
    for delay_s in (0.0, 0.003, 0.01, 0.03, 0.06):
        crew.gate.unlink(missing_ok=True)
        writer = crew.hire(KILLED, place)
        crew.members = [writer]
        crew.go()
        assert writer.stdout
        told = writer.stdout.readline()
        time.sleep(delay_s)
        writer.send_signal(signal.SIGKILL)
        told = ([told, *writer.stdout.readlines()])[-1]
        writer.wait()
        store = open_place(place, wait_s=FREED_S)
        a, b = store.ref("a"), store.ref("b")
        assert a is not None and b is not None
        assert (a.id, a.tags, a.version) == (b.id, b.tags, b.version)
        assert int(told) <= int(a.tags["n"]) <= int(told) + 1, "what was acknowledged is there"
        report = verify(store, deep=True)
        assert report.problems == () and report.refs == 2
        with store.transaction("test") as tx:
            for name in ("a", "b"):
                tx.delete_ref(name, why="next round")
        store.close()


HOLD = """
store = open_place(sys.argv[1], create=True)
with store.transaction("test") as tx:
    tx.put("k", "x")
    print("writing", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_a_writer_waits_for_its_turn(crew: Crew, place: str) -> None:
    store = open_place(place, create=True)
    holder = crew.hire(HOLD, place, "0.3")
    crew.go()
    assert holder.stdout and holder.stdout.readline() == "writing\n"
    started = time.monotonic()
    with store.transaction("test"):
        waited_s = time.monotonic() - started
    assert 0.1 < waited_s < 5
    crew.finish()
    assert store.stats().objects == 1
    store.close()


def test_a_reader_sees_whole_transactions_only(crew: Crew, place: str) -> None:
    store = open_place(place, create=True)
    writer = crew.hire(KILLED, place)
    crew.go()
    seen: set[str] = set()
    deadline = time.monotonic() + 30
    while len(seen) < 50 and time.monotonic() < deadline:
        with store.snapshot():
            a, b = store.ref("a"), store.ref("b")
            assert (a and a.tags) == (b and b.tags)
            if a:
                assert store.get(a.id).payload[0] == int(a.tags["n"])
                seen.add(a.tags["n"])
    writer.kill()
    assert len(seen) == 50
    store.close()
