"""One kill, and everything that must hold after it.

verify      `store verify --deep` finds nothing wrong, and the refs are what their log says
head        what moves is at an old or a new state of an undisturbed run, never between
show        `thread show` answers at once, and says what the store says
lost        what was acknowledged (a line of JSON that was printed whole) is there; received turns are kept
doubled     no step was done twice, no agent was asked again for what was done
alive       after the next command no process of an agent lives
supplement  what a person said is in the prompt of the next role
obstacle    going on works, and comes to the end that an undisturbed run comes to
"""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.crash import checks, disk, reading
from tests.crash.going_on import past
from tests.crash.processes import POLL_S, Ended, Obstacle, Running
from tests.crash.scenarios import Scenario
from tests.crash.world import World

AT_AN_INSTANT = "(any instant)"
AT_A_CALL = "(any system call)"
LOOKED_AT = 0.7
"""After how many of the kills somebody looks first; after the others `next` is the first to open the store again."""
KINDS = ("verify", "head", "show", "lost", "doubled", "alive", "supplement", "obstacle")


class Baseline(NamedTuple):
    """What an undisturbed run of a scenario comes to."""

    template: World
    took_s: float
    states: tuple[Any, ...]
    end: Any


class Kill(NamedTuple):
    """At a named point; or `delay_s` seconds after the command was started; or in its n-th call that reads or
    changes a file of the home, of which only half is done when it is a write."""

    point: str | None = None
    delay_s: float = 0.0
    call: int = 0

    @property
    def at(self) -> str:
        return self.point or (AT_A_CALL if self.call else AT_AN_INSTANT)

    def environ(self, world: World) -> dict[str, str]:
        if self.call:
            return disk.fault(f"tear any {self.call}", f"{world.home}/")
        return {"UWF_CRASH_AT": self.point} if self.point else {}


class Fault(NamedTuple):
    """The disk fails instead: `order` is that of faults.c, for files of the home whose path goes on with `file`."""

    order: str
    file: str = ""
    delay_s: float = 0.0

    @property
    def at(self) -> str:
        return f"({self.order})"

    def environ(self, world: World) -> dict[str, str]:
        return disk.fault(self.order, f"{world.home}/{self.file}")


class Verdict(NamedTuple):
    """How one kill went. `reached` is false when the command had ended before it could be killed.

    `ended` is None when not even that could be found out.
    """

    scenario: str
    kill: Kill | Fault
    reached: bool
    new: bool
    violations: tuple[tuple[str, str], ...]
    ended: Ended | None


def prepare(scenario: Scenario, folder: Path) -> Baseline:
    """Make the world of `scenario` and run it once without a kill."""
    template = World.make(folder / "template")
    scenario.prepare(template)
    world = template.copy(folder / "undisturbed")
    try:
        before = past(world)
        ended, beside = _run(world, scenario, Kill())
        _end_beside(beside)
        if ended.code not in scenario.codes:
            raise Obstacle(f"undisturbed, it exits {ended.code}: {ended.err}")
        states = scenario.path or tuple(past(world)[len(before) - 1 :])
        scenario.next(world)
        scenario.finish(world)
        end = _end(world, scenario)
    finally:
        world.sweep()
    return Baseline(template, ended.took_s, states, end)


def count_calls(scenario: Scenario, baseline: Baseline, folder: Path) -> int:
    """How many calls the command makes that read or change a file of the home; 0 where that cannot be counted."""
    if not disk.can_fail():
        return 0
    world = baseline.template.copy(folder)
    try:
        log = world.folder / "calls"
        trace = disk.fault("trace any 1", f"{world.home}/", log)
        ended, beside = _run(world, scenario, Kill(), trace)
        _end_beside(beside)
        return len(log.read_text().splitlines()) if ended.code in scenario.codes else 0
    finally:
        world.sweep()


def attempt(
    scenario: Scenario, baseline: Baseline, kill: Kill | Fault, folder: Path, seed: int
) -> Verdict:
    """Kill the command once, or have its disk fail, in a copy of the scenario's world, and look."""
    world = baseline.template.copy(folder)
    chance = random.Random(seed)
    found: list[tuple[str, str]] = []
    reached, new = False, False
    ended: Ended | None = None
    try:
        known = len(world.agent_runs())
        ended, beside = _run(world, scenario, kill)
        reached = ended.was_killed
        is_looked_at = chance.random() < LOOKED_AT
        if is_looked_at and not scenario.is_damaged:
            checks.look(world, found, settled=beside is None)
        _end_beside(beside)
        asked = world.agent_runs()[known:]
        turns = reading.turn_ids(world) if world.has_store else set()
        held = reading.held_supplements(world) if world.has_store else set()
        state = scenario.state(world)
        new = state == baseline.states[-1]
        allowed = (
            baseline.states[:: len(baseline.states) - 1 or 1] if scenario.whole else baseline.states
        )
        if state not in allowed:
            found.append(("head", f"{state} is none of {allowed}"))
        checks.check_acknowledged(world, scenario, ended, new, found)
        seen = len(world.agent_runs())
        scenario.next(world)
        alive = checks.left_alive(world)
        if alive:
            found.append(("alive", f"{alive} live on"))
        scenario.finish(world)
        checks.check_verify(world, found)
        if not scenario.gives_up:
            checks.check_supplements(scenario, asked, held, world.agent_runs()[seen:], world, found)
            checks.check_turns(world, turns, found)
            checks.check_asked_once(world, found)
        end = _end(world, scenario)
        if end != baseline.end:
            found.append(("doubled", f"it ends as {end}, and undisturbed as {baseline.end}"))
    except Obstacle as obstacle:
        found.append(("obstacle", str(obstacle)))
    except Exception as error:  # a store that cannot be read any more is a finding, too
        found.append(("obstacle", f"{type(error).__name__}: {error}"))
    finally:
        world.sweep()
    return Verdict(scenario.name, kill, reached, new, tuple(found), ended)


def _run(
    world: World, scenario: Scenario, kill: Kill | Fault, env: dict[str, str] | None = None
) -> tuple[Ended, Running | None]:
    scenario.upset(world)
    beside = scenario.beside(world) if scenario.beside else None
    runs = len(world.agent_runs())
    env = {**kill.environ(world), **(env or {})}
    running = world.start(*scenario.command(world), agent=scenario.agent, env=env)
    if scenario.interrupt:
        while running.is_running() and len(world.agent_runs()) == runs:
            if kill.delay_s and time.monotonic() >= running.began_s + kill.delay_s:
                break
            time.sleep(POLL_S)
        else:
            running.send(signal.SIGTERM)
    ended = running.kill_after(kill.delay_s) if kill.delay_s else running.end()
    return ended, beside


def _end_beside(beside: Running | None) -> None:
    """What ran beside the killed command was not disturbed by it; it may have been told to stop."""
    if beside is not None:
        ended = beside.end()
        if ended.code not in (0, 128 + signal.SIGTERM):
            raise Obstacle(f"what ran beside it exits {ended.code}: {ended.err.strip()}")


def _end(world: World, scenario: Scenario) -> Any:
    """How it all ends; what may differ is left out."""
    if not scenario.ends_alike:
        return scenario.state(world)
    return scenario.state(world), past(world)[-1]
