"""The picture of `uwf top` in docs/pictures: a home with agents at work, looked at by the screen itself.

All on it happens in a home that is made for it; only the steps of the hour before are written into its store. Ids,
times and the daemon's process, which are others each time, are written over: it changes when the screen does.

    picture_top.py FOLDER FILE    makes the home in FOLDER, and the picture FILE
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from uwf import clock
from uwf.record import replace
from uwf.store import measures
from uwf.store.sqlite import open_store
from uwf.top.list import ListScreen
from uwf.top.looking import HomeView
from uwf.top.screen import Looked, TopApp

WORKFLOW = """\
version: 1
name: review
description: One writes, one reviews, until it is approved.
roles:
  writer:
    description: Writes the change.
    goal: A small change with a test.
    frontmatter: {type: object, properties: {$status: {const: written}}, required: [$status]}
  reviewer:
    description: Reviews the change.
    goal: A verdict.
    frontmatter: {type: object, properties: {$status: {enum: [approved, rejected]}}, required: [$status]}
graph:
  $START: {new: {role: writer, prompt: Write it.}}
  writer: {written: {role: reviewer, prompt: Review it.}}
  reviewer: {approved: {role: $END}, rejected: {role: writer, prompt: Once more.}}
"""

AGENT = """\
import json, os, sys, time
role, lines = os.environ["UWF_ROLE"], json.loads(sys.argv[1])
if not lines:
    sys.exit("the key has expired")
with open(os.environ["UWF_EVENTS"], "a") as events:
    for line in lines:
        print(json.dumps(line), file=events, flush=True)
while lines[-1]["type"] == "tool":
    time.sleep(1)
if lines[-1]["type"] == "text":
    print("---\\n$status: $SUSPEND\\nreason: %s\\nchoices: [keep it, drop it]\\n---" % lines[-1]["text"])
else:
    print("---\\n$status: %s\\n---\\nFine." % {"writer": "written", "reviewer": "approved"}[role])
"""


def usage(usd: float, tokens: int) -> dict[str, object]:
    return {"type": "usage", "usd": usd, "tokens": tokens}


def text(words: str) -> dict[str, object]:
    return {"type": "text", "text": words}


def tool(name: str, **arguments: str) -> dict[str, object]:
    return {"type": "tool", "name": name, "arguments": arguments}


DONE = (
    "Say the price in each list",
    "Sort the pantry by date",
    "Name the units",
    "Read a CSV of 2 GB",
)
ASKS = (
    "Drop the flag --old",
    [usage(0.31, 12_000), text("Two users still pass --old. Keep it for one more release?")],
)
WORK = (
    (
        "Make the parser fast",
        [text("scan() copies the rest of the line each time."), tool("Edit", path="src/parser.py")],
    ),
    (
        "Explain each error",
        [
            text("Six errors have no hint yet."),
            text("The one of a full disk says nothing of which disk."),
            tool("Bash", command="pytest tests/test_errors.py"),
        ],
    ),
)


class Home:
    """The home that is looked at, and `uwf` in a project beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        self.folder.mkdir(parents=True)
        self.path = folder / ".uwf"
        self.env = {**os.environ, "HOME": str(folder), "UWF_HOME": str(self.path)}
        (self.folder / "review.yaml").write_text(WORKFLOW)
        (folder / "agent.py").write_text(AGENT)
        for name, value in (
            ("budget.day.usd", "5"),
            ("budget.reserve.usd", "0.5"),
            ("limits.max_running", "2"),
        ):
            self("config", "set", name, value)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "uwf", *words]

    def __call__(self, *words: str) -> str:
        line = self.command(*words)
        done = subprocess.run(line, cwd=self.folder, env=self.env, capture_output=True, text=True)
        return done.stdout.strip()

    def start(self, task: str) -> str:
        return self("thread", "start", "review.yaml", "-p", task, "-q")

    def agent(self, name: str, lines: list[dict[str, object]]) -> str:
        """A configured agent that says these lines."""
        command = json.dumps(
            [sys.executable, str(self.folder.parent / "agent.py"), json.dumps(lines)]
        )
        with (self.path / "config.toml").open("a") as config:
            config.write(f"\n[agents.{name}]\ncommand = {command}\n")
        return name


