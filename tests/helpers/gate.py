"""An agent that begins, and goes on only when a test lets it: who runs now, and in what order they came to run."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path

from tests.helpers.project import Project, program, until
from uwf.store.sqlite import open_store

_SCRIPT = """\
at=$(dirname "$0")
echo "$UWF_THREAD" >>"$at/begun"
cat >/dev/null
looks=0
while [ ! -e "$at/open" ] && [ ! -e "$at/open.$UWF_THREAD" ] && [ $looks -lt 6000 ]; do
    sleep 0.01
    looks=$((looks + 1))
done
printf -- '---\\n$status: done\\n---\\nDone.\\n'
"""


class Gate:
    """Its `command` is the agent; `name` is what it is configured as."""

    def __init__(self, project: Project, name: str = "waiting", **settings: str) -> None:
        self._project = project
        self._folder = project.home.parent / name
        self.name = name
        self.command = program(self._folder / "agent", _SCRIPT)
        configure(project, f"[agents.{name}]", command=f"{self.command!r}", **settings)

    @property
    def begun(self) -> list[str]:
        """The threads whose agent has begun, in that order."""
        file = self._folder / "begun"
        return file.read_text().split() if file.exists() else []

    def open(self, thread: str = "") -> None:
        """Let the agent of `thread` finish; without one, all, from now on."""
        (self._folder / (f"open.{thread}" if thread else "open")).touch()

    def exec(self, thread: str, *more: str, verb: str = "exec") -> subprocess.Popen[bytes]:
        """`thread exec` in a process that goes on by itself."""
        return self._project.start("thread", verb, thread, "--agent", self.name, "--json", *more)

    def running(self, thread: str, *more: str) -> subprocess.Popen[bytes]:
        """The same, once its agent runs."""
        process = self.exec(thread, *more)
        until(lambda: thread in self.begun)
        return process

    def waiting(self, thread: str, *more: str, verb: str = "exec") -> subprocess.Popen[bytes]:
        """The same, once it stands in the queue."""
        process = self.exec(thread, "--wait", "60", *more, verb=verb)
        until(lambda: thread in in_line(self._project))
        return process


def configure(project: Project, table: str, **settings: str) -> None:
    """Add a table to config.toml; values are TOML."""
    project.home.mkdir(exist_ok=True)
    lines = [table, *(f"{key} = {value}" for key, value in settings.items())]
    with Path(project.home, "config.toml").open("a") as file:
        file.write("\n".join(lines) + "\n")


def in_line(project: Project) -> list[str]:
    """The threads that wait for a slot, in their order."""
    return project("queue", "list", "-q").out.split()


def damage_line(project: Project, thread: str) -> str:
    """Leave an entry of `thread` in the queue as no version has written it; the name of its counter."""
    name = f"queue/{thread}"
    store = open_store(str(project.home / "store.db"), create=False)
    with store.transaction("test") as tx:
        tx.set_counter(name, {"thread": thread})
    store.close()
    return name


def spoil(project: Project, table: str, where: str) -> None:
    """Put bytes that nobody can decode into values of the guards, as a hand or a disk may."""
    with sqlite3.connect(project.home / "store.db") as connection:
        done = connection.execute(f"UPDATE {table} SET value = x'c1c1' WHERE {where}")
        assert done.rowcount
    connection.close()


def ended(process: subprocess.Popen[bytes], code: int = 0) -> str:
    """Wait for the end of a process, which has this exit code; what it wrote to stderr."""
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err.decode()
    return err.decode()


def refusal(process: subprocess.Popen[bytes]) -> str:
    """Wait for the end of a process that is refused; the reason."""
    return str(json.loads(ended(process, 75))["error"]["reason"])
