"""Which backups are kept, when the next is due, and that no bad one takes the place of a good one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.helpers.rig import Rig
from tests.helpers.ticking import Ticking
from uwf.config.records import BackupConfig
from uwf.engine.upkeep import backups
from uwf.engine.upkeep.backups import Drill
from uwf.errors import StoreError
from uwf.record import replace
from uwf.store.sqlite import SqliteStore, open_store

DAY_MS = 86_400_000
RULES = BackupConfig()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Ticking:
    ticking = Ticking(ms=1_700_000_000_000)  # a Tuesday
    monkeypatch.setattr("uwf.clock.now_ms", ticking)
    return ticking


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SqliteStore]:
    store = open_store(str(tmp_path / "store.db"))
    with store.transaction("test") as tx:
        tx.set_ref("a", tx.put("k", 1), tags={}, why="test")
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "kept")


def days(folder: str) -> list[str]:
    kept = (datetime.fromtimestamp(one.at / 1000, UTC) for one in backups.kept(folder))
    return [f"{one:%Y-%m-%d}" for one in kept]


def test_of_a_hundred_days_seven_days_and_four_weeks_are_kept(
    disk: SqliteStore, folder: str, now: Ticking
) -> None:
    os.makedirs(folder)
    for _ in range(100):
        Path(folder, backups.name_of(now.ms)).touch()
        now.ms += DAY_MS
        backups.prune(folder, RULES)
    assert days(folder) == [
        *("2024-02-04", "2024-02-11"),  # Sundays, the last days of weeks
        *("2024-02-15", "2024-02-16", "2024-02-17", "2024-02-18"),
        *("2024-02-19", "2024-02-20", "2024-02-21"),
    ]
    few = replace(RULES, keep_daily=1, keep_weekly=0)
    backups.prune(folder, few)
    assert days(folder) == ["2024-02-21"]


def test_only_backups_are_counted_and_removed(folder: str, now: Ticking) -> None:
    os.makedirs(folder)
    for name in (
        "store-20200101T000000.000Z.db",
        "store-20210101T000000.000Z.db",
        "mine.db",
        "store.db",
    ):
        Path(folder, name).touch()
    os.makedirs(Path(folder, "store-20190101T000000.000Z.db"))
    removed = backups.prune(folder, replace(RULES, keep_daily=1, keep_weekly=0))
    assert [os.path.basename(path) for path in removed] == ["store-20200101T000000.000Z.db"]
    assert sorted(os.listdir(folder)) == [
        *("mine.db", "store-20190101T000000.000Z.db", "store-20210101T000000.000Z.db", "store.db"),
    ]


def test_several_of_one_second_have_names_of_their_own(
    disk: SqliteStore, folder: str, now: Ticking
) -> None:
    made = [backups.make(disk, folder) for _ in range(3)]
    assert len({one.file for one in made}) == 3
    assert [one.file for one in backups.kept(folder)] == sorted(one.file for one in made)
    store = open_store(made[-1].file, create=False)
    assert store.ref("a") is not None
    store.close()


def test_one_that_is_not_sound_is_not_kept(disk: SqliteStore, folder: str) -> None:
    good = backups.make(disk, folder)
    disk._database.run("UPDATE object SET data = x'00'")
    with pytest.raises(StoreError, match="is not sound") as error:
        backups.make(disk, folder)
    assert (error.value.code, error.value.hint) == ("backup_damaged", "uwf store verify --deep")
    assert os.listdir(folder) == [os.path.basename(good.file)]


def test_the_next_is_due_a_day_after_the_newest(
    disk: SqliteStore, folder: str, now: Ticking
) -> None:
    assert backups.due_ms(folder, RULES) == 0
    made = backups.make(disk, folder)
    assert backups.due_ms(folder, RULES) == made.at + DAY_MS
    assert backups.due_ms(folder, replace(RULES, every_s=None)) is None


def test_clock_that_was_ahead_keeps_no_backup_from_being_made_and_kept(
    disk: SqliteStore, folder: str, now: Ticking
) -> None:
    now.ms += 365 * DAY_MS
    for _ in range(7):
        ahead = backups.make(disk, folder)
        now.ms += DAY_MS
    assert backups.newest(folder) == ahead
    now.ms -= 372 * DAY_MS
    assert backups.due_ms(folder, RULES) == 0
    made = backups.make(disk, folder)
    assert backups.prune(folder, RULES) == []
    assert (backups.newest(folder), len(backups.kept(folder))) == (made, 8)
    assert backups.due_ms(folder, RULES) == made.at + DAY_MS


def test_old_backups_and_a_failed_drill_are_found(rig: Rig, now: Ticking) -> None:
    assert rig.doctor("backup") == [], "nobody has made one"
    folder = backups.folder_of(rig.engine.home, rig.engine.config.backup)
    os.makedirs(folder)
    Path(folder, backups.name_of(now.ms)).touch()
    assert rig.doctor("backup") == []
    now.ms += 2 * DAY_MS + 60_000
    [finding] = rig.doctor("backup")
    assert (finding.subject, finding.hint) == ("newest", "uwf store backup")
    assert finding.what.endswith(" old")
    backups.note_drill(rig.store, Drill(now.ms, "x.db", 5, None, "it is torn"))
    assert [one.subject for one in rig.doctor("backup")] == ["newest", "drill"]
    backups.note_drill(rig.store, Drill(now.ms, "x.db", 5, "T"))
    assert [one.subject for one in rig.doctor("backup")] == ["newest"]


def test_what_a_killed_drill_has_left_goes_with_the_next(tmp_path: Path) -> None:
    left = tmp_path / f"drill.new-{2**22 + 1}"
    left.mkdir()
    (tmp_path / "drill.new-x").mkdir()
    folder = backups.drill_folder(str(tmp_path))
    assert sorted(path.name for path in tmp_path.glob("drill*")) == sorted(
        ["drill.new-x", os.path.basename(folder)]
    )
