"""What must hold after a kill. Each check adds what it finds to `found`: the kind of it (see `trial`), and words."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from tests.crash import reading
from tests.crash.going_on import is_run, past
from tests.crash.processes import Ended
from tests.crash.scenarios import Scenario
from tests.crash.world import World
from uwf.engine.chain.tags import THREADS

LOOK_AT = 2
"""How many threads are shown after each kill."""

MOST_S = 10.0
"""How long a run may take that goes on without the command that has begun it."""

Found = list[tuple[str, str]]


def look(world: World, found: Found, *, settled: bool) -> None:
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
            check_shown(world, _once_at_rest(world, shown.answers[-1]), found)
    if world.has_store:
        check_verify(world, found)


def _once_at_rest(world: World, shown: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a thread once nobody runs it: a run that a daemon or a pass has begun outlives them."""
    until_s = time.monotonic() + MOST_S
    while shown["running"] is not None and time.monotonic() < until_s:
        time.sleep(0.1)
        shown = world.run("thread", "show", shown["thread"]).answers[-1]
    return shown


def left_alive(world: World) -> dict[int, str]:
    """The processes that are left, once a run that a killed pass had begun, which goes on by itself, has ended."""
    until_s = time.monotonic() + MOST_S
    while is_run(world) and time.monotonic() < until_s:
        time.sleep(0.05)
    return world.alive()


def check_shown(world: World, shown: dict[str, Any], found: Found) -> None:
    """Nobody runs a thread whose runner was killed; it is where its ref says."""
    with world.store() as store:
        ref = store.ref(THREADS + shown["thread"])
    said = (shown["running"], shown["head"], shown["status"], shown["suspendMessage"])
    true = ref and (None, ref.id, ref.tags["status"], ref.tags.get("suspendMessage"))
    if said != true:
        found.append(("show", f"it says {said}, and {true} is true"))


def check_verify(world: World, found: Found) -> None:
    ended = world.run("store", "verify", "--deep")
    if ended.code or ended.answers[-1]["problems"]:
        found.append(("verify", f"exits {ended.code}: {ended.out} {ended.err}"))
    try:
        past(world)
    except AssertionError as error:
        found.append(("verify", str(error)))


def check_acknowledged(
    world: World, scenario: Scenario, ended: Ended, new: bool, found: Found
) -> None:
    """Every answer that was printed whole is true."""
    known = {row["step"] for row in reading.step_rows(world)} if world.has_store else set()
    answers = [
        row for each in ended.answers for row in (each if isinstance(each, list) else [each])
    ]
    for answer in answers:
        if answer.get("step") is not None and answer["step"] not in known:
            found.append(("lost", f"step {answer['step']} was acknowledged and is gone"))
        if "step" not in answer and "what" not in answer and not new:  # a daemon says what it does
            found.append(("lost", f"{answer} was acknowledged, and nothing has changed"))


def check_supplements(
    scenario: Scenario,
    asked: list[dict[str, Any]],
    held: set[str],
    runs: list[dict[str, Any]],
    world: World,
    found: Found,
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


def check_turns(world: World, turns: set[str], found: Found) -> None:
    """Turns that were received are part of a step, or of an attempt that is kept with it."""
    gone = turns - reading.turn_ids(world)
    if gone:
        found.append(("lost", f"turns {gone} are gone"))


def check_asked_once(world: World, found: Found) -> None:
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
