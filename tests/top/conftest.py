"""A home with threads in it, and the screen driven without a terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.helpers.project import ASKS, ONE, program, reply
from uwf.app import App
from uwf.top.screen import TopApp

DEADLINE_S = 20


class World:
    """A home, and agents that answer, ask, fail, or work until they are let go."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, str(folder / "home")
        (folder / "one.yaml").write_text(ONE)
        self.go = folder / "go"
        self.app = App.open(self.home)

    def start(self, task: str = "Do it.", **more: Any) -> str:
        return self.app.start(
            str(self.folder / "one.yaml"), task, cwd=str(self.folder), **more
        ).thread

    def shown(self, id: str) -> str:
        """How a person sees it."""
        return self.app.short_ids([id])[id]

    def said(self, text: str, task: str = "Do it.", **more: Any) -> str:
        """A thread whose agent has said that."""
        id = self.start(task, **more)
        (self.folder / f"{id}.md").write_text(text)
        self.run(id, "mine", f"cat {self.folder / id}.md")
        return id

    def run(self, id: str, agent: str, command: str) -> None:
        """By an agent of the config, where a test may put another one in its place."""
        self.app.settings.set_all({f"agents.{agent}.command": command, "default_agent": agent})
        list(self.app.exec(id))

    def done(self, task: str = "Do it.", **more: Any) -> str:
        return self.said(reply("done", "The end.", note="fine"), task, **more)

    def asked(self, task: str = "Do it.", **more: Any) -> str:
        return self.said(ASKS, task, **more)

    def failed(self, task: str = "Do it.") -> str:
        id = self.start(task)
        self.run(id, "bad", "sh -c 'echo no key >&2; exit 3'")
        return id

    def busy_agent(self, *events: str) -> str:
        """The command of an agent that says these events, JSON each, and works until it may go on."""
        said = "".join(f"printf '%s\\n' '{event}' >>\"$UWF_EVENTS\"\n" for event in events)
        end = f"while [ ! -e {self.go} ]; do sleep 0.02; done\nprintf -- '---\\n$status: done\\n---\\n'\n"
        return program(self.folder / "busy", said + end)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.go.touch()
    world.app.close()


Act = Callable[["Seeing"], Coroutine[Any, Any, None]]


class Seeing:
    """The screen as a person sees it, and the keys."""

    def __init__(self, screen: TopApp, pilot: Pilot[int]) -> None:
        self.screen, self.pilot = screen, pilot

    @property
    def text(self) -> str:
        strips = self.screen.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    async def until(self, *words: str, gone: str | None = None) -> str:
        """What is shown once all of `words` are, and `gone` is not, wherever the lines are broken."""

        def shows(text: str, word: str) -> bool:
            return "".join(word.split()) in "".join(text.split())

        deadline_s = time.monotonic() + DEADLINE_S
        while True:
            await self.pilot.pause(0.02)
            text = self.text
            if all(shows(text, word) for word in words) and not (gone and shows(text, gone)):
                return text
            assert time.monotonic() < deadline_s, f"no {words} (or still {gone!r}) in\n{text}"

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.pilot.press(*("space" if c == " " else c for c in text), "enter")

    def line(self, words: str) -> str:
        """The line that has these words."""
        text = self.text
        found = [line for line in text.splitlines() if words in line]
        assert found, f"no {words!r} in\n{text}"
        return found[0]


def see(home: str, act: Act, size: tuple[int, int] = (80, 24)) -> TopApp:
    """Do it at a screen of that size."""
    screen = TopApp(home)

    async def run() -> None:
        async with screen.run_test(size=size) as pilot:
            await act(Seeing(screen, pilot))

    asyncio.run(run())
    return screen
