"""What the doctor takes away, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.fake_agent import Said
from tests.helpers.read_only import read_only
from tests.helpers.rig import WROTE, Rig
from uwf.agent.process import platform
from uwf.config.records import AgentConfig
from uwf.engine.chain.nodes import Position
from uwf.engine.schedules.alarms import Alarm
from uwf.engine.sources import state as states
from uwf.engine.upkeep.health import left, outside, store, table
from uwf.engine.upkeep.health.check import Check, Finding, Ground
from uwf.errors import ConfigInvalid, NotFound, StateError
from uwf.guard.capacity import machine, queue
from uwf.guard.capacity.queue import QueueEntry
from uwf.record import replace
from uwf.store.codec import Link
from uwf.store.owner import Owner
from uwf.store.sqlite import SqliteStore, open_store


def stand_in_line(rig: Rig, thread: str, pid: int, started: str) -> QueueEntry:
    """Put a process into the line, in the place of any other that waited for the thread."""
    entry = QueueEntry(thread, "mine", (), 0, False, 0.0, Owner(pid, started))
    with rig.store.transaction("test") as tx:
        queue.put(tx, entry)
    return entry


def test_who_stands_in_the_place_of_the_dead_by_now_is_left_there(
    each_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread, pid = each_rig.start(), os.getpid()
    stand_in_line(each_rig, thread, pid, "another boot")
    living: list[QueueEntry] = []
    is_alive = platform.is_alive

    def look_and_be_late(owner: Owner) -> bool:
        if living:
            return is_alive(owner)
        started = platform.start_time(owner.pid) or ""
        living.append(stand_in_line(each_rig, thread, owner.pid, started))
        return False

    monkeypatch.setattr(platform, "is_alive", look_and_be_late)
    (finding,) = each_rig.doctor("queue", repair=True)
    assert (finding.kind, finding.thread, finding.repaired) == ("queue", thread, True)
    assert queue.entries(each_rig.store) == living


def test_the_dead_are_taken_out_of_the_line(rig: Rig) -> None:
    thread = rig.start()
    stand_in_line(rig, thread, os.getpid(), "another boot")
    assert [one.repaired for one in rig.doctor(repair=False)] == [False]
    assert [one.repaired for one in rig.doctor(repair=True)] == [True]
    assert queue.entries(rig.store) == []


def test_an_event_that_cannot_be_read_is_found_and_taken_out(rig: Rig) -> None:
    with rig.store.transaction("test") as tx:
        for key in ("a", "b"):
            tx.add_entry("event", key, 1, "new", {})
    assert isinstance(rig.store, SqliteStore)
    rig.store._database.run("UPDATE entry SET value = x'c1' WHERE key = 'a'")
    (finding,) = rig.doctor(repair=False)
    assert (finding.kind, finding.thread, finding.repaired) == ("entry", None, False)
    assert "event a cannot be read" in finding.what
    assert [one.repaired for one in rig.doctor(repair=True)] == [True]
    assert [entry.key for entry in rig.store.entries("event")] == ["b"]


def test_every_check_has_a_name_of_its_own_and_says_what_it_looks_for() -> None:
    assert len({check.name for check in table.CHECKS}) == len(table.CHECKS)
    assert all(check.what and check.every_s >= 60 for check in table.CHECKS)


def test_only_the_checks_that_are_named_are_made(rig: Rig) -> None:
    stand_in_line(rig, rig.start(), os.getpid(), "another boot")
    assert [one.kind for one in rig.doctor("queue", "file")] == ["queue"]
    assert rig.doctor("file") == []
    with pytest.raises(NotFound, match="no check 'queues'") as error:
        rig.doctor("queues")
    assert error.value.hint == "uwf doctor --only queue"


class Told:
    """What a check puts on record."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, what: str, **facts: Any) -> None:
        self.lines.append((what, facts))


def test_a_repair_is_on_record_with_before_and_after(rig: Rig) -> None:
    thread, told = rig.start(), Told()
    stand_in_line(rig, thread, os.getpid(), "another boot")
    rig.doctor(log=told)
    assert told.lines == []
    rig.doctor(repair=True, log=told)
    [(what, facts)] = told.lines
    assert (what, facts["check"], facts["thread"], facts["repaired"]) == (
        *("repair", "queue", thread, True),
    )
    assert facts["before"].endswith("which is gone")
    assert facts["after"] == "it is not found any more"
    rig.doctor(repair=True, log=told)
    assert len(told.lines) == 1


