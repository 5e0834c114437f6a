"""What goes wrong at the service behind a client: which class of failure that is, and whether time heals it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from clients import crew
from clients.model import DONE, Act, Fail, Say, Use
from clients.sessions import expect
from clients.world import World

ASKED, WAITS = 6, 75
"""The exit codes: a person is asked, and time heals it."""


def of(act: Act, failure_class: str) -> Callable[[World], str]:
    """A trial: the model does this until it does so no more; a person is asked, or the thread heals by itself."""

    def trial(world: World) -> str:
        if failure_class == "stall":
            world.settle('stall_timeout = "25s"\n')
        thread = world.begin()
        world.model.will(act)
        asks = failure_class in ("authentication", "stall")
        done = world.uwf("thread", "exec", thread, expect=ASKED if asks else WAITS, within_s=180)
        return _seen(world, thread, failure_class, asks, done.said)

    return trial


def long_message(world: World) -> str:
    """A message that takes longer than an agent may be silent, and comes piece by piece."""
    world.settle('stall_timeout = "12s"\n')
    thread = world.begin()
    world.model.will(Say(DONE + "Word after word, for a long while.", slow_s=0.8))
    began = time.monotonic()
    world.uwf("thread", "exec", thread)
    took_s = time.monotonic() - began
    expect(took_s > 15, f"it took {took_s:.0f} s, which is no longer than it may be silent")
    kinds = [turn["kind"] for turn in world.ask("step", "turns", thread)]
    expect(kinds.count("text") <= 1 or crew.TELLS not in world.client.can, f"its turns: {kinds}")
    return f"{took_s:.0f} s, with 12 s to be silent"


def limited(world: World) -> str:
    """429, with the headers that say until when."""
    world.environ |= world.client.subscribed
    at_s = int(time.time()) + 7200
    thread = world.begin()
    world.model.will(Fail(429, resets_s=at_s))
    world.uwf("thread", "exec", thread, expect=WAITS)
    show = world.show(thread)
    expect(show["error"]["code"] == "quota", f"the class is {show['error']['code']}")
    off_s = show["wakeAt"] / 1000 - at_s
    expect(0 <= off_s < 600, f"it wakes {off_s:.0f} s from when the limit resets")
    return f"quota, wakes {off_s:.0f} s after the reset"


def refused(world: World) -> str:
    """Nobody listens where its service should be."""
    world.settle('stall_timeout = "25s"\n')
    thread = world.begin()
    with world.apart():
        done = world.uwf("thread", "exec", thread, expect=WAITS, within_s=180)
    return _seen(world, thread, "network", False, done.said)


def hopeless(world: World) -> str:
    """404: there is no such model."""
    thread = world.begin()
    world.model.will(Fail(404))
    done = world.uwf("thread", "exec", thread, expect=ASKED)
    expect("404" in done.said or "model" in done.said, f"it does not say why: {done.said}")
    world.nobody_lives()
    return str(world.show(thread)["error"]["message"])[:90]


def no_progress(world: World) -> str:
    """The same call of a tool for ever."""
    thread = world.begin()
    world.model.will(*[Use("shell", "true")] * 30)
    world.uwf("thread", "exec", thread, expect=ASKED)
    code, asked = world.show(thread)["error"]["code"], len(world.model.asked)
    expect(code == "no_progress", f"the class is {code}")
    world.nobody_lives()
    return f"ended after {asked} answers, a person is asked"


def over_budget(world: World) -> str:
    """A thread whose budget is used up within a step."""
    thread = world.begin("--budget", "usd=0.0015")
    world.model.will(*(Use("shell", f"echo {at} >> made") for at in range(9)))
    done = world.uwf("thread", "exec", thread, expect=None)
    expect(done.code in (3, 6), f"exit {done.code}: {done.said}")
    usd = world.show(thread)["spent"]["usd"]
    ends = crew.ENDS in world.client.can
    expect(usd >= 0.0015 and (not ends or usd < 0.003), f"{usd:g} USD are spent of 0.0015")
    world.nobody_lives()
    again = json.loads(world.uwf("thread", "resume", thread, expect=5).said)["error"]
    expect(again["reason"] == "budget_exhausted", f"{again}")
    return f"{usd:g} USD of 0.0015, a person is asked" + ("" if ends else ", behind the step")


def cut(world: World) -> str:
    """The stream ends in the middle."""
    thread = world.begin()
    world.model.will(
        Say("---\n$status: done\n---\n" + " ".join(map(str, range(50))), is_cut=True, times=2)
    )
    done = world.uwf("thread", "exec", thread, expect=None)
    if done.code == 0:
        return "healed by the client itself"
    expect(done.code == WAITS, f"exit {done.code}: {done.said[-300:]}")
    return _seen(world, thread, "network", False, done.said)


def _seen(world: World, thread: str, failure_class: str, asks: bool, said: str) -> str:
    show = world.show(thread)
    found = show["error"]["code"]
    expect(found == failure_class, f"the class is {found}, not {failure_class}: {said[-300:]}")
    status = "suspended" if asks else "idle"
    expect(show["status"] == status, f"it is {show['status']}, not {status}")
    world.nobody_lives()
    world.model.will()
    if asks:
        world.uwf("thread", "resume", thread, "-c", "1")
        return f"{found}; a person is asked, resume goes on"
    if failure_class == "quota":
        _paused(world, thread)
    world.uwf("thread", "exec", thread, "--wait", "1m")
    return f"{found}; healed by itself"


def _paused(world: World, thread: str) -> None:
    """A limit without a time pauses the agent for minutes; a person may let it go."""
    world.until(lambda: world.show(thread)["wakeAt"] <= time.time() * 1000, "it is due")
    done = world.uwf("thread", "exec", thread, expect=WAITS)
    found = json.loads(done.said)["error"]
    left_s = found["retryAtMs"] / 1000 - time.time()
    expect(found["reason"] == "agent_paused" and left_s > 200, f"{found}")
    world.ask("guard", "pause", "it", "off")
