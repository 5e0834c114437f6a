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
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tests.crash import disk, reading
from tests.crash.scenarios import Scenario, past
from tests.crash.world import POLL_S, Ended, Obstacle, Running, World
from uwf.engine.model import THREADS

LOOK_AT = 2
"""How many threads are shown after each kill."""
AT_AN_INSTANT = "(any instant)"
AT_A_CALL = "(any system call)"
KINDS = ("verify", "head", "show", "lost", "doubled", "alive", "supplement", "obstacle")


class Baseline(NamedTuple):
    """What an undisturbed run of a scenario comes to."""

    template: World
    took_s: float
    calls: int
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
    calls = _count_calls(scenario, template.copy(folder / "counted")) if disk.can_fail() else 0
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
    return Baseline(template, ended.took_s, calls, states, end)


def _count_calls(scenario: Scenario, world: World) -> int:
    """How many calls the command makes that read or change a file of the home."""
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
        if chance.random() < 0.75:  # else the next command is the first to open the store again
            _look(world, found, settled=beside is None)
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
        _check_acknowledged(world, scenario, ended, new, found)
        seen = len(world.agent_runs())
        scenario.next(world)
        alive = world.alive()
        if alive:
            found.append(("alive", f"{alive} live on"))
        scenario.finish(world)
        _check_verify(world, found)
        if not scenario.gives_up:
            _check_supplements(scenario, asked, held, world.agent_runs()[seen:], world, found)
            _check_turns(world, turns, found)
            _check_asked_once(world, found)
        end = _end(world, scenario)
        if end != baseline.end:
            found.append(("doubled", f"it ends as {end}, and undisturbed as {baseline.end}"))
    except Obstacle as obstacle:
        found.append(("obstacle", str(obstacle)))
    except (
        Exception
    ) as error:  # a store that cannot be read any more is a finding, not the end of the campaign
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


def _look(world: World, found: list[tuple[str, str]], *, settled: bool) -> None:
    """`thread show` of the newest threads, first of all, and `store verify`. Unless `settled`, others write."""
    listed = world.run("thread", "list", "--all")
    if listed.code:
        found.append(("show", f"thread list exits {listed.code}: {listed.err}"))
        return
    for row in listed.answers[-1][:LOOK_AT]:
        shown = world.run("thread", "show", row["thread"])
        if shown.code:
            found.append(("show", f"exits {shown.code}: {shown.err}"))
            continue
        if settled:
            _check_shown(world, shown.answers[-1], found)
    if world.has_store:
        _check_verify(world, found)


def _check_shown(world: World, shown: dict[str, Any], found: list[tuple[str, str]]) -> None:
    """Nobody runs a thread whose runner was killed; it is where its ref says."""
    with world.store() as store:
        ref = store.ref(THREADS + shown["thread"])
    said = (shown["running"], shown["head"], shown["status"], shown["suspendMessage"])
    true = ref and (None, ref.id, ref.tags["status"], ref.tags.get("suspendMessage"))
    if said != true:
        found.append(("show", f"it says {said}, and {true} is true"))


def _check_verify(world: World, found: list[tuple[str, str]]) -> None:
    ended = world.run("store", "verify", "--deep")
    if ended.code or ended.answers[-1]["problems"]:
        found.append(("verify", f"exits {ended.code}: {ended.out} {ended.err}"))
    try:
        past(world)
    except AssertionError as error:
        found.append(("verify", str(error)))


def _check_acknowledged(
    world: World, scenario: Scenario, ended: Ended, new: bool, found: list[tuple[str, str]]
) -> None:
    """Every answer that was printed whole is true."""
    known = {row["step"] for row in reading.step_rows(world)} if world.has_store else set()
    for answer in ended.answers:
        if answer.get("step") is not None and answer["step"] not in known:
            found.append(("lost", f"step {answer['step']} was acknowledged and is gone"))
        if "step" not in answer and not new:
            found.append(("lost", f"{answer} was acknowledged, and nothing has changed"))


def _check_supplements(
    scenario: Scenario,
    asked: list[dict[str, Any]],
    held: set[str],
    runs: list[dict[str, Any]],
    world: World,
    found: list[tuple[str, str]],
) -> None:
    """Said before; given to an agent that did not finish; or kept beside the head: the next role hears of it."""
    done = {row["supplement"] or "" for row in reading.step_rows(world)}
    prompts = {run["thread"]: run["prompt"] for run in reversed(runs)}.values()
    said = set(held)
    if scenario.says and any(scenario.says in run["prompt"] for run in asked):
        said.add(scenario.says)
    if scenario.said_before:
        said.add(scenario.said_before)
    for text in said:
        heard = any(text in prompt for prompt in prompts)
        if not heard and not any(text in supplement for supplement in done):
            found.append(("supplement", f"{text!r} is not in the next prompt"))


def _check_turns(world: World, turns: set[str], found: list[tuple[str, str]]) -> None:
    """Turns that were received are part of a step, or of an attempt that is kept with it."""
    gone = turns - reading.turn_ids(world)
    if gone:
        found.append(("lost", f"turns {gone} are gone"))


def _check_asked_once(world: World, found: list[tuple[str, str]]) -> None:
    """An agent is run once for a step, and once more for each attempt or refused reply that is on record."""
    runs = Counter((run["thread"], run["index"], run["round"]) for run in world.agent_runs())
    allowed: Counter[tuple[str, int, str]] = Counter()
    for row in reading.step_rows(world):
        key = (row["thread"], row["index"], str(row["round"]))
        refused = [turn for turn in row["turns"] if turn["from"] == "uwf"]
        for failed in row["failedAttempts"]:
            refused += [turn for turn in failed["turns"] if turn["from"] == "uwf"]
        allowed[key] += 1 + len(row["failedAttempts"]) + len(refused)
    for key, count in runs.items():
        if count > allowed[key] and key in allowed:
            found.append(("doubled", f"the agent of {key} ran {count} times, not {allowed[key]}"))


def _end(world: World, scenario: Scenario) -> Any:
    """How it all ends; what may differ is left out."""
    if not scenario.ends_alike:
        return scenario.state(world)
    return scenario.state(world), past(world)[-1]