class Stubborn(Check):
    """What it puts right is wrong again at once."""

    name, what = "stubborn", "what stays"
    repairs = 0

    def detect(self) -> list[Finding]:
        return [self.found("it", "still there")]

    def repair(self, finding: Finding) -> None:
        Stubborn.repairs += 1


class Refusing(Stubborn):
    name = "refusing"

    def repair(self, finding: Finding) -> None:
        raise StateError("not today", hint="uwf doctor --only refusing")


class Blind(Stubborn):
    name = "blind"

    def detect(self) -> list[Finding]:
        raise StateError("no light", hint="uwf help")


def test_a_repair_counts_when_its_check_finds_nothing_any_more(rig: Rig) -> None:
    told = Told()
    ground = Ground(
        rig.engine.home,
        rig.engine.store,
        lambda: rig.engine,
        lambda: rig.engine.config,
        {},
        told,
        True,
    )
    Stubborn.repairs = 0
    stays, refuses, blind = table.examine(ground, [Stubborn, Refusing, Blind], repair=True)
    assert (stays.repaired, stays.what, Stubborn.repairs) == (False, "still there", 1)
    assert (refuses.repaired, refuses.what, refuses.hint) == (
        *(False, "not today", "uwf doctor --only refusing"),
    )
    assert (blind.what, blind.hint) == ("it could not be checked: no light", "uwf help")
    assert [facts["repaired"] for _, facts in told.lines] == [False] * 2


def damage(rig: Rig, id: str, data: bytes = b"") -> bytes:
    """Put other bytes in the place of an object's; what they were."""
    assert isinstance(rig.store, SqliteStore)
    key, run = bytes.fromhex(id), rig.store._database.run
    was: bytes = run("SELECT data FROM object WHERE id = ?", (key,)).fetchone()[0]
    run("UPDATE object SET data = ? WHERE id = ?", (data, key))
    return was


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SLICE", 3)


def cursor(rig: Rig) -> store.VerifyCursor:
    return store.cursor_of(rig.store.counter(store.COUNTER))


