"""Many kills: every point in turn, and random instants, on all cores; and the table of what came of them."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.crash import disk
from tests.crash.scenarios import SCENARIOS, Scenario
from tests.crash.scenes import SCENES
from tests.crash.scenes import play as play_scene
from tests.crash.trial import (
    AT_A_CALL,
    AT_AN_INSTANT,
    KINDS,
    Baseline,
    Kill,
    Verdict,
    attempt,
    count_calls,
    prepare,
)

POINT_SHARE = 0.4
"""How many of the kills are at named points; the others are at random instants."""
CALL_SHARE = 0.4
"""How many of those are in a system call, which is where the disk changes."""

MOST_ROUNDS = 5
SCENES_OF = 50
"""For so many kills each scene is played once."""


class Planned(NamedTuple):
    """A kill at a point, or else at a random `instant`: a fraction of the time that the command takes, or of the
    system calls that it makes."""

    scenario: Scenario
    point: str | None
    instant: float
    in_a_call: bool
    seed: int


def plan(
    kills: int, seed: int, scenarios: tuple[Scenario, ...] = SCENARIOS, *, at_points: bool = True
) -> list[Planned]:
    """Which kills to make. Every point at least once when `kills` allows it, whatever the seed; or, not `at_points`,
    at random instants alone.
    """
    chance = random.Random(seed)
    points = [(scenario, point) for scenario in scenarios for point in scenario.points]
    pointed = max(round(kills * POINT_SHARE), min(kills, len(points))) if at_points else 0
    planned = []
    for number in range(kills):
        own_seed = chance.getrandbits(32)
        if number < pointed:
            scenario, point = points[number % len(points)]
            planned.append(Planned(scenario, point, 0.0, False, own_seed))
        else:
            scenario = scenarios[number % len(scenarios)]
            instant, in_a_call = chance.random(), chance.random() < CALL_SHARE
            planned.append(Planned(scenario, None, instant, in_a_call, own_seed))
    return planned


class Campaign:
    """Runs planned kills in folders of their own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun = 0
        self._baselines: dict[str, Baseline] = {}
        self._calls: dict[str, int] = {}
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def run(self, planned: Planned, number: int) -> Verdict:
        baseline = self.baseline(planned.scenario)
        kill = Kill(planned.point)
        calls = self._calls_of(planned.scenario, baseline) if planned.in_a_call else 0
        if calls:
            kill = Kill(call=1 + int(planned.instant * calls))
        elif not planned.point:
            kill = Kill(delay_s=max(0.001, planned.instant * baseline.took_s))
        folder = self._folder / f"kill-{number}"
        return attempt(planned.scenario, baseline, kill, folder, planned.seed)

    def baseline(self, scenario: Scenario) -> Baseline:
        with self._locks[scenario.name]:
            if scenario.name not in self._baselines:
                folder = self._folder / f"scenario-{len(self._baselines)}-{os.urandom(3).hex()}"
                self._baselines[scenario.name] = prepare(scenario, folder)
            return self._baselines[scenario.name]

    def _calls_of(self, scenario: Scenario, baseline: Baseline) -> int:
        with self._locks[scenario.name]:
            if scenario.name not in self._calls:
                folder = self._folder / f"counted-{len(self._calls)}-{os.urandom(3).hex()}"
                self._calls[scenario.name] = count_calls(scenario, baseline, folder)
            return self._calls[scenario.name]

    def run_all(self, planned: list[Planned], jobs: int) -> Iterator[Verdict]:
        numbers = range(self._begun, self._begun + len(planned))
        self._begun += len(planned)
        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(self.run, planned, numbers)


def table(verdicts: list[Verdict]) -> str:
    """A line for each scenario and point: how often it was killed, what was found, and what was wrong."""
    rows: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    order = {scenario.name: number for number, scenario in enumerate(SCENARIOS)}
    for verdict in sorted(verdicts, key=lambda each: order[each.scenario]):
        rows[verdict.scenario, verdict.kill.at].append(verdict)
    rows["all", ""] = verdicts
    heads = ("scenario", "killed at", "kills", "too late", "old", "new", *KINDS)
    cells = [heads, *(_cells(*key, group) for key, group in rows.items())]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(_aligned, row, widths)).rstrip() for row in cells]
    return "\n".join([*lines[:-1], "", lines[-1]])


def _cells(scenario: str, at: str, group: list[Verdict]) -> tuple[str, ...]:
    killed = [verdict for verdict in group if verdict.reached]
    new = sum(verdict.new for verdict in killed)
    kinds = [sum(kind in dict(verdict.violations) for verdict in group) for kind in KINDS]
    late = len(group) - len(killed)
    counts = (len(killed), late, len(killed) - new, new, *kinds)
    return (scenario, at, *(str(count) if count else "·" for count in counts))


def _aligned(cell: str, width: int) -> str:
    return cell.rjust(width) if cell.isdigit() or cell == "·" else cell.ljust(width)


def main(kills: int, seed: int, jobs: int) -> int:
    """Run a campaign and print its table; 0 when nothing was violated and every point was reached.

    A random instant may turn out to be after the end of the command; as many others are tried then.
    """
    began_s = time.monotonic()
    planned = plan(kills, seed)
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="uwf-crash-") as folder:
        campaign = Campaign(Path(folder))
        for again in range(1, 1 + MOST_ROUNDS):
            for verdict in campaign.run_all(planned, jobs):
                verdicts.append(verdict)
                _tell_progress(verdicts, kills)
            late = kills - sum(verdict.reached for verdict in verdicts)
            planned = plan(late, seed + again, at_points=False)
            if not planned:
                break
        lost = _play_scenes(Path(folder), kills // SCENES_OF, seed, jobs)
    print(table(verdicts))
    print(f"\nand {kills // SCENES_OF} times each: {', '.join(scene.__name__ for scene in SCENES)}")
    violations = [(verdict, *found) for verdict in verdicts for found in verdict.violations]
    instants = (AT_AN_INSTANT, AT_A_CALL)
    missed = [each for each in verdicts if not each.reached and each.kill.at not in instants]
    for verdict, kind, text in violations:
        print(f"\n{kind}: {verdict.scenario}, {verdict.kill}: {text}")
    for what in lost:
        print(f"\n{what}")
    for verdict in missed:
        print(f"\nnot reached: {verdict.scenario}, {verdict.kill.at}")
    took_s = time.monotonic() - began_s
    killed = sum(verdict.reached for verdict in verdicts)
    print(
        f"\n{killed} kills in {took_s:.0f} s, seed {seed}: {len(violations) + len(lost)} violations"
    )
    return 1 if violations or missed or lost else 0


def _play_scenes(folder: Path, times: int, seed: int, jobs: int) -> list[str]:
    """Each scene so many times; what was violated, in words."""
    if not disk.can_fail():
        return []
    plays = [(scene, seed + time) for scene in SCENES for time in range(times)]
    with ThreadPoolExecutor(jobs) as pool:
        worlds = (folder / f"scene-{number}" for number in range(len(plays)))
        found = pool.map(lambda play, world: play_scene(play[0], world, play[1]), plays, worlds)
        lost = [what for violations in found for what in violations]
    return lost


def _tell_progress(verdicts: list[Verdict], total: int) -> None:
    if sys.stderr.isatty():
        bad = sum(bool(verdict.violations) for verdict in verdicts)
        killed = sum(verdict.reached for verdict in verdicts)
        print(f"\r{killed} of {total}, {bad} with violations ", end="", file=sys.stderr)
        if killed == total:
            print(file=sys.stderr)
