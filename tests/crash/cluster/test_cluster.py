"""The short version of `scripts/crash --cluster`: a fault of the main kinds each, and what must hold after them."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest

from tests.crash.cluster import storm, watching
from tests.crash.cluster.checks import KINDS as VIOLATIONS
from tests.crash.cluster.checks import check_runs, check_words
from tests.crash.cluster.faults import KINDS, Fault, plan
from tests.crash.cluster.storm import Storm, rage, table
from tests.crash.cluster.work import Word
from tests.helpers import postgres
from uwf.store.values import Move

SHORT = [
    "run killed at a point",
    "leader killed",
    "run frozen, its agent ends",
    "worker killed at a point",
    "wire cut, an agent hangs",
    "run killed at a point",
    "database restarted in a publish",
    "run killed, its agent hangs",
    "run killed at a point",
]


def test_whatever_fails_each_step_is_published_once_and_nothing_is_lost() -> None:
    why = postgres.missing()
    if why is not None:
        pytest.skip(f"no PostgreSQL: {why}")
    storm = rage(list(SHORT), 1, active=5)
    assert storm.found == [], table(storm)
    assert storm.reached == len(SHORT), table(storm)
    assert storm.threads > 0


def test_each_kind_of_fault_comes_whatever_the_seed() -> None:
    for seed in range(5):
        assert set(plan(100, seed)) == set(KINDS)
        assert plan(500, seed) == plan(500, seed)
        assert len(plan(500, seed)) == 500


def test_a_run_that_writes_again_after_another_one_is_seen() -> None:
    name = "@uwf/thread/01ARZ3NDEKTSV4RRFFQ69G5FAV"
    a, b, person = "pid 1 on box-1", "pid 1 on box-2", "pid 9 on desk"
    runs = {("box-1", 1), ("box-2", 1)}
    fine: list[tuple[str, str]] = []
    check_runs([move(name, each) for each in (a, a, person, a, b, b)], runs, fine)
    assert fine == []
    found: list[tuple[str, str]] = []
    check_runs([move(name, each) for each in (a, b, a)], runs, found)
    assert [kind for kind, _ in found] == ["zombie"]


def test_a_word_that_is_lost_or_told_twice_is_seen() -> None:
    sure, unsure = Word("<word-0>", "T", True, True), Word("<word-1>", "T", False, False)
    for times, kinds in (((1, 0), []), ((1, 1), []), ((0, 0), ["event"]), ((1, 2), ["word"])):
        found: list[tuple[str, str]] = []
        told = Counter({("T", "<word-0>"): times[0], ("T", "<word-1>"): times[1]})
        check_words([sure, unsure], +told, found)
        assert [kind for kind, _ in found] == kinds


def test_an_agent_that_lives_on_without_a_lease_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"what": "begin", "mark": "m", "thread": "T", "host": "box-1", "pid": 7, "run": 6}
    held, other, now = {("box-1", 6, "T")}, {("box-2", 6, "T")}, [0.0]
    time = SimpleNamespace(monotonic=lambda: now[0], time=lambda: now[0])
    machines = SimpleNamespace(holders=lambda: held, lines=lambda name: [line])
    gremlins = SimpleNamespace(frozen=set())
    monkeypatch.setattr(watching, "time", time)
    monkeypatch.setattr(watching, "_is_alive", lambda pid: True)
    watch = watching.Watch(machines, gremlins)

    def outlived_after(seconds: float) -> list[int]:
        watch.look()
        now[0] += seconds
        watch.look()
        return list(watch.outlived)

    assert outlived_after(100.0) == [], "its run has the thread"
    machines.holders, gremlins.frozen = lambda: other, {6}
    assert outlived_after(100.0) == [], "its run can do nothing"
    gremlins.frozen = set()
    assert outlived_after(watching.BOUND_S) == []
    assert outlived_after(1.0) == [7]


def test_a_violation_fails_the_script_and_stands_in_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = [Fault("worker killed", "box-1", "", 0.0, True, "")]
    monkeypatch.setattr(postgres, "missing", lambda: None)
    for found, code in (([], 0), ([("zombie", "it writes")], 1)):
        monkeypatch.setattr(storm, "rage", lambda *_, found=found, **__: result(done, found))
        assert storm.main(1, 1, None) == code
        told = capsys.readouterr().out
        assert f"zombie      {len(found) or '·':>5}" in told
    monkeypatch.setattr(storm, "rage", lambda *_, **__: result(done, []))
    assert storm.main(2, 1, None) == 1, "a fault that did not come about"
    assert {kind for kind in VIOLATIONS if f"\n{kind} " in told} == set(VIOLATIONS)


def result(faults: list[Fault], found: list[tuple[str, str]]) -> Storm:
    return Storm(faults, found, 3, 3, 0, 0.0, 1.0)


def move(name: str, process: str) -> Move:
    return Move(name, 1, None, "00", {}, 0, "", process)
