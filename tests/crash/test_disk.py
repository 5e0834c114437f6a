"""A disk that fails under a running command, and a WAL or a page that is not what was written.

An error in words or a clean recovery; never half of a thing, never silent loss.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash import disk, reading
from tests.crash.before import LIVELY, completed, started
from tests.crash.campaign import Campaign
from tests.crash.scenarios import scenario
from tests.crash.trial import Fault, Verdict, attempt
from tests.crash.world import World
from uwf.errors import StoreError, StoreUnreadable
from uwf.store.sqlite import high_water
from uwf.store.whole.check import verify

failing_disk = pytest.mark.skipif(not disk.can_fail(), reason=disk.WHY_NOT)

WORDS = {
    "store_io": "input/output error",
    "store_full": "disk is full",
    "store_unreadable": "malformed",  # what SQLite makes of a page that cannot be read
    "store_cannot_open": "cannot be opened",
    "guard_error": "therefore refuses",
    "store": "cannot ",
}
"""Errors a failing disk may end in, and a word of each."""


def fail(name: str, faults: list[Fault], folder: Path) -> list[Verdict]:
    """Run a scenario's command once on each of these disks."""
    campaign = Campaign(folder)
    baseline = campaign.baseline(scenario(name))
    return [
        attempt(scenario(name), baseline, fault, folder / f"fault-{number}", seed=number)
        for number, fault in enumerate(faults)
    ]


def assert_told(verdict: Verdict) -> None:
    """Nothing was violated, and what could not be done was said in words."""
    assert verdict.violations == (), verdict.kill
    assert verdict.ended is not None
    if verdict.ended.code == 0:
        return
    assert verdict.ended.code in (1, 75), verdict
    [line] = verdict.ended.err.splitlines()
    error = json.loads(line)["error"]
    assert WORDS[error["code"]] in error["message"], verdict


