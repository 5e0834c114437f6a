"""The long version kills at every point, can be repeated, and fails when anything was violated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash import campaign
from tests.crash.campaign import Planned, plan
from tests.crash.scenarios import SCENARIOS
from tests.crash.trial import Kill, Verdict

POINTS = {(scenario.name, point) for scenario in SCENARIOS for point in scenario.points}


def test_every_point_is_killed_at_whatever_the_seed() -> None:
    for seed in range(5):
        planned = plan(len(POINTS) + 30, seed)
        assert {(each.scenario.name, each.point) for each in planned if each.point} == POINTS
        assert sum(each.point is None for each in planned) == 30


def test_every_command_is_killed_at_random_instants_and_in_calls() -> None:
    random = [each for each in plan(2000, 1) if each.point is None]
    for in_a_call in (False, True):
        names = {each.scenario.name for each in random if each.in_a_call == in_a_call}
        assert names == {scenario.name for scenario in SCENARIOS}


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan(300, 7) == plan(300, 7)
    assert plan(300, 7) != plan(300, 8)


def test_for_an_instant_that_was_too_late_another_is_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[Planned]] = []

    def run_all(self: object, planned: list[Planned], jobs: int) -> Iterator[Verdict]:
        asked.append(planned)
        for each in planned:
            kill = Kill(each.point) if each.point else Kill(delay_s=each.instant)
            yield verdict(kill, reached=each.point is not None or len(asked) > 1)

    monkeypatch.setattr(campaign.Campaign, "run_all", run_all)
    monkeypatch.setattr(campaign, "_play_scenes", lambda *_: [])
    assert campaign.main(kills=len(POINTS) + 3, seed=1, jobs=1) == 0
    assert [len(planned) for planned in asked] == [len(POINTS) + 3, 3]
    assert not any(each.point for each in asked[1])
    assert f"{len(POINTS) + 3} kills in" in capsys.readouterr().out


def test_a_scene_that_goes_wrong_fails_the_script(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = verdict(Kill("step: done"))
    monkeypatch.setattr(campaign.Campaign, "run_all", lambda *_: iter([one]))
    monkeypatch.setattr(campaign, "_play_scenes", lambda *_: ["full, seed 1: it is lost"])
    assert campaign.main(kills=1, seed=1, jobs=1) == 1
    assert "full, seed 1: it is lost" in (told := capsys.readouterr().out)
    assert "1 violations" in told


def verdict(kill: Kill, *, reached: bool = True, violation: str = "") -> Verdict:
    violations = ((violation, "it was"),) if violation else ()
    return Verdict("exec", kill, reached, False, violations, None)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (verdict(Kill("step: done")), 0),
        (verdict(Kill(delay_s=9.0), reached=False), 0),
        (verdict(Kill("step: done"), violation="lost"), 1),
        (verdict(Kill(delay_s=0.1), violation="alive"), 1),
        (verdict(Kill("step: done"), reached=False), 1),
    ],
    ids=["all well", "an instant too late", "lost", "alive", "a point not reached"],
)
def test_a_violation_fails_the_script_and_stands_in_the_table(
    found: Verdict, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_all(self: object, planned: list[Planned], jobs: int) -> Iterator[Verdict]:
        yield found

    monkeypatch.setattr(campaign.Campaign, "run_all", run_all)
    assert campaign.main(kills=1, seed=1, jobs=1) == code
    told = capsys.readouterr().out
    heads, row = told.splitlines()[:2]
    for kind, text in found.violations:
        place = heads.index(kind)
        assert row[place : place + len(kind)].strip() == "1"
        assert f"{kind}: exec" in told and text in told
