"""What happens to a home while an agent works, beside a kill: its disk fills up, its store is taken away or replaced.

The reply has come by then. Either it is a step, or a file that the error names; once the store can be written again,
the next command takes it in, and no agent is asked twice for what was paid for.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crash import disk, reading
from tests.crash.before import started
from tests.crash.processes import Ended, Obstacle, wait_until
from tests.crash.world import World

Scene = Callable[[World, random.Random], list[str]]

LAST_WRITE = 30
"""A step writes less often to its store."""


def full(world: World, chance: random.Random) -> list[str]:
    """The disk takes nothing more for the store, from some write on."""
    order = f"enospc write {chance.randint(1, LAST_WRITE)}+"
    ended = _step(world, env=disk.fault(order, f"{world.home}/store.db"))
    return _judged(world, ended, order, runs=len(world.agent_runs()))


def fuller(world: World, chance: random.Random) -> list[str]:
    """The disk takes nothing more for anything in the home: not even a reply can be kept."""
    order = f"enospc write {chance.randint(1, LAST_WRITE)}+"
    ended = _step(world, env=disk.fault(order, f"{world.home}/"))
    return _judged(world, ended, order, runs=len(world.agent_runs()))


def deleted(world: World, chance: random.Random) -> list[str]:
    """The store is deleted, and put back from a backup."""
    return _taken_away(world, lambda: [file.unlink() for file in world.home.glob("store.db*")])


def homeless(world: World, chance: random.Random) -> list[str]:
    """The whole home is deleted, and its store put back from a backup."""
    config = (world.home / "config.toml").read_text()

    def restore() -> None:
        (world.home / "config.toml").write_text(config)

    return _taken_away(world, lambda: shutil.rmtree(world.home), restore)


def replaced(world: World, chance: random.Random) -> list[str]:
    """Another store is put in the place of the one that is in use."""

    def replace() -> None:
        for file in world.home.glob("store.db*"):
            file.unlink()
        shutil.copy(world.folder / "backup.db", world.home / "store.db")

    return _taken_away(world, replace)


SCENES: tuple[Scene, ...] = (full, fuller, deleted, homeless, replaced)


def play(scene: Scene, folder: Path, seed: int) -> list[str]:
    """What was violated, in words."""
    world = World.make(folder)
    try:
        started(world)
        return [
            f"{scene.__name__}, seed {seed}: {what}" for what in scene(world, random.Random(seed))
        ]
    except Obstacle as obstacle:
        return [f"{scene.__name__}, seed {seed}: {obstacle}"]
    finally:
        world.sweep()


def _step(world: World, env: dict[str, str]) -> Ended:
    return world.run("thread", "exec", "@last", agent="stream", env=env)


def _taken_away(
    world: World, act: Callable[[], Any], restore: Callable[[], None] = lambda: None
) -> list[str]:
    backup = world.folder / "backup.db"
    world.must("store", "backup", str(backup))
    running = world.start("thread", "exec", "@last", agent="slow")
    wait_until(world.agent_runs, "its agent runs")
    act()
    ended = running.end()
    restore()
    if not world.has_store:
        shutil.copy(backup, world.home / "store.db")
    found = [] if ended.code == 1 else [f"exit {ended.code}, and its store was gone"]
    return found + _judged(world, ended, "taken away", runs=1)


def _judged(world: World, ended: Ended, what: str, *, runs: int) -> list[str]:
    """The next command brings the thread to its first step, of an agent that was not asked again for its reply."""
    found = []
    if ended.code not in (0, 1, 75):
        found.append(f"{what}: exit {ended.code}: {ended.err}")
    kept = None if ended.code == 0 else json.loads(ended.err.splitlines()[-1])["error"].get("kept")
    if kept is not None and not Path(kept).exists():
        found.append(f"{what}: {kept} is named and not there")
    if ended.code:
        world.must("thread", "exec", "@last", agent="stream")
    steps = [row["index"] for row in reading.step_rows(world)]
    if steps != [1]:
        found.append(f"{what}: it has the steps {steps}")
    asked = len(world.agent_runs())
    if (ended.code == 0 or kept is not None) and asked != runs:
        found.append(f"{what}: the agent was asked {asked} times")
    if kept is not None and Path(kept).exists():
        found.append(f"{what}: {kept} was not taken in")
    if list((world.home / "replies").glob("*")):
        found.append(f"{what}: something is left in replies/")
    report = world.must("store", "verify", "--deep", codes=(0, 1)).answers[-1]
    return found + [f"{what}: {problem}" for problem in report["problems"]]
