"""Logs go by age and by size, and none that a process may still write to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers.ticking import Ticking
from uwf import clock
from uwf.config.records import KeepConfig
from uwf.engine.upkeep import retention
from uwf.record import replace
from uwf.store.leases import MemoryLeases

DAY_S = 86_400
RULES = KeepConfig()
THREADS = [clock.ulid(1_700_000_000_000 + n) for n in range(4)]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Ticking:
    ticking = Ticking()
    monkeypatch.setattr("uwf.clock.own_ms", ticking)
    return ticking


def put(home: Path, name: str, age_s: float, size_bytes: int = 10) -> None:
    path = home / "logs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * size_bytes)
    os.utime(path, (1_700_000_000 - age_s,) * 2)


def pruned(home: Path, rules: KeepConfig = RULES, leases: MemoryLeases | None = None) -> list[str]:
    gone = retention.prune(str(home), rules, leases or MemoryLeases())
    assert not {*os.listdir(home / "logs")} & {*gone}
    return sorted(gone)


def test_files_go_when_they_are_old(tmp_path: Path, now: Ticking) -> None:
    put(tmp_path, "2023-11-14-001.jsonl", 0)
    put(tmp_path, "2023-10-16-001.jsonl", 29 * DAY_S)
    put(tmp_path, "2023-10-14-001.jsonl", 31 * DAY_S)
    put(tmp_path, f"{THREADS[0]}.log", 13 * DAY_S)
    put(tmp_path, f"{THREADS[1]}.log", 15 * DAY_S)
    put(tmp_path, f"{THREADS[1]}.log.1", 16 * DAY_S)
    put(tmp_path, "mine.txt", 999 * DAY_S)
    dry = retention.prune(str(tmp_path), RULES, MemoryLeases(), dry_run=True)
    assert len(os.listdir(tmp_path / "logs")) == 7
    assert set(dry) == {"2023-10-14-001.jsonl", f"{THREADS[1]}.log", f"{THREADS[1]}.log.1"}
    assert pruned(tmp_path) == sorted(dry)
    assert pruned(tmp_path) == []


def test_the_oldest_go_when_there_is_too_much(tmp_path: Path, now: Ticking) -> None:
    for number in range(4):
        put(tmp_path, f"2023-11-14-{number:03d}.jsonl", 100 - number, 100)
        put(tmp_path, f"{THREADS[number]}.log", 10 * DAY_S - number, 100)
    rules = replace(RULES, log_size_bytes=200, output_size_bytes=250)
    assert pruned(tmp_path, rules) == sorted(
        ["2023-11-14-000.jsonl", f"{THREADS[0]}.log", f"{THREADS[1]}.log"]
    )


def test_what_may_be_written_to_stays(tmp_path: Path, now: Ticking) -> None:
    nothing = replace(RULES, log_size_bytes=1, output_size_bytes=1)
    put(tmp_path, "2023-11-14-001.jsonl", 999 * DAY_S)
    put(tmp_path, f"{THREADS[0]}.log", 999 * DAY_S)
    put(tmp_path, f"{THREADS[1]}.log", 3000)
    leases = MemoryLeases()
    lease = leases.take(THREADS[0])
    assert pruned(tmp_path, nothing, leases) == []
    assert lease is not None
    leases.release(lease)
    assert pruned(tmp_path, nothing, leases) == [f"{THREADS[0]}.log"]


def test_a_home_without_logs_has_none_to_remove(tmp_path: Path) -> None:
    assert retention.prune(str(tmp_path), RULES, MemoryLeases()) == []
