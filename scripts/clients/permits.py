"""What an agent may do: by a mode of its own, by the yes of a person, by the sandbox that it runs its commands in."""

from __future__ import annotations

from clients.model import Say, Use
from clients.sessions import expect
from clients.world import World

ADDS = Use("shell", "echo x >> made")


def yes_once(world: World) -> str:
    """A yes is one to the same bytes, once; any other answer is a no."""
    world.settle('on_permission = "ask"\n', permits=False)
    made = world.project / "made"
    thread = world.begin()
    _asks(world, thread)
    [item] = world.ask("inbox")
    expect(item["kind"] == "approval", f"it stands in the inbox as {item['kind']}")
    world.ask("answer", thread, "yes 0000000000000000")
    world.model.will(ADDS, Say())
    world.uwf("thread", "exec", thread, "-c", "1")
    expect(not made.exists(), "a yes to something else permitted it")
    expect("made" in str(world.steps(thread)[-1]["denied"]), "the step says nothing of the no")
    _asks(world, thread)
    world.ask("answer", thread, item["answer"].partition("'")[2].rstrip("'"))
    world.model.will(ADDS, ADDS, Say())
    world.uwf("thread", "exec", thread, "-c", "1", expect=3)
    expect(made.read_text() == "x\n", f"a yes was used {len(made.read_text()) // 2} times")
    return "a yes to other bytes was a no, that to these passed once, and was asked for again"


def _asks(world: World, thread: str) -> None:
    world.model.will(ADDS, Say())
    world.uwf("thread", "exec", thread, "-c", "1", expect=3)
    expect("echo x >> made" in world.show(thread)["suspendMessage"], "the question is not whole")


def modes(world: World) -> str:
    """`permissions` is a mode, `model` an option; one that it does not have is refused with those that it has."""
    world.settle('permissions = "acceptEdits"\nmodel = "sonnet"\n')
    thread = world.begin()
    world.model.will(Say())
    world.uwf("thread", "exec", thread)
    expect(world.steps(thread)[0]["model"] == "sonnet", "it is another model")
    for setting, has in (('model = "nonsense"', "sonnet"), ('permissions = "x"', "acceptEdits")):
        world.settle(f"{setting}\n")
        other = world.begin()
        world.uwf("thread", "exec", other, expect=6)
        message = world.show(other)["error"]["message"]
        expect("takes no" in message and has in message, f"{setting}: {message}")
    return "set; a wrong one is refused, with those that there are"


def sandboxed(world: World) -> str:
    """A command that its sandbox keeps from writing, and that goes on all the same, is told as denied."""
    world.settle('permissions = "read-only"\n', permits=False)
    thread = world.begin()
    world.model.will(Use("shell", "touch made; ls"), Say())
    world.uwf("thread", "exec", thread)
    expect(not (world.project / "made").exists(), "it was written")
    denied = world.steps(thread)[0]["denied"]
    expect("touch made" in str(denied), f"the step says {denied}")
    world.settle('permissions = "workspace-write"\n', permits=False)
    thread = world.begin()
    world.model.will(Use("shell", "touch made; ls"), Say())
    world.uwf("thread", "exec", thread)
    expect((world.project / "made").exists(), "workspace-write did not let it write")
    return "read-only: told as denied; workspace-write: written"
