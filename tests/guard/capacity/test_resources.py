"""What the machine can bear: figures in every refusal, and agents that are learned by their peaks."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import pytest

from tests.guard.asking import Time, end, good, host, refused, request
from uwf.guard.capacity import machine
from uwf.guard.capacity.machine import Left
from uwf.guard.capacity.resources import PEAKS, Resources
from uwf.record import replace
from uwf.store.sqlite import SqliteStore, open_in_memory

MB = 1 << 20
Rules = Resources.Rules
PLENTY = Left(memory_bytes=64_000 * MB, disk_bytes=64_000 * MB, cpus=8.0, stalled_percent=0.0)


def check(left: Left, *, rules: Rules | None = None, starting: int = 0, **fields: object) -> None:
    with mock.patch("uwf.guard.capacity.machine.look", lambda home: left):
        Resources(host(open_in_memory(), rules or Rules())).check(request(**fields), starting)


def test_plenty_refuses_nobody() -> None:
    check(PLENTY)
    check(PLENTY, rules=Rules(reserve_cpus=2.0))


def test_figures_that_the_platform_does_not_give_refuse_nobody() -> None:
    check(Left(None, None, None, None), rules=Rules(reserve_cpus=2.0))


def test_memory_is_kept_for_two_people_and_for_those_that_have_just_begun() -> None:
    left = replace(PLENTY, memory_bytes=1499 * MB)
    assert refused(lambda: check(left)).message == (
        "1499MiB of memory are free; a step of mine takes 500MiB, with that and 2 slots kept for people "
        "1500MiB are needed"
    )
    check(replace(PLENTY, memory_bytes=1500 * MB))
    check(replace(PLENTY, memory_bytes=500 * MB), person=True)
    assert refused(
        lambda: check(replace(PLENTY, memory_bytes=1999 * MB), person=True, starting=3)
    ).message == (
        "1999MiB of memory are free; a step of mine takes 500MiB, with that and 3 begun a moment ago "
        "2000MiB are needed"
    )


def test_one_of_a_kind_is_told_as_one() -> None:
    left = replace(PLENTY, memory_bytes=1 * MB)
    assert (
        "with that and 1 begun a moment ago and 1 slot kept for people 1500MiB"
        in refused(lambda: check(left, rules=Rules(seats=1), starting=1)).message
    )


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ({"cpus": 0.4}, "the load leaves 0.4 CPUs; 0.5 must stay free"),
        ({"cpus": -7.0}, "the load leaves 0.0 CPUs"),
        ({"stalled_percent": 20.5}, "the machine waits for memory 20 % of the time; 20 % is the"),
        ({"disk_bytes": 255 * MB}, "255MiB of disk are free; 256MiB must stay free"),
    ],
)
def test_each_floor_is_told_with_its_figure(left: dict[str, float], words: str) -> None:
    refusal = refused(lambda: check(replace(PLENTY, **left), rules=Rules(reserve_cpus=0.5)))
    assert refusal.reason == "server_overloaded"
    assert refusal.message.startswith(words)


def tell(store: SqliteStore, peak_mb: int, agent: str = "mine") -> None:
    outcome = good(peak_bytes=peak_mb * MB)
    end(Resources(host(store)), outcome, store, request(agent=agent))


def expected_mb(store: SqliteStore) -> int:
    return Resources(host(store)).expected_bytes("mine") // MB


def test_an_agent_is_learned_by_its_peaks(store: SqliteStore, time: Time) -> None:
    assert expected_mb(store) == 500
    tell(store, 40)
    assert expected_mb(store) == 40
    tell(store, 2000)
    assert expected_mb(store) == 2000
    tell(store, 1000)
    assert expected_mb(store) == 1800
    tell(store, 0)  # nothing was measured
    assert expected_mb(store) == 1800


def test_agent_that_once_seemed_too_large_gets_another_chance(
    store: SqliteStore, time: Time
) -> None:
    tell(store, 100_000)
    time.pass_s(3600)
    assert expected_mb(store) == 90_050
    time.pass_s(3 * 86_400)
    assert 500 <= expected_mb(store) < 600
    time.jump_s(-30 * 86_400)
    assert expected_mb(store) == 100_000


def test_small_agent_is_not_forgotten_by_time(store: SqliteStore, time: Time) -> None:
    tell(store, 40)
    time.pass_s(29 * 86_400)
    assert expected_mb(store) == 40


def test_peaks_of_agents_that_nobody_uses_go(store: SqliteStore, time: Time) -> None:
    for number in range(40):
        tell(store, 10, f"./run --once {number}")
        time.pass_s(7 * 86_400)
    assert len(store.counters(PEAKS)) <= 6


@pytest.mark.parametrize("value", [None, "?", 7, [], {}, {"bytes": 5}])
def test_peak_that_cannot_be_read_is_learned_anew(value: object) -> None:
    store = open_in_memory()
    tell(store, 40)
    ((name, _),) = store.counters(PEAKS)
    with store.transaction("test") as tx:
        tx.set_counter(name, value)
    assert expected_mb(store) == 500
    tell(store, 30)
    assert expected_mb(store) == 30


def test_this_machine_has_figures(tmp_path: Path) -> None:
    left = machine.look(str(tmp_path))
    assert left.disk_bytes is not None
    assert left.disk_bytes > 0
    assert left.cpus is not None
    assert left.cpus <= (os.cpu_count() or 1)
    if os.path.exists("/proc/meminfo"):
        assert left.memory_bytes is not None
        assert left.memory_bytes > MB


def test_machine_without_figures_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_read", lambda path: "")
    left = machine.look(str(tmp_path / "gone"))
    assert (left.memory_bytes, left.disk_bytes, left.stalled_percent) == (None, None, None)


MEMINFO = "MemTotal:       64000000 kB\nMemAvailable:   32000000 kB\n"
V2 = "/sys/fs/cgroup"
V1 = "/sys/fs/cgroup/memory"


@pytest.mark.parametrize(
    ("files", "left_mb"),
    [
        ({}, 31250),
        ({"/proc/self/cgroup": "0::/\n"}, 31250),
        (
            {
                "/proc/self/cgroup": "0::/\n",
                f"{V2}/memory.max": "2147483648\n",
                f"{V2}/memory.current": str(1500 * MB),
                f"{V2}/memory.stat": f"anon 5\ninactive_file {500 * MB}\n",
            },
            1048,
        ),
        (  # the limit of the group above counts, too
            {
                "/proc/self/cgroup": "1:cpu:/x\n0::/user/one\n",
                f"{V2}/user/one/memory.max": "max\n",
                f"{V2}/user/memory.max": str(100 * MB),
                f"{V2}/user/memory.current": str(200 * MB),
            },
            0,
        ),
        (  # version 1; a container sees its own group at the root, and a path of the host
            {
                "/proc/self/cgroup": "4:cpu,memory:/docker/1234\n3:cpuset:/\n",
                f"{V1}/memory.limit_in_bytes": str(1000 * MB),
                f"{V1}/memory.usage_in_bytes": str(900 * MB),
                f"{V1}/memory.stat": f"inactive_file 1\ntotal_inactive_file {300 * MB}\n",
            },
            400,
        ),
        (
            {
                "/proc/self/cgroup": "4:memory:/\n",
                f"{V1}/memory.limit_in_bytes": "9223372036854771712\n",
            },
            31250,
        ),
    ],
)
def test_container_with_a_limit_has_what_is_left_of_it(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], left_mb: int
) -> None:
    monkeypatch.setattr(
        machine, "_read", lambda path: {"/proc/meminfo": MEMINFO, **files}.get(path, "")
    )
    memory_bytes = machine.look("/").memory_bytes
    assert memory_bytes is not None
    assert memory_bytes // MB == left_mb


def test_pressure_is_that_of_all_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "some avg10=73.10 avg60=50.00 avg300=20.00 total=123\n"
        "full avg10=41.27 avg60=30.00 avg300=10.00 total=99\n"
    )
    files = {"/proc/pressure/memory": text}
    monkeypatch.setattr(machine, "_read", lambda path: files.get(path, ""))
    assert machine.look("/").stalled_percent == 41.27


@pytest.mark.parametrize("reserve_cpus", [None, 1.0])
def test_that_the_cpus_refuse_nothing_is_said_where_their_figure_stands(
    reserve_cpus: float | None,
) -> None:
    guard = Resources(host(open_in_memory(), Resources.Rules(reserve_cpus=reserve_cpus)))
    status = guard.status()
    assert status is not None
    (line,) = [line for line in status.lines if line.name == "cpus free"]
    assert (line.note == "refuses nothing (limits.reserve_cpus)") == (reserve_cpus is None)
    assert line.limit == reserve_cpus and line.at_least
