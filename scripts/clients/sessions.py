"""A workflow to its end, and the sessions of its client: seen in what the model is asked, and in what is kept."""

from __future__ import annotations

import time

from clients import crew
from clients.model import DONE, Say, Use
from clients.world import Fault, World, ended

EARLIER = "What was said in the first round."


def expect(holds: object, what: str) -> None:
    """Raises Fault with `what` when it does not hold."""
    if not holds:
        raise Fault(what)


def to_its_end(world: World) -> str:
    thread = world.begin()
    runs = crew.RUNS in world.client.can
    writes = Use("write", str(world.project / "made"))
    world.model.will(Use("shell", "echo from a tool | tee made") if runs else writes, Say())
    world.uwf("thread", "exec", thread, "--until-done")
    expect(world.show(thread)["status"] == "completed", "it is not completed")
    expect((world.project / "made").exists(), "its tool has made nothing")
    first = world.steps(thread)[0]["step"]
    kinds = [turn["kind"] for turn in world.ask("step", "turns", thread, "--step", first)]
    expect("text" in kinds, f"no text among its turns: {kinds}")
    expect("tool" in kinds, f"no tool among its turns: {kinds}")
    expect("tool_result" in kinds or not runs, f"nothing of what its tool gave back: {kinds}")
    world.nobody_lives()
    return f"2 steps, turns {' '.join(kinds)}"


def corrected(world: World) -> str:
    thread = world.begin()
    world.model.will(Say("No front matter at all."), Say())
    world.uwf("thread", "exec", thread)
    expect(len(world.model.asked) == 2, f"asked {len(world.model.asked)} times, not twice")
    again = world.model.asked[1].text
    if crew.RESUMES in world.client.can:
        expect("No front matter at all." in again, "its own bad reply is not in the same session")
    expect(len(world.steps(thread)) == 1, "there is no step")
    return "asked again in the same session, one step"


def next_round(world: World) -> str:
    thread = world.begin()
    world.model.will(Say(DONE + EARLIER), Say(), Say())
    world.uwf("thread", "exec", thread, "--until-done")
    world.uwf("thread", "resume", thread, "--supplement", "Once more.", "--until-done")
    asked = world.model.asked[2].text
    heard = asked.count(EARLIER)
    expect(heard, "the first round is not in what the model got")
    expect("Once more." in asked, "the supplement is not in what the model got")
    expect(world.show(thread)["rounds"] == 2, "it is not the second round")
    return "the first round's words reached the model"


def forked(world: World) -> str:
    thread = world.begin()
    world.model.will(Say(DONE + EARLIER))
    world.uwf("thread", "exec", thread, "--until-done")
    fork = world.ask("thread", "fork", thread)["thread"]
    world.model.will(Say(DONE + "Said in the fork."))
    world.uwf("thread", "resume", fork, "--supplement", "In the fork.", "-c", "1")
    expect(EARLIER in world.model.asked[-1].text, "the fork does not know the first round")
    world.model.will()
    world.uwf("thread", "resume", thread, "--supplement", "In the first.", "-c", "1")
    asked = world.model.asked[-1].text
    expect("In the first." in asked and EARLIER in asked, "the first lost its session")
    expect("Said in the fork." not in asked, "the first heard what was said in its fork")
    return "each went on by itself from the same words"


def lost(world: World) -> str:
    """The files of its sessions are removed."""
    thread = world.begin()
    world.model.will(Say(DONE + EARLIER))
    world.uwf("thread", "exec", thread, "--until-done")
    files = [file for file in world.person.rglob("*.jsonl") if world.home not in file.parents]
    expect(files, "it keeps no session in a file")
    for file in files:
        file.unlink()
    world.uwf("thread", "resume", thread, "--supplement", "Once more.", "-c", "1")
    expect("Once more." in world.model.asked[-1].text, "it was not asked")
    return "begun anew with the same prompt"


def timed_out(world: World) -> str:
    world.settle(more='[roles.writer]\ntimeout = "8s"\n')
    thread = world.begin()
    world.model.will(Use("shell", "sleep 4321"), Say())
    world.uwf("thread", "exec", thread, expect=6)
    show = world.show(thread)
    expect(show["status"] == "suspended", f"it is {show['status']}, not suspended")
    expect(show["error"]["code"] == "timeout", f"the error is {show['error']['code']}")
    world.nobody_lives()
    asked = len(world.model.asked)
    world.settle()
    world.uwf("thread", "resume", thread, "-c", "1")
    expect(len(world.model.asked) > asked, "it was not asked again")
    same_session(world)
    return "suspended, nobody left, the same session went on"


def same_session(world: World) -> None:
    """Raises Fault unless what the model was asked last has the prompt of the run before in it, too."""
    if crew.RESUMES in world.client.can:
        heard = world.model.asked[-1].text.count("Your instruction now")
        expect(heard >= 2, "the session of before is lost")


def side_by_side(world: World) -> str:
    world.settle(more="[limits]\nmax_running = 6\n")
    threads = [world.begin("--worktree") for _ in range(6)]
    world.model.will(
        *(Use("shell", "pwd > made; git branch --show-current >> made") for _ in threads)
    )
    began = time.monotonic()
    running = [world.command("thread", "exec", thread, "--until-done") for thread in threads]
    for process in running:
        ended(process, "thread exec", 0, 180)
    took_s = time.monotonic() - began
    folders = {world.show(thread)["cwd"] for thread in threads}
    expect(len(folders) == 6, f"they worked in {len(folders)} folders")
    expect(not (world.project / "made").exists(), "one worked in the project itself")
    for thread in threads:
        show = world.show(thread)
        expect(show["status"] == "completed", f"one is {show['status']}")
    world.nobody_lives()
    return f"six worktrees, {took_s:.0f} s"


def told_while_it_works(world: World) -> str:
    thread = world.begin()
    world.model.will(Use("shell", "touch works; sleep 6"), Say(), Say())
    running = world.command("thread", "exec", thread)
    world.until((world.project / "works").exists, "its tool began")
    world.ask("thread", "tell", thread, "Mind the words of Ada.")
    ended(running, "thread exec", 0, 120)
    heard = [at for at, one in enumerate(world.model.asked) if "words of Ada" in one.text]
    expect(heard, "the model never heard it")
    [step] = world.steps(thread)
    used, given = step["usage"]["tokens"], sum(each["tokens"] for each in world.model.given)
    expect(used == given, f"{used:g} tokens are counted of {given}")
    expect(world.show(thread)["told"] == [], "it still waits to be told")
    return f"heard in the same step, by the model's question {heard[0] + 1} of {len(world.model.asked)}"


def much(world: World) -> str:
    """More than any model says at once. Claude Code 2.1.197 loses the end of lines of some MB, and ends with 0; what a
    stream of 200 MB needs is measured by `scripts/bench`.
    """
    thread = world.begin()
    world.model.will(Say(DONE + " ".join(map(str, range(100_000)))))
    world.uwf("thread", "exec", thread, within_s=300)
    [step] = world.steps(thread)
    body = world.ask("step", "show", step["step"])["body"]
    expect(len(body) > 580_000, f"{len(body)} characters are kept")
    return f"{len(body)} characters are kept"
