"""A killed command is done or not done, and in nobody's way: the short version of `scripts/crash`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import reading
from tests.crash.before import LIVELY, crashed, started
from tests.crash.campaign import Campaign, Planned
from tests.crash.processes import wait_until
from tests.crash.scenarios import SCENARIOS, Scenario
from tests.crash.trial import Verdict
from tests.crash.world import World


def kill(scenario: Scenario, folder: Path) -> list[Verdict]:
    """At one of its points, and once at a random instant: `scripts/crash` kills at every one."""
    campaign = Campaign(folder)
    seed = int.from_bytes(scenario.name.encode()[-4:], "big")
    point = scenario.points[seed % len(scenario.points)]
    planned = [
        Planned(scenario, point, 0.0, False, 0),
        Planned(scenario, None, seed % 997 / 997, seed % 2 == 0, seed),
    ]
    return list(campaign.run_all(planned, jobs=1))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_killed_command_is_done_or_not_done(scenario: Scenario, tmp_path: Path) -> None:
    verdicts = kill(scenario, tmp_path)
    assert [(verdict.kill, verdict.violations) for verdict in verdicts if verdict.violations] == []
    not_reached = [verdict.kill.at for verdict in verdicts[:-1] if not verdict.reached]
    assert not_reached == [], "a point that its scenario does not come to proves nothing"


@pytest.mark.parametrize("verb", ["stop", "cancel", "undo"])
def test_any_command_that_changes_a_thread_ends_what_was_left_behind(
    verb: str, tmp_path: Path
) -> None:
    world = World.make(tmp_path / "world")
    try:
        started(world)
        world.must("thread", "exec", "@last")
        crashed(world)
        world.must("thread", verb, "@last")
        assert world.alive() == {}
    finally:
        world.sweep()


def test_who_waits_for_a_thread_takes_over_from_a_killed_run(tmp_path: Path) -> None:
    world = World.make(tmp_path / "world")
    try:
        started(world)
        dying = world.start(
            *("thread", "exec", "@last"), agent=LIVELY, env={"UWF_CRASH_AT": "agent: ended"}
        )
        wait_until(lambda: world.agent_runs(), "its agent runs")
        waiting = world.must("thread", "exec", "@last", "--wait", "30")
        assert dying.end().was_killed
        [answer] = waiting.answers
        [step] = reading.step_rows(world)
        assert (answer["step"], answer["status"]) == (step["step"], "idle")
        assert [attempt["error"]["code"] for attempt in step["failedAttempts"]] == ["interrupted"]
        assert world.alive() == {}
    finally:
        world.sweep()
