"""What a thread has used, against what the model has said: counted once, whatever happens to it. And what is denied."""

from __future__ import annotations

from functools import partial

from clients import crew, kills
from clients.model import Say, Use
from clients.sessions import expect
from clients.world import World


def over_rounds_and_forks(world: World) -> str:
    thread = world.begin()
    world.model.will(Say("No front matter."), Use("shell", "true"))
    world.uwf("thread", "exec", thread, "--until-done")
    world.uwf("thread", "resume", thread, "--supplement", "Again.", "--until-done")
    first = _exactly(world, thread, 0, 6)
    asked = len(world.model.given)
    fork = world.ask("thread", "fork", thread)["thread"]
    world.uwf("thread", "resume", fork, "--supplement", "In the fork.", "--until-done")
    steps = world.steps(fork)[-2:]
    used = sum((step["usage"] or {}).get("tokens", 0) for step in steps)
    given = _given(world, asked)
    expect(used == given, f"the fork counts {used} tokens of {given}")
    world.uwf("thread", "resume", thread, "--supplement", "And again.", "--until-done")
    last = world.steps(thread)[-2:]
    used = sum((step["usage"] or {}).get("tokens", 0) for step in last)
    expect(used == given, f"the round after the fork counts {used} tokens of {given}")
    return first


def of_a_step(world: World) -> str:
    thread = world.begin()
    writes = Use("write", str(world.project / "made"))
    world.model.will(Use("shell", "true") if crew.RUNS in world.client.can else writes, Say())
    world.uwf("thread", "exec", thread)
    return _exactly(world, thread, 0, 2)


def over_kills(world: World) -> str:
    thread = world.begin()
    world.model.will(Use("shell", kills.TOOL), Use("shell", kills.TOOL), Say())
    for _ in range(2):
        answers = len(world.model.given)
        running = world.command("thread", "exec", thread)
        world.until(partial(kills.works, world, answers), "its tool runs")
        running.kill()
        running.communicate()
    world.uwf("thread", "exec", thread)
    show, given = world.show(thread), _given(world, 0)
    used, tells = show["spent"]["tokens"], crew.TELLS in world.client.can
    expect(used == (given if tells else given / 3), f"{used:g} tokens are counted of {given}")
    unknown = show.get("unknownUsage", {})
    expect(tells or unknown["tokens"] == 2, f"not known are {unknown}")
    expect(unknown["usd"] == (2 if crew.MONEY in world.client.can else 3), f"not known: {unknown}")
    return f"{used:g} tokens of {given}" + ("" if tells else ", those of 2 attempts are not known")


def denied(world: World) -> str:
    world.settle(permits=False)
    thread = world.begin()
    world.model.will(Use("write", str(world.project / "made")), Say())
    world.uwf("thread", "exec", thread)
    [step] = world.steps(thread)
    expect(step["denied"], "the step says nothing of it")
    expect(not (world.project / "made").exists(), "it was written all the same")
    text = (world.project / "pair.yaml").read_text()
    needs = text.replace("description: Works.", "description: Works.\n    needs: [write]")
    (world.project / "pair.yaml").write_text(needs)
    strict = world.begin()
    world.model.will(Use("write", str(world.project / "made")), Say())
    world.uwf("thread", "exec", strict, expect=6)
    code = world.show(strict)["error"]["code"]
    return f"told in the step: {step['denied'][0][:40]}…; {code} where the role needs it"


def asked(world: World) -> str:
    world.settle('on_permission = "ask"\n', permits=False)
    thread = world.begin()
    world.model.will(Use("write", str(world.project / "made")), Say())
    done = world.uwf("thread", "exec", thread, expect=None)
    expect(done.code in (3, 6), f"exit {done.code}: {done.said}")
    question = world.show(thread)["suspendMessage"]
    expect("made" in question, f"the question does not name the file: {question}")
    expect(not (world.project / "made").exists(), "it was written before anybody was asked")
    world.model.will(Use("write", str(world.project / "made")), Say())
    world.ask("answer", thread, "yes")
    world.uwf("thread", "exec", thread, "-c", "1")
    expect((world.project / "made").exists(), "a yes did not permit it")
    return "asked with the whole question; a yes permitted it"


def _given(world: World, since: int) -> int:
    return sum(each["tokens"] for each in world.model.given[since:])


def _exactly(world: World, thread: str, since: int, answers: int) -> str:
    expect(len(world.model.given) - since == answers, f"{len(world.model.given)} answers")
    usage, given = world.show(thread)["usage"], _given(world, since)
    expect(usage["tokens"] == given, f"{usage['tokens']:g} tokens are counted of {given}")
    if crew.MONEY not in world.client.can:
        return f"{given} tokens"
    first = world.steps(thread)[0]["usage"]
    each = first["usd"] / first["tokens"]
    expect(abs(usage["usd"] - each * given) < 1e-9, f"{usage['usd']} USD, and not {each * given}")
    return f"{given} tokens, {usage['usd']:g} USD"