def make(folder: Path) -> Home:
    """A home with threads in all states, two of them at work."""
    home = Home(folder)
    editor = home.agent("claude", WORK[0][1])
    tester = home.agent("codex", WORK[1][1])
    good = home.agent("quick", [usage(0.11, 9_000)])
    for task in DONE:
        home("thread", "exec", home.start(task), "--agent", good, "--until-done")
    home("thread", "exec", home.start(ASKS[0]), "--agent", home.agent("gemini", ASKS[1]))
    home("thread", "exec", home.start("Sign the release"), "--agent", home.agent("signer", []))
    for (task, _), agent in zip(WORK, (editor, tester), strict=True):
        home("thread", "exec", home.start(task), "--agent", agent, "--detach")
    home(
        "thread", "exec", home.start("Write the guide"), "--agent", good, "--detach", "--wait", "1h"
    )
    home("thread", "wake", home.start("Look at the nightly run"), "--in", "2h")
    remember_an_hour(home)
    return home


MINUTES = (0, 0, 1, 2, 1, 0, 3, 4, 2, 1, 0, 1, 5, 6, 3, 2, 2, 1, 0, 0, 1, 3, 7, 4, 2, 1, 1, 2, 3)


def remember_an_hour(home: Home) -> None:
    """Steps that were made before the home was, two minutes each."""
    now_ms = clock.now_ms()
    store = open_store(str(home.path / "store.db"))
    with store.transaction("picture") as tx:
        for back, steps in enumerate(reversed(MINUTES), 1):
            for number in range(steps):
                minute = 2 * back + number % 2
                tx.add_sample(measures.STEP, 1, now_ms - minute * 60_000 + 30_000)
    store.close()


IDS = ("7K2Q", "M4ZD", "X9RA", "B3TN", "H8WE", "C5VP")
AGO_S = (840, 2_460, 250, 95, 30, -7_200)


def settled(view: HomeView) -> HomeView:
    """What is another one each time, written over."""
    noon_ms = int(time.mktime((2026, 1, 31, 12, 5, 0, 0, 0, -1)) * 1000)
    shown = list(zip(view.rows, IDS, AGO_S, strict=False))
    return replace(
        view,
        now_ms=noon_ms,
        rows=tuple(replace(row, at=noon_ms - age_s * 1000) for row, _, age_s in shown),
        ids={row.thread: id for row, id, _ in shown},
        leader=view.leader and 4711,
    )


class Pictured(TopApp):
    """The same screen, which shows what is settled."""

    def on_looked(self, message: Looked) -> None:
        seen = message.seen
        if seen.view is not None:
            seen = replace(seen, view=settled(seen.view))
        if seen.detail is not None:
            seen = replace(
                seen, detail=tuple(re.sub(r" for \d+\w", " for 4m", line) for line in seen.detail)
            )
        message.seen = seen
        super().on_looked(message)


async def picture(home: Home) -> str:
    """The screen once everything is at work, the cursor on the first thread that runs."""
    os.environ["HOME"] = str(home.folder.parent)
    screen = Pictured(str(home.path))
    async with screen.run_test(size=(100, 26)) as pilot:
        for _ in range(300):
            await pilot.pause(0.1)
            shown = screen.screen
            view = shown.view if isinstance(shown, ListScreen) else None
            says = " ".join(row.says for row in view.rows) if view is not None else ""
            is_at_work = all(words in says for words in ("Edit", "Bash", "number 1"))
            if is_at_work and view is not None and view.leader is not None:
                break
        await pilot.press("j", "j")
        await pilot.pause(1.5)
        return screen.export_screenshot(title="uwf top")


def main() -> None:
    folder, file = map(Path, sys.argv[1:])
    home = make(folder)
    with subprocess.Popen(home.command("daemon", "run", "-q"), env=home.env) as daemon:
        try:
            file.write_text(asyncio.run(picture(home)))
        finally:
            home("thread", "stop", "--where", "status=running")
            daemon.terminate()


if __name__ == "__main__":
    main()
