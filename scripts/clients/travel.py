"""A thread that goes on on another machine: the code is there, and the client goes on in its session.

Two persons with a home, a clone and a client of their own each stand for two machines. What a shared store does for
them is done here by copying the file of one.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from clients.model import Say, Use
from clients.sessions import expect
from clients.world import World

TRAVELS = """\
kind = "worktree"
travel = "bundle"
[workspace.folders]
"{there}" = "{here}"
"""


def to_another(world: World) -> str:
    other = _other(world)
    for each, host, there in ((world, "one", other), (other, "two", world)):
        each.settle(more=TRAVELS.format(there=there.project, here=each.project))
        each.environ["UWF_HOST"] = host
    thread = world.begin()
    made = Path(world.show(thread)["cwd"]) / "made"
    world.model.will(Use("shell", "echo one > made; echo heard on one"), Say(), Say())
    world.uwf("thread", "exec", thread, "--until-done")
    expect(made.exists(), "its tool has made nothing")
    _hand_over(world, other)
    world.model.will(Use("shell", "cat made; echo two >> made; echo heard on two"), Say())
    other.uwf("thread", "resume", thread, "--supplement", "Now there.", "-c", "1")
    asked = world.model.asked[-1].text
    expect("heard on one" in asked, "what was heard on the first machine is not in the session")
    _hand_over(other, world)
    expect(made.read_text() == "one\n", "the file of the first machine has changed")
    world.model.will(Use("shell", "cat made"), Say())
    world.uwf("thread", "poke", thread, "-p", "Back again.")
    asked = world.model.asked[-1].text
    expect("heard on one" in asked and "heard on two" in asked, "it has lost what was heard")
    expect(made.read_text() == "one\ntwo\n", "the file did not come back")
    return "files and session went there and came back"


def _other(world: World) -> World:
    other = World(world.person.parent / "other", world.client, Path("/none"), world.model)
    other.environ["PATH"] = world.environ["PATH"]
    shutil.rmtree(other.project)
    words = ["git", "clone", "-q", str(world.project), str(other.project)]
    subprocess.run(words, env=world.environ, check=True)
    return other


def _hand_over(one: World, other: World) -> None:
    for file in other.home.glob("store.db*"):
        file.unlink()
    for file in one.home.glob("store.db*"):
        shutil.copy2(file, other.home)
