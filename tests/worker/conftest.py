"""Machines that share a store: each a home of its own on this one, with workers and daemons as real processes."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.helpers.project import ONE, Project, reply, until

DONE = reply("done", "I did it.")


class Running:
    """A worker or a daemon of a machine; what it says."""

    def __init__(self, process: subprocess.Popen[bytes], said: Path) -> None:
        self.process, self._said = process, said

    @property
    def said(self) -> str:
        return self._said.read_text()

    def says(self, *words: str) -> Running:
        """Wait until it has said all of them."""
        until(lambda: all(each in self.said for each in words), within_s=40)
        return self

    def end(self, signum: int = signal.SIGTERM) -> int:
        """Tell it to end; its exit code."""
        self.process.send_signal(signum)
        return self.process.wait(timeout=60)


class Machine(Project):
    """A machine called `host`."""

    def __init__(self, folder: Path, host: str, database: str) -> None:
        (folder / host / "project").mkdir(parents=True)
        super().__init__(folder / host / "home", folder / host / "project")
        self.environ |= {"UWF_HOST": host, "UWF_STORE": database}
        self.host, self.database = host, database
        self.processes: list[Running] = []

    def agents(self, *names: str, script: str = f"cat >/dev/null; printf '%s' '{DONE}'\n") -> None:
        """Let it have these agents, the first one by default."""
        for name in names:
            self("config", "set", f"agents.{name}.command", self.program(name, script))
        self("config", "set", "default_agent", names[0])

    def worker(self, *words: str) -> Running:
        return self.start_and_see("worker", "run", *words).says("takes from")

    def daemon(self, *, leads: bool = True) -> Running:
        daemon = self.start_and_see("daemon", "run")
        return daemon.says("leads the daemons") if leads else daemon.says("waits to take over")

    def due(self, *words: str, workflow: str = ONE) -> str:
        """A new thread that is due."""
        return self.begin(workflow, "--wake", *words)

    def sql(self, statement: str) -> list[Any]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            answer = connection.execute(statement.encode())
            return answer.fetchall() if answer.description else []

    def ends(self, thread: str, status: str = "completed") -> dict[str, Any]:
        """The thread, once it has this status."""
        shown: dict[str, Any] = {}

        def has_ended() -> bool:
            shown.update(self.show(thread))
            return bool(shown["status"] == status)

        until(has_ended, within_s=40)
        return shown

    def agent_of(self, thread: str) -> str:
        return str(self.steps(thread)[-1]["agent"])

    def start_and_see(self, *words: str) -> Running:
        path = self.home.parent / f"said.{len(self.processes)}"
        with path.open("wb") as said:
            process = self.start(*words, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        running = Running(process, path)
        self.processes.append(running)
        return running


@pytest.fixture
def machine(tmp_path: Path, queue_url: str) -> Iterator[Callable[[str], Machine]]:
    """Machines by their names."""
    machines: list[Machine] = []

    def made(host: str) -> Machine:
        machines.append(Machine(tmp_path, host, queue_url))
        return machines[-1]

    yield made
    running = [each for one in machines for each in one.processes]
    for each in running:
        if each.process.poll() is None:
            each.process.send_signal(signal.SIGTERM)
            each.process.send_signal(signal.SIGTERM)
    for each in running:
        try:
            each.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            each.process.kill()
            each.process.wait()