def spread(order: str, last: int, file: str = "store.db", times: int = 3) -> list[Fault]:
    """The order for calls from the first to the `last`, evenly."""
    places = {1 + (last - 1) * step // (times - 1) for step in range(times)}
    return [Fault(order.format(place), file) for place in sorted(places)]


@failing_disk
@pytest.mark.parametrize(
    ("order", "last"),
    [
        ("eio write {}", 25),
        ("eio sync {}+", 2),
        ("eio read {}", 9),
        ("eio size {}", 1),
        ("eio name {}+", 2),
        ("enospc write {}+", 20),
    ],
)
def test_a_step_on_a_failing_disk_is_done_or_not_done(
    order: str, last: int, tmp_path: Path
) -> None:
    verdicts = fail("exec", spread(order, last), tmp_path)
    for verdict in verdicts:
        assert_told(verdict)
    assert any(verdict.ended and verdict.ended.code for verdict in verdicts), "no fault was met"


@failing_disk
@pytest.mark.parametrize(
    ("name", "orders"),
    [
        ("start, the first in its home", ["enospc write 1+", "eio sync 1+", "eio name 1+"]),
        ("migrate", ["enospc write 10+", "eio sync 1"]),
        ("gc while a thread is stepped", ["enospc write 9+"]),
        ("backup while a thread is stepped", ["enospc write 9+", "eio name 1+"]),
    ],
)
def test_a_command_on_a_failing_disk_is_done_or_not_done(
    name: str, orders: list[str], tmp_path: Path
) -> None:
    for verdict in fail(name, [Fault(order) for order in orders], tmp_path):
        assert_told(verdict)
        assert verdict.ended is not None and verdict.ended.code == 1


@failing_disk
@pytest.mark.parametrize("call", [1, 9, 12])
def test_a_full_disk_is_called_one(call: int, tmp_path: Path) -> None:
    """Also where SQLite speaks of an input/output error: it had no room for its -shm file."""
    world = World.make(tmp_path / "world")
    started(world)
    full = disk.fault(f"enospc write {call}+", f"{world.home}/store.db")
    error = json.loads(world.run("thread", "exec", "@last", env=full).err)["error"]
    assert error["code"] == "store_full" and "the disk is full" in error["message"]


@failing_disk
def test_the_schema_of_a_role_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    for verdict in fail("exec", spread("enospc any {}", 3, "schemas/"), tmp_path):
        assert_told(verdict)


@failing_disk
def test_a_step_is_on_disk_before_it_is_told(tmp_path: Path) -> None:
    """So that not even a power cut takes back what was acknowledged."""
    world = World.make(tmp_path / "world")
    started(world)
    calls = trace(world, "thread", "exec", "@last", agent="stream")
    told = next(at for at, call in enumerate(calls) if call.startswith("write /tmp/#"))
    written = max(at for at in range(told) if calls[at] == f"write {world.home}/store.db-wal")
    synced = max(at for at in range(told) if calls[at] == f"sync {world.home}/store.db-wal")
    assert written < synced < told


@failing_disk
def test_a_backup_is_on_disk_before_it_has_its_name(tmp_path: Path) -> None:
    world = World.make(tmp_path / "world")
    started(world)
    calls = trace(world, "store", "backup", str(world.home / "copy.db"))
    named = calls.index(f"link {world.home}/copy.db")
    about = [call for call in calls[:named] if f"{world.home}/copy.db.new" in call]
    assert [call.split()[0] for call in about if call.split()[0] in ("write", "sync")][-1] == "sync"
    assert f"sync {world.home}" in calls[named:]


def trace(world: World, *words: str, agent: str = "") -> list[str]:
    """The calls that a command makes which read or change a file."""
    log = world.folder / "calls"
    ended = world.run(*words, agent=agent, env=disk.fault("trace any 1", "/", log))
    assert ended.code == 0, ended
    return log.read_text().splitlines()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A thread of three steps. Two of them, acknowledged, are only in the WAL."""
    world = World.make(tmp_path_factory.mktemp("killed") / "world")
    started(world)
    world.must("thread", "exec", "@last")
    ended = world.run("thread", "exec", "@last", "-c", "2", env={"UWF_CRASH_AT": "step: told:2"})
    assert ended.was_killed and len(ended.answers) == 2
    assert (world.home / "store.db-wal").stat().st_size > 0
    return world


Damage = Callable[[bytearray, random.Random], bytes]


def cut(data: bytearray, chance: random.Random) -> bytes:
    return bytes(data[: chance.randrange(len(data))])


def garbage_within(data: bytearray, chance: random.Random) -> bytes:
    at, size = chance.randrange(len(data)), chance.choice((1, 100, 5000))
    data[at : at + size] = chance.randbytes(len(data[at : at + size]))
    return bytes(data)


def garbage_behind(data: bytearray, chance: random.Random) -> bytes:
    return bytes(data) + chance.randbytes(5000)


def zeros(data: bytearray, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    data[at:] = bytes(len(data) - at)
    return bytes(data)


@pytest.mark.parametrize("damage", [cut, garbage_within, garbage_behind, zeros])
@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_wal_is_an_error_or_changes_nothing(
    killed: World, damage: Damage, seed: int, tmp_path: Path
) -> None:
    with killed.copy(tmp_path / "whole").store() as whole:
        path, truth = reading.history(whole), reading.state(whole)
    world = killed.copy(tmp_path / "world")
    wal = world.home / "store.db-wal"
    wal.write_bytes(damage(bytearray(wal.read_bytes()), random.Random(seed)))
    try:
        with world.store() as store:
            assert reading.state(store) == truth
            assert verify(store, deep=True).problems == ()
    except StoreUnreadable as error:
        assert "has lost what was written last" in error.message
        os.unlink(high_water.path_of(str(world.home / "store.db")))  # go on with what is left
        with world.store() as store:
            assert reading.state(store) in path[:-1]
            assert verify(store, deep=True).problems == ()


def test_a_lost_wal_is_told_by_every_command(killed: World, tmp_path: Path) -> None:
    world = killed.copy(tmp_path / "world")
    (world.home / "store.db-wal").unlink()
    for words in (
        ["thread", "list"],
        ["thread", "show", "@last"],
        ["thread", "exec", "@last"],
        ["thread", "start", world.workflow, "-p", "Another."],
        ["store", "verify"],
    ):
        ended = world.run(*words)
        assert (ended.code, ended.out) == (1, "")
        assert json.loads(ended.err)["error"]["code"] == "store_shortened"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World.make(tmp_path_factory.mktemp("filled") / "world")
    completed(world)
    world.must("thread", "exec", "@last", "--supplement", "more", agent=LIVELY)
    return world


PAGE_BYTES = 4096


def torn_pages(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The file with each of its pages torn, zeroed and filled with garbage, and with its end missing."""
    chance = random.Random(len(data))
    for at in range(0, len(data), PAGE_BYTES):
        half, end = at + PAGE_BYTES // 2, at + PAGE_BYTES
        yield f"torn at {at}", data[:half] + bytes(end - half) + data[end:]
        yield f"zero at {at}", data[:at] + bytes(PAGE_BYTES) + data[end:]
        yield f"garbage at {at}", data[:at] + chance.randbytes(PAGE_BYTES) + data[end:]
        yield f"cut in {at}", data[: half + 1]


def test_a_damaged_page_is_never_silent(filled: World, tmp_path: Path) -> None:
    with filled.store() as store:
        truth = reading.state(store)
        turns = reading.turn_ids(filled)
    file = filled.home / "store.db"
    whole = file.read_bytes()
    world = filled.copy(tmp_path / "world")
    silent = []
    for name, data in torn_pages(whole):
        (world.home / "store.db").write_bytes(data)
        try:
            with world.store() as store:
                noticed = bool(verify(store, deep=True).problems)
                same = noticed or (reading.state(store), reading.turn_ids(world)) == (truth, turns)
        except StoreError:
            continue
        if not noticed and not same:
            silent.append(name)
        assert (world.home / "store.db").stat().st_size > 0
    assert silent == []


@pytest.mark.parametrize("left_bytes", [0, 10, 3000, 20000])
def test_what_is_left_of_a_store_is_not_replaced(
    filled: World, left_bytes: int, tmp_path: Path
) -> None:
    world = filled.copy(tmp_path / "world")
    file = world.home / "store.db"
    os.truncate(file, left_bytes)
    left = file.read_bytes()
    for words in (
        ["thread", "start", world.workflow, "-p", "Another."],
        ["thread", "list", "--all"],
        ["thread", "exec", "@last"],
        ["store", "gc"],
    ):
        ended = world.run(*words)
        assert (ended.code, ended.out) == (1, ""), words
        assert json.loads(ended.err)["error"]["hint"] == "uwf store restore BACKUP"
    assert file.read_bytes() == left


def test_a_step_that_outgrows_the_disk_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """No file may grow any more: what a quota or a full disk comes to, on any system."""
    world = World.make(tmp_path / "world")
    started(world)
    ended = world.run(
        "thread",
        "exec",
        "@last",
        agent=LIVELY,
        within=("sh", "-c", 'ulimit -f 40; exec "$@"', "sh"),
    )
    assert (ended.code, ended.answers) == (1, [])
    assert json.loads(ended.err)["error"]["code"] in ("store_full", "store_io")
    shown = world.must("thread", "show", "@last").answers[-1]
    assert (shown["status"], shown["steps"], shown["running"]) == ("idle", 0, None)
    world.must("thread", "exec", "@last", "--until-done")
    assert world.alive() == {}
    assert world.must("store", "verify", "--deep").answers[-1]["problems"] == []
    shutil.rmtree(world.folder)
