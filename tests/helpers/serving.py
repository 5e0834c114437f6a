"""A daemon of a project, as a real process: what it says, and its end."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

from tests.helpers.project import Project, until
from uwf.app.unattended import poke


class Serving:
    """`uwf daemon run`. What it says is kept in a file."""

    def __init__(self, project: Project, number: int = 1, **env: str) -> None:
        self._project = project
        self._said = project.home.parent / f"daemon.{number}.err"
        with self._said.open("wb") as said:
            self.process: subprocess.Popen[bytes] = project.start(
                "daemon", "run", env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    def leads(self) -> Serving:
        """Wait until it does."""
        until(lambda: "leads the daemons" in self.said)
        until(lambda: self.status()["leader"] is not None)
        return self

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self._project("daemon", "status", "--json").json
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self, signum: int = signal.SIGTERM) -> int:
        """Tell it to end; its exit code."""
        self.process.send_signal(signum)
        return self.process.wait(timeout=60)


def due(project: Project, thread: str, *, told: bool = True) -> None:
    """Let the thread be due, and say so to the daemon unless it is not to be `told`."""
    ref = f"@uwf/thread/{thread}"
    head = project("ref", "get", ref, "--json").json["id"]
    project("ref", "set", ref, head, "--tag", "wakeAt=1000", "--tag", "wakeWhy=timer")
    if told:
        poke.send(str(project.home))


def configured(project: Project, script: str) -> str:
    """An agent that all threads are run with; the words that run it."""
    command = project.program("agent-of-all", script)
    project("config", "set", "agents.all.command", command)
    project("config", "set", "default_agent", "all")
    return command
