"""Of machines that share a store: whose clock is off, as all of them see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.rig import Rig
from tests.helpers.ticking import Ticking
from uwf import clock
from uwf.engine.upkeep.health import clocks
from uwf.store.sqlite import SqliteStore, open_store

DAY_MS = 86_400_000


@pytest.fixture
def shared(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(SqliteStore, "is_shared", True)
    monkeypatch.setattr(type(rig.store.leases), "host", "box")
    return rig


def noted(rig: Rig) -> dict[str, int]:
    return {each.host: each.off_ms for each in clocks.clocks_off(rig.store)}


def test_a_clock_that_is_off_is_a_finding_on_its_machine_and_noted_for_the_others(
    shared: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shared.doctor("skew", repair=True) == []
    monkeypatch.setattr(clock, "off_ms", lambda: 90_000)
    [finding] = shared.doctor("skew")
    assert "is 1m30s ahead of that of the database" in finding.what
    assert (finding.hint, finding.is_note, noted(shared)) == ("timedatectl set-ntp true", False, {})
    shared.doctor("skew", repair=True)
    assert noted(shared) == {"box": 90_000}
    monkeypatch.setattr(clock, "off_ms", lambda: 0)
    assert shared.doctor("skew", repair=True) == []
    assert noted(shared) == {}


def test_what_others_have_noted_is_found_for_a_day(shared: Rig, now: Ticking) -> None:
    clocks.note(shared.store, "ant", -7_200_000)
    [finding] = shared.doctor("skew")
    assert finding.what.startswith("the clock of ant is 2h behind that of the database")
    now.ms += DAY_MS + 1000
    assert shared.doctor("skew") == []
    clocks.note(shared.store, "bee", 0)
    assert shared.store.counters(clocks.OFF) == []


def test_what_another_machine_says_meanwhile_stays(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks.note(rig.store, "ant", 5000)
    plain = rig.store.counters

    def counters(prefix: str) -> list[tuple[str, Any]]:
        found = plain(prefix)
        monkeypatch.setattr(rig.store, "counters", plain)
        clocks.note(rig.store, "ant", 0)
        return found

    monkeypatch.setattr(rig.store, "counters", counters)
    clocks.note(rig.store, "bee", 7000)
    assert noted(rig) == {"bee": 7000}


def test_a_store_of_one_machine_has_no_other_clock(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "off_ms", lambda: 90_000)
    assert rig.doctor("skew", repair=True) == []


KILLED = """
import sys
from uwf import points
from uwf.engine.upkeep.health import clocks
from uwf.store.sqlite import open_store
store = open_store(sys.argv[1])
points.arm(sys.argv[2])
clocks.note(store, "ant", 5000)
"""


@pytest.mark.parametrize(
    "at", ["health skew: begun", "health skew: written", "health skew: done", ""]
)
def test_killed_anywhere_it_is_noted_or_not(tmp_path: Path, at: str) -> None:
    path = str(tmp_path / "store.db")
    open_store(path).close()
    words = [sys.executable, "-c", KILLED, path, at]
    done = subprocess.run(words, cwd=Path(__file__).parents[3])
    assert done.returncode == (-9 if at else 0)
    store = open_store(path)
    assert len(store.counters(clocks.OFF)) == (at in ("health skew: done", ""))
    store.close()
