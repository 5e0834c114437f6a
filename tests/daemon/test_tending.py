"""What is wrong with a home is found by a daemon, put right by a command, and told as long as it stays."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from uwf.agent.stop import Stop
from uwf.app import App
from uwf.daemon.loop.part import Daemon, Part
from uwf.daemon.loop.quarantine import Quarantine
from uwf.daemon.upkeep.command import BackgroundCommand, CommandEnded
from uwf.daemon.upkeep.housekeeping import Housekeeping
from uwf.daemon.upkeep.tending import Tending
from uwf.guard.capacity import machine
from uwf.record import replace

DAY_S = 86_400


class Commands:
    """Commands that end when a test says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[CommandEnded] = []
        self.is_out = False

    def begin(self, *words: str) -> None:
        assert not self.is_out
        self.begun.append(" ".join(words))
        self.is_out = True

    def end(self, answer: Any = None, code: int = 0, error: str = "", error_code: str = "") -> None:
        words = tuple(self.begun[-1].split())
        self.ended.append(CommandEnded(words, code, answer, error, error_code))

    def taken(self) -> CommandEnded | None:
        if not self.ended:
            return None
        self.is_out = False
        return self.ended.pop()


class World:
    """A daemon's care for a home, on a clock that a test moves."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ms, self.s = 1_700_000_000_000, 50_000.0
        monkeypatch.setattr("uwf.clock.now_ms", lambda: self.ms)
        monkeypatch.setattr("uwf.clock.monotonic_s", lambda: self.s)
        self.left = machine.Left(None, 1 << 40, None, None)
        monkeypatch.setattr(machine, "look", lambda folder: self.left)
        self.said: list[str] = []
        self.app = App.open(str(home))
        with self.app.store(create=True).transaction("put") as tx:
            tx.put("k", 1)
        runs: Any = None
        self.daemon = Daemon(
            self.app, runs, Quarantine(), lambda: None, lambda text, facts: self.said.append(text)
        )
        self.commands = Commands()
        commands: Any = self.commands
        self.tending, self.housekeeping = (
            Tending(self.daemon, commands),
            Housekeeping(self.daemon, commands),
        )

    def passes(self, part: Part, seconds: float) -> None:
        self.ms += int(seconds * 1000)
        self.s += seconds
        part.tick(self.ms)

    def open_alerts(self) -> dict[str, str]:
        return {one.cause: one.text for one in self.app.alerts.all() if one.is_open}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def until_it_is_checked(world: World, name: str) -> None:
    """Let the commands before that of this check end."""
    while not world.commands.begun[-1].endswith(name) or not world.commands.is_out:
        world.commands.end([])
        world.passes(world.tending, 1)


def test_a_daemon_that_begins_has_other_things_to_do(world: World) -> None:
    world.left = replace(world.left, disk_bytes=0)
    world.passes(world.tending, 30)
    assert (world.commands.begun, world.open_alerts()) == ([], {})
    world.passes(world.tending, 31)
    assert list(world.open_alerts()) == [f"health/disk/{world.app.home}"]


def test_what_a_killed_run_has_left_is_looked_for_at_once(world: World) -> None:
    world.daemon.has_lost_run = True
    world.passes(world.tending, 1)
    assert world.commands.begun == ["doctor --repair --only attempt"]
    world.commands.end([])
    world.passes(world.tending, 1)
    assert len(world.commands.begun) == 1


def test_a_folder_of_backups_that_cannot_be_looked_into_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path(world.app.home) / "backups").write_text("in the way")
    world.passes(world.housekeeping, 61)
    assert world.commands.begun == ["store backup"]
    world.passes(world.tending, 61)
    world.passes(world.tending, 3600)
    [text] = world.open_alerts().values()
    assert text.startswith("it could not be checked: cannot look into the folder of backups")


def test_what_stays_wrong_is_told_until_it_is_found_no_more(world: World) -> None:
    world.left = replace(world.left, disk_bytes=100 << 20)
    world.passes(world.tending, 61)
    [text] = world.open_alerts().values()
    assert text.startswith("100MiB of disk are free") and text.endswith(f"(df -h {world.app.home})")
    [alert] = world.app.alerts.all()
    assert (alert.level, alert.count) == ("P0", 1)
    for _ in range(3):
        world.passes(world.tending, 400)
    assert world.app.alerts.all()[0].count == 1
    world.left = replace(world.left, disk_bytes=1 << 40)
    world.passes(world.tending, 400)
    assert world.open_alerts() == {}


def test_each_check_is_made_as_often_as_it_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    examine = type(world.app.health).examine

    def note(self: Any, only: list[str], **more: Any) -> Any:
        made.extend(only)
        return examine(self, only, **more)

    monkeypatch.setattr(type(world.app.health), "examine", note)
    for _ in range(120):
        world.passes(world.tending, 30)
        if world.commands.is_out:
            world.commands.end([])
    counts = {check.name: check for check in world.app.health.checks()}
    assert made.count("disk") == made.count("queue") == 12
    assert made.count("file") == 1
    assert made.count("orphan") == 4
    assert {name for name, check in counts.items() if check.is_slow} & set(made) == set()
    begun = [words.split()[-1] for words in world.commands.begun]
    assert [begun.count(name) for name in ("store", "counter", "attempt")] == [1, 1, 4]


def test_what_can_be_put_right_is_by_a_command_and_told_if_it_stays(world: World) -> None:
    left = Path(world.app.home, "store.db.new-999999999-01234567")
    left.touch()
    old_s = world.ms / 1000 - 4000
    os.utime(left, (old_s, old_s))
    world.passes(world.tending, 61)
    assert world.open_alerts() == {}
    until_it_is_checked(world, "file")
    found = world.app.health.examine(["file"], repair=True)
    assert not left.exists()
    world.commands.end([vars(one) for one in found])
    world.passes(world.tending, 1)
    assert world.open_alerts() == {}
    assert world.said == [f"repaired: {left} was never finished"]


def test_what_a_command_could_not_put_right_is_told(world: World) -> None:
    world.passes(world.tending, 61)
    until_it_is_checked(world, "store")
    finding = {
        "kind": "store", "thread": None, "what": "object ab is damaged", "repaired": False,
        "hint": "uwf store restore x.db", "subject": "ab", "level": "P0", "isNote": False,
    }  # fmt: skip
    world.commands.end([finding], code=1)
    world.passes(world.tending, 1)
    assert world.open_alerts() == {
        "health/store/ab": "object ab is damaged (uwf store restore x.db)"
    }
    world.passes(world.tending, 3600)
    until_it_is_checked(world, "store")
    world.commands.end([])
    world.passes(world.tending, 1)
    assert world.open_alerts() == {}


def test_configuration_that_is_not_valid_is_one_alert_and_all_goes_on_once_it_is(
    world: World,
) -> None:
    Path(world.app.home, "config.toml").write_text("x = [")
    for _ in range(30):
        for part in (world.tending, world.housekeeping):
            world.passes(part, 30)
            if world.commands.is_out:
                world.commands.end(code=2, error="it is not TOML", error_code="bad_config")
                world.passes(part, 1)
    assert list(world.open_alerts()) == ["health/config/file"]
    assert 1 < world.commands.begun.count("store backup") < 5, "tried again now and then"


def test_a_check_that_cannot_be_made_is_told_and_hides_no_other(world: World) -> None:
    world.left = replace(world.left, disk_bytes=0)
    world.passes(world.tending, 61)
    until_it_is_checked(world, "store")
    world.commands.end(code=1, error="the store is in use")
    world.passes(world.tending, 1)
    assert world.open_alerts()["health/store"] == "check store failed: the store is in use"
    assert len(world.open_alerts()) == 2
    world.passes(world.tending, 3600)
    until_it_is_checked(world, "store")
    world.commands.end([])
    world.passes(world.tending, 1)
    assert list(world.open_alerts()) == [f"health/disk/{world.app.home}"]


def test_a_backup_is_made_each_day_and_tried_each_week(world: World) -> None:
    for _ in range(15 * 24 * 6):
        world.passes(world.housekeeping, 600)
        if world.commands.is_out:
            acts = {
                "store backup": world.app.backups.make,
                "store drill": world.app.backups.drill,
                "store gc": world.app.upkeep.gc,
            }
            acts[world.commands.begun[-1]]()  # type: ignore[operator]
            world.commands.end({})
    made = [words.split()[-1] for words in world.commands.begun]
    assert [made.count(word) for word in ("backup", "drill", "gc")] == [15, 3, 15]
    assert made[:2] == ["backup", "drill"]
    assert len(world.app.backups.kept()) == 8
    assert world.open_alerts() == {}


def test_a_backup_that_fails_is_told_and_tried_again_in_an_hour(world: World) -> None:
    world.passes(world.housekeeping, 61)
    world.commands.end(code=1, error="the disk is full")
    world.passes(world.housekeeping, 1)
    assert world.open_alerts() == {
        "upkeep/backup": "store backup failed: the disk is full (uwf store backup)"
    }
    for _ in range(5):
        world.passes(world.housekeeping, 600)
    assert world.commands.begun == ["store backup"]
    world.passes(world.housekeeping, 700)
    assert world.commands.begun == ["store backup"] * 2
    world.app.backups.make()
    world.commands.end({"file": "x.db"})
    world.passes(world.housekeeping, 1)
    assert world.open_alerts() == {}


def test_what_nothing_needs_is_collected_at_a_quiet_hour(world: World) -> None:
    Path(world.app.home, "config.toml").write_text('[backup]\nevery = "off"\n')
    world.app.reload_config()

    def until_it_is_begun() -> datetime:
        while not world.commands.is_out:
            world.passes(world.housekeeping, 300)
        assert world.commands.begun[-1] == "store gc"
        world.app.upkeep.gc()
        world.commands.end({})
        at = datetime.fromtimestamp(world.ms / 1000)
        world.passes(world.housekeeping, 1)
        return at

    at = until_it_is_begun()
    assert (at.hour, at.minute < 11) == (4, True)
    world.daemon.running = frozenset({"01J"})
    assert until_it_is_begun() - at > timedelta(hours=26), "something runs at four"
    world.passes(world.housekeeping, 3 * DAY_S)  # the machine was off
    assert world.commands.begun.count("store gc") == 3


def test_clock_that_was_ahead_keeps_nothing_from_being_done(world: World) -> None:
    acts = {"drill": world.app.backups.drill, "gc": world.app.upkeep.gc}

    def done_within_days(days: int) -> list[str]:
        begun = len(world.commands.begun)
        for _ in range(days * 24 * 6):
            world.passes(world.housekeeping, 600)
            if world.commands.is_out:
                act = acts.get(world.commands.begun[-1].split()[-1], world.app.backups.make)
                act()  # type: ignore[operator]
                world.commands.end({})
        return [words.split()[-1] for words in world.commands.begun[begun:]]

    world.ms += 365 * DAY_S * 1000
    assert set(done_within_days(1)) == {"backup", "drill", "gc"}
    world.ms -= 365 * DAY_S * 1000
    made = done_within_days(3)
    assert [made.count(word) for word in ("backup", "drill", "gc")] == [3, 1, 4], "one gc at once"


def test_no_backup_is_made_where_none_is_wanted(world: World) -> None:
    Path(world.app.home, "config.toml").write_text(
        '[backup]\nevery = "off"\n[keep]\ncollect_at = "off"\n'
    )
    world.app.reload_config()
    for _ in range(5):
        world.passes(world.housekeeping, DAY_S)
    assert world.commands.begun == []


def test_a_home_without_a_store_has_nothing_to_back_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, monkeypatch)
    world.app.close()
    for file in tmp_path.glob("store.db*"):
        file.unlink()
    world.passes(world.housekeeping, DAY_S)
    world.passes(world.tending, DAY_S)
    assert "store backup" not in world.commands.begun


def test_a_command_runs_beside_the_loop_and_wakes_it(tmp_path: Path) -> None:
    woken: list[int] = []
    command = BackgroundCommand(str(tmp_path), lambda: woken.append(1), Stop())
    command.begin("doctor", "--only", "file")
    thread: Any = command._thread
    thread.join(60)
    ended = command.taken()
    assert ended is not None and (ended.code, ended.answer, woken) == (0, [], [1])
    assert command.taken() is None and not command.is_out
    command.begin("doctor", "--only", "nothing")
    thread = command._thread
    thread.join(60)
    ended = command.taken()
    assert ended is not None and ended.code == 4
    assert (ended.answer, ended.error.startswith("there is no check 'nothing'")) == (None, True)


def test_worktrees_that_are_done_with_are_removed_once_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("due_ms", "drill_due_ms"):
        monkeypatch.setattr(f"uwf.app.upkeep.backups.Backups.{name}", lambda _: None)
    monkeypatch.setattr(Housekeeping, "_collect_ms", lambda *_: None)
    world.passes(world.housekeeping, 61)
    assert world.commands.begun == []
    (Path(world.app.home) / "worktrees" / "T").mkdir(parents=True)
    world.passes(world.housekeeping, 601)
    assert world.commands.begun == ["worktree prune"]
    world.commands.end([])
    for seconds in (1, DAY_S - 2, 601):
        assert len(world.commands.begun) == 1
        world.passes(world.housekeeping, seconds)
    assert world.commands.begun == 2 * ["worktree prune"]
