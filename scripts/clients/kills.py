"""SIGKILL to each process of a step that uses a tool: none survives, and no session is lost."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from clients.model import Say, Use
from clients.sessions import expect, same_session
from clients.world import World, ended

TOOL = "sleep 4321"


def works(world: World, answers: int = 0) -> bool:
    """Whether its tool runs, which the model has asked for after so many `answers`."""
    return len(world.model.given) > answers and bool(world.processes(TOOL))


def _works(world: World) -> None:
    world.until(lambda: works(world), "its tool runs")


def client(world: World) -> str:
    thread = world.begin()
    world.model.will(Use("shell", TOOL), Say())
    running = world.command("thread", "exec", thread)
    _works(world)
    for pid in _begun_by_uwf(world):
        os.kill(pid, signal.SIGKILL)
    done = ended(running, "thread exec", None, 60)
    expect(done.code in (6, 75), f"exit {done.code}: {done.said}")
    world.nobody_lives()
    code = world.show(thread)["error"]["code"]
    world.uwf("thread", "resume" if done.code == 6 else "exec", thread, "-c", "1")
    same_session(world)
    return f"{code}, nobody left, the same session went on"


def _begun_by_uwf(world: World) -> list[int]:
    """The processes whose parent is not one of them."""
    found = set(world.processes())
    return [pid for pid in found if _parent(pid) not in found]


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def _tools(world: World) -> list[int]:
    """The tool itself, and not the shell that has begun it."""
    found = []
    for pid in world.processes(TOOL):
        with suppress(OSError):
            if os.readlink(f"/proc/{pid}/exe").endswith(("sleep", "coreutils")):
                found.append(pid)
    return found


def tool(world: World) -> str:
    thread = world.begin()
    world.model.will(Use("shell", TOOL), Say())
    running = world.command("thread", "exec", thread)
    for pid in world.until(lambda: _tools(world), "its tool runs"):
        os.kill(pid, signal.SIGKILL)
    ended(running, "thread exec", 0, 90)
    world.nobody_lives()
    return "the client told its model, the step went on"


def uwf(world: World) -> str:
    thread = world.begin()
    world.model.will(Use("shell", TOOL), Say())
    running = world.command("thread", "exec", thread)
    _works(world)
    running.kill()
    running.communicate()
    before = world.processes()
    world.uwf("thread", "exec", thread)
    same_session(world)
    world.nobody_lives()
    attempts = world.steps(thread)[0]["attempts"]
    expect(len(attempts) == 1, f"{len(attempts)} attempts are kept, not 1")
    return f"{len(before)} were left and ended, the same session went on"


def daemon(world: World) -> str:
    """The run that it began goes on without it, and is not begun again by the next."""
    thread = world.begin("--wake")
    world.model.will(Use("shell", "touch works; sleep 5"), Say())
    first = world.command("daemon", "run")
    try:
        world.until((world.project / "works").exists, "its tool runs")
    finally:
        first.kill()
        first.communicate()
    second = world.command("daemon", "run")
    try:
        world.until(lambda: world.show(thread)["status"] == "completed", "it is completed", 90)
    finally:
        second.terminate()
        second.communicate(timeout=60)
    world.nobody_lives()
    asked = len(world.model.asked)
    expect(asked == 3, f"the model was asked {asked} times, not 3")
    return "its run went on, and the next daemon began it no second time"
