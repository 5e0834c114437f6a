"""A home with a daemon's parts in it, driven by a test: what it is asked for, what it stores, what it says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.helpers.fake_forge import REPO, eventually
from tests.helpers.project import ONE
from uwf import clock
from uwf.app import App
from uwf.daemon.intake.buffer import Wish
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import Quarantine
from uwf.daemon.runs.runs import NoRuns
from uwf.daemon.sources.part import SourcePolls


class DaemonOfTest(Daemon):
    """A daemon without a loop: a test asks its parts. What it says is in `said`."""

    def __init__(self, app: App) -> None:
        self.said: list[str] = []
        super().__init__(app, NoRuns(), Quarantine(), lambda: None, self._note)

    def _note(self, text: str, _facts: object) -> None:
        self.said.append(text)


class Home:
    """A home whose sources are asked when the test says so."""

    def __init__(self, folder: Path) -> None:
        (folder / "one.yaml").write_text(ONE)
        self.folder, self.path = folder, folder / "home"
        self.path.mkdir()
        self.app = App.open(str(self.path))
        self.daemon = DaemonOfTest(self.app)
        self.wishes: list[Wish] = []
        self.sources = SourcePolls(self.daemon, self._taken_wishes)

    def close(self) -> None:
        self.daemon.end_programs()
        self.sources.close()
        self.app.close()

    def configure(self, text: str) -> None:
        (self.path / "config.toml").write_text(text)
        self.app.close()
        self.app = App.open(str(self.path))
        self.daemon.app = self.app
        self.sources = SourcePolls(self.daemon, self._taken_wishes)

    def forge(self, url: str, kind: str = "github", name: str = "shop", **more: Any) -> str:
        """The text of a source that is this forge."""
        settings = {"name": name, "kind": kind, "url": url, "repo": REPO, "timeout": "5s", **more}
        lines = (f"{key} = {_toml(value)}" for key, value in settings.items())
        return "[[sources]]\n" + "\n".join(lines) + "\n"

    def thread(self, **labels: str) -> str:
        os.chdir(self.folder)
        return self.app.start("one.yaml", "Do it.", labels=labels).thread

    def ask(self) -> float | None:
        """One tick that begins polls and one that takes what they found, once they have; what the last one answers."""
        self.sources.tick(clock.now_ms())
        polls = list(self.sources._polls.values())
        eventually(lambda: all(poll.is_done for poll in polls))
        return self.sources.tick(clock.now_ms())

    def due(self) -> None:
        """Let every source be due, as if the time had passed."""
        for name in self.sources._due_s:
            self.sources._due_s[name] = self.sources._peace_s[name] = 0.0

    def bodies(self) -> list[str]:
        """What is said in the events there are, the oldest first."""
        rows = self.app.events.list().events
        pages = [self.app.events.show(row.event) for row in reversed(rows)]
        data = [(page.data or {}, page.name) for page in pages]
        return [each.get("body") or each.get("state") or name for each, name in data]

    def _taken_wishes(self) -> list[Wish]:
        found, self.wishes = self.wishes, []
        return found


def _toml(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'
