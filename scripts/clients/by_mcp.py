"""A client that uses uwf by the Model Context Protocol: from inside of a step, and beside all threads."""

from __future__ import annotations

import json
import subprocess

from clients.model import Say, Use
from clients.sessions import expect
from clients.world import UWF, World

WAIT = Use("WaitForMcpServers", "{}")
"""What its model does first: servers are connected while it begins."""


def inside(world: World) -> str:
    """It reads its own thread and leaves words for the next role; it cannot answer, nor tell another thread."""
    config = world.person / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"uwf": {"command": UWF, "args": ["mcp"]}}}))
    world.settle(f'args = ["--mcp-config", "{config}", "--strict-mcp-config"]\n')
    other, thread = world.begin(), world.begin()
    words = {"text": "Mind the words of Ada."}
    world.model.will(
        WAIT,
        Use("mcp__uwf__read", "{}"),
        Use("mcp__uwf__tell", json.dumps(words)),
        Use("mcp__uwf__tell", json.dumps({**words, "thread": other})),
        Say(),
        Say(),
    )
    world.uwf("thread", "exec", thread)
    offered, read, _, refused = [one.text for one in world.model.asked[1:]]
    expect('"mcp__uwf__tell"' in offered, "no tool of uwf was offered")
    expect('"mcp__uwf__answer"' not in offered, "it was offered to answer")
    expect(f"# Thread {thread}" in read, "it could not read its own thread")
    expect("tell is not allowed here" in refused, "it told another thread")
    told = [(word["who"], word["trust"]) for word in world.show(thread)["told"]]
    expect(told == [(f"thread {thread}", "bot")], f"what waits is {told}")
    expect(world.show(other)["told"] == [], "another thread was told")
    world.uwf("thread", "exec", thread)
    expect("words of Ada" in world.model.asked[-1].text, "the next role was not told")
    return "read its thread, left words for the next role, was refused another thread"


def beside(world: World) -> str:
    """As it is set up by the guide: it begins a thread and a run that goes on when it has ended."""
    added = ["claude", "mcp", "add", "uwf", "--", UWF, "mcp", "--allow", "start,exec"]
    asked = ["claude", "-p", "Begin it.", "--allowedTools", "mcp__uwf"]
    world.model.will(
        WAIT,
        Use("mcp__uwf__start", json.dumps({"workflow": "pair.yaml", "task": "The task."})),
        Use("mcp__uwf__exec", json.dumps({"thread": "@last", "until_done": True})),
        Say("It runs."),
        Say(slow_s=0.2),
    )
    for words in (added, asked):
        done = subprocess.run(
            words,
            cwd=world.project,
            env=world.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        expect(done.returncode == 0, f"{' '.join(words[:3])}: {done.stdout} {done.stderr}")
    shown = world.until(
        lambda: next((one for one in world.ask("thread", "list", "--all") if one["done"]), None),
        "the run that it began ends",
    )
    expect(shown["steps"] == 2, f"it made {shown['steps']} steps")
    return "a thread and its run, which ended after the client"