def test_all_objects_are_read_a_slice_at_a_time(rig: Rig, small_slices: None) -> None:
    for _ in range(3):
        rig.exec(rig.start(), WROTE)
    ids = list(rig.store.ids())
    rounds = -(-len(ids) // 3)
    for turn in range(rounds):
        assert rig.doctor("store", repair=True) == []
        assert cursor(rig).object == ("" if turn == rounds - 1 else ids[3 * turn + 2])
    assert cursor(rig).passes == 1
    sound = damage(rig, ids[-1])
    found = [rig.doctor("store", repair=True) for _ in range(rounds)]
    assert [len(each) for each in found] == [0] * (rounds - 1) + [1]
    [finding] = found[-1]
    assert (finding.kind, finding.subject, finding.level) == ("store", ids[-1], "P0")
    assert [one.subject for one in rig.doctor("store", repair=True)] == [ids[-1]]
    damage(rig, ids[-1], sound)
    assert rig.doctor("store", repair=True) == []


def test_looking_alone_moves_no_cursor(rig: Rig, small_slices: None) -> None:
    rig.exec(rig.start(), WROTE)
    rig.doctor("store")
    assert rig.store.counter(store.COUNTER) is None


def test_what_a_ref_or_an_object_needs_and_is_not_there_is_found(rig: Rig) -> None:
    thread = rig.start()
    rig.exec(thread, WROTE)
    remove = "DELETE FROM object WHERE id = ?"
    start = Position.read(rig.store, rig.head(thread)).start
    assert isinstance(rig.store, SqliteStore)
    rig.store._database.run(remove, (bytes.fromhex(start),))
    [finding] = rig.doctor("store")
    assert finding.subject == start
    rig.store._database.run(remove, (bytes.fromhex(rig.head(thread)),))
    found = {one.subject: one.what for one in rig.doctor("store")}
    assert "points to" in found[rig.head(thread)]


def test_an_object_that_nothing_needs_may_link_to_nothing(rig: Rig) -> None:
    rig.start()
    with rig.store.transaction("test") as tx:
        lost = tx.put("lost", {})
        tx.put("unreached", {"to": Link(lost)})
        tx.remove(lost)
    assert rig.doctor("store", repair=True) == []


def test_a_large_wal_is_emptied(rig: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = open_store(str(tmp_path / "store.db"))
    rig.engine = replace(rig.engine, store=disk, home=str(tmp_path))
    with disk.transaction("test") as tx:
        tx.put("k", os.urandom(100_000))
    assert rig.doctor("wal") == []
    monkeypatch.setattr(store, "WAL_BYTES", 10_000)
    [finding] = rig.doctor("wal", repair=True)
    assert finding.repaired
    assert os.stat(tmp_path / "store.db-wal").st_size == 0
    reader = open_store(str(tmp_path / "store.db"))
    with reader.snapshot():
        with disk.transaction("test") as tx:
            tx.put("k", os.urandom(100_000))
        assert [one.repaired for one in rig.doctor("wal", repair=True)] == [False]
    reader.close()
    disk.close()


def test_little_room_on_the_disk_is_told_before_steps_are_refused(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = machine.Left(None, 1 << 40, None, None)
    monkeypatch.setattr(machine, "look", lambda folder: left)
    assert rig.doctor("disk") == []
    left = replace(left, disk_bytes=900 << 20)
    [finding] = rig.doctor("disk")
    assert finding.what.startswith("900MiB of disk are free") and "refused" not in finding.what
    left = replace(left, disk_bytes=100 << 20)
    assert "steps are refused" in rig.doctor("disk")[0].what


def test_a_home_that_cannot_be_written_is_told(rig: Rig, tmp_path: Path) -> None:
    with read_only(tmp_path):
        rig.engine = replace(rig.engine, home=str(tmp_path))
        assert rig.doctor("disk")[0].what == f"{tmp_path} cannot be written: steps are refused"


def test_a_jump_of_the_clock_is_told_for_a_day(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, mono_s = 1_700_000_000.0, 50.0
    monkeypatch.setattr("uwf.clock.now_ms", lambda: round(now_s * 1000))
    monkeypatch.setattr("uwf.clock.monotonic_s", lambda: mono_s)

    def look() -> list[str]:
        return [one.what for one in rig.doctor("clock", repair=True)]

    assert look() == []
    for _ in range(100):  # a clock that is kept right by small steps
        now_s, mono_s = now_s + 300.3, mono_s + 300
        assert look() == []
    now_s -= 3600
    [what] = look()
    assert what.startswith("the clock went back by 1h, seen at")
    now_s, mono_s = now_s + 86_000, mono_s + 86_000
    assert look() == [what]
    now_s, mono_s = now_s + 800, mono_s + 800
    assert look() == []
    now_s += 7200
    assert look()[0].startswith("the clock went forward by 2h")
    assert all(one.is_note for one in rig.doctor("clock"))


def test_a_config_that_is_not_valid_is_told_once_and_keeps_no_other_check_from_looking(
    rig: Rig,
) -> None:
    def broken() -> Any:
        raise ConfigInvalid("config.toml is not TOML", hint="vi config.toml")

    stand_in_line(rig, "T", 1, "another boot")
    ground = Ground(rig.engine.home, rig.engine.store, broken, broken, {}, Told(), False)
    found = table.examine(ground, table.named([]), repair=False)
    assert [one.kind for one in found] == ["config", "queue"]
    with pytest.raises(ConfigInvalid):  # it was asked for by name, and was not made
        table.examine(ground, table.named(["agent"]), repair=False)


def test_a_config_that_is_not_valid_and_a_program_that_is_not_there_are_told(rig: Rig) -> None:
    def ground(load: Callable[[], Any]) -> Ground:
        return Ground(
            rig.engine.home,
            rig.engine.store,
            lambda: rig.engine,
            load,
            dict(os.environ),
            Told(),
            False,
        )

    def broken() -> Any:
        raise ConfigInvalid("config.toml is not TOML", hint="vi config.toml")

    [finding] = table.examine(ground(broken), table.named(["config"]), repair=False)
    assert (finding.what, finding.hint) == ("config.toml is not TOML", "vi config.toml")
    agents = {
        "there": AgentConfig(command=("sh", "-c", "true")),
        "gone": AgentConfig(command=("/no/such/program",)),
    }
    config = replace(rig.engine.config, agents=agents)
    [finding] = table.examine(ground(lambda: config), table.named(["config"]), repair=False)
    assert (finding.what, finding.hint, finding.is_note) == (
        *("agent gone: there is no program /no/such/program", "uwf agent check gone", True),
    )


def test_agents_that_keep_failing_and_open_breakers_are_notes(rig: Rig) -> None:
    for _ in range(3):
        rig.exec(rig.start(), Said(exit_code=9))
    found = rig.doctor("breaker", "agent")
    assert {one.kind for one in found} == {"breaker"}
    assert all(one.is_note and not one.repaired for one in found)
    assert "failed 3 times in a row" in found[0].what


def test_a_waiter_that_does_not_take_a_free_slot_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = rig.start()
    waiter = stand_in_line(rig, thread, os.getpid(), platform.start_time(os.getpid()) or "")
    monkeypatch.setattr("uwf.clock.monotonic_s", lambda: waiter.since_s + 14 * 60)
    assert rig.doctor("stuck") == []
    monkeypatch.setattr("uwf.clock.monotonic_s", lambda: waiter.since_s + 16 * 60)
    [finding] = rig.doctor("stuck")
    assert finding.thread == thread and f"process {os.getpid()} hangs" in finding.what


def test_a_process_that_outlives_its_run_is_told_and_left_alone(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {**os.environ, "UWF_HOME": rig.engine.home, "UWF_RUN": "a mark of nobody"}
    stray = subprocess.Popen(["sleep", "60"], env=environ)
    try:
        assert rig.doctor("orphan") == [], "it may have begun just now"
        monkeypatch.setattr(left, "YOUNG_S", 0.0)
        [finding] = rig.doctor("orphan", repair=True)
        assert finding.subject == str(stray.pid) and not finding.repaired
        assert stray.poll() is None
    finally:
        stray.kill()
        stray.wait()
    assert rig.doctor("orphan") == []


def test_what_a_program_left_whose_asker_was_killed_is_ended(rig: Rig) -> None:
    """The asker is this process, until its mark names one that is gone."""
    own = platform.this_process()
    here, gone = (f"program/{pid}/{own.started}/1" for pid in (own.pid, 1 << 22))
    environ = {**os.environ, "UWF_HOME": rig.engine.home}
    asked = subprocess.Popen(["sleep", "60"], env={**environ, "UWF_RUN": here})
    stray = subprocess.Popen(["sleep", "60"], env={**environ, "UWF_RUN": gone})
    try:
        [finding] = rig.doctor("orphan")
        assert (finding.subject, finding.repaired) == (str(stray.pid), False)
        [finding] = rig.doctor("orphan", repair=True)
        assert finding.repaired
        assert (stray.wait(5), asked.poll()) == (-15, None)
    finally:
        for process in (asked, stray):
            process.kill()
            process.wait()


def configured(rig: Rig, **tables: Any) -> None:
    config = replace(rig.engine.config, settings={**rig.engine.config.settings, **tables})
    rig.engine = replace(rig.engine, config=config)


def test_a_source_that_keeps_failing_is_told_unless_it_is_paused(rig: Rig) -> None:
    configured(rig, sources={"forge": {}, "other": {}})
    state = states.SourceState(polled_ms=1, failures=2, error="401: the token has expired")
    states.deliver(rig.store, "forge", [], state, {}, 1)
    assert rig.doctor("source") == []
    states.deliver(rig.store, "forge", [], replace(state, failures=3), {}, 1)
    [finding] = rig.doctor("source")
    assert (finding.subject, finding.hint, finding.is_note) == (
        *("forge", "uwf source test forge", True),
    )
    assert finding.what == "source forge failed 3 polls in a row: 401: the token has expired"
    states.pause(rig.store, "forge", 1)
    assert rig.doctor("source") == []


def test_a_schedule_that_claimed_and_did_not_start_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm = Alarm("nightly/1", "silent", "nightly", 1, "nightly said it would", "uwf schedule log")
    asked: list[tuple[str, ...]] = []

    def alarms(_store: object, names: tuple[str, ...], _now_ms: int) -> list[Alarm]:
        asked.append(names)
        return [alarm]

    monkeypatch.setattr(outside.alarms, "alarms", alarms)
    configured(rig, schedules={"nightly": {}})
    [finding] = rig.doctor("schedule")
    assert (finding.subject, finding.what, finding.hint) == (
        *("nightly/1", "nightly said it would", "uwf schedule log"),
    )
    assert asked == [("nightly",)]
