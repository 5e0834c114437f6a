"""One home in which uwf is run, killed, and looked at from outside.

A `World` is a folder: the home, the project the agents work in, and the log the agents write. It is prepared once
for a scenario and copied for every kill. Every process that is started in it carries the world's token in its
environment, and so does whatever these start, so that none can hide.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.crash.processes import Ended, Obstacle, Running, process_table
from tests.helpers.program import PROGRAM
from uwf.store.protocols import Transaction
from uwf.store.sqlite import SqliteStore, open_store

AGENT = Path(__file__).with_name("agent.py")

CONFIG = f"""\
default_agent = "crew"
[agents.crew]
command = ["{sys.executable}", "-I", "-S", "{AGENT}"]
[limits]
grace = "100ms"
max_steps = 20
max_running = 1
min_memory = "1MiB"
disk_floor = "1MiB"
seats = 0
[retry]
base = "100ms"
"""

WORKFLOW = """\
version: 1
name: crash
description: Writes and reviews until the reviewer is content.
roles:
  writer:
    description: Writes.
    goal: A text.
    capabilities: [writing]
    procedure: Write it.
    output: What was written.
    frontmatter:
      type: object
      properties: {$status: {const: done}, index: {type: integer}}
      required: [$status, index]
  reviewer:
    description: Reviews.
    goal: A good text.
    capabilities: [reading]
    procedure: Read it.
    output: What is wrong.
    frontmatter:
      oneOf:
        - type: object
          properties: {$status: {const: ok}, index: {type: integer}}
          required: [$status, index]
        - type: object
          properties: {$status: {const: again}, index: {type: integer}}
          required: [$status, index]
graph:
  $START:
    new: {role: writer, prompt: Write the text.}
    resume: {role: writer, prompt: Change the text.}
  writer:
    done: {role: reviewer, prompt: "Review what was written as {{ index }}."}
  reviewer:
    again: {role: writer, prompt: "Improve it; {{ index }} was not good enough."}
    ok: {role: $END, prompt: Good.}
"""


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.project = folder / "project"
        self.log = folder / "agents.log"
        self.token = f"{folder.name}-{os.urandom(8).hex()}"

    @classmethod
    def make(cls, folder: Path) -> World:
        """A world with a workflow and an agent, and no store yet."""
        world = cls(folder)
        world.home.mkdir(parents=True, mode=0o700)
        world.project.mkdir()
        (world.home / "config.toml").write_text(CONFIG)
        (folder / "crash.yaml").write_text(WORKFLOW)
        return world

    def copy(self, folder: Path) -> World:
        """The same world elsewhere, with a token of its own."""
        shutil.copytree(self.folder, folder, copy_function=_copied)
        return World(folder)

    @property
    def workflow(self) -> str:
        return str(self.folder / "crash.yaml")

    def environ(self, agent: str = "", extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "TERM": "dumb",
            "UWF_HOME": str(self.home),
            "CRASH_AGENT": agent,
            "CRASH_LOG": str(self.log),
            "CRASH_TOKEN": self.token,
            **(extra or {}),
        }

    def start(
        self,
        *words: str,
        agent: str = "",
        env: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> Running:
        """Start `uwf WORDS --json`, by way of the program `within`."""
        argv = [*within, PROGRAM, *words, "--json"]
        return Running(argv, self.project, self.environ(agent, env))

    def run(self, *words: str, **options: Any) -> Ended:
        """Run `uwf WORDS --json` to its end; `options` as for `start`."""
        return self.start(*words, **options).end()

    def must(self, *words: str, agent: str = "", codes: Sequence[int] = (0,)) -> Ended:
        """Run it; its exit code is one of `codes`, or `Obstacle` is raised."""
        ended = self.run(*words, agent=agent)
        if ended.code not in codes:
            raise Obstacle(f"uwf {' '.join(words)} exits {ended.code}: {ended.err.strip()}")
        return ended

    @contextmanager
    def store(self) -> Iterator[SqliteStore]:
        """A copy of the store to look at: what a killed process has left is for the next command to open."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="look-") as folder:
            for side in ("", "-wal", "-mark"):
                file = self.home / f"store.db{side}"
                if file.exists():
                    shutil.copyfile(file, f"{folder}/{file.name}")
            with closing(open_store(f"{folder}/store.db", create=False)) as store:
                yield store

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction in the store itself, to prepare what no command would."""
        with (
            closing(open_store(str(self.home / "store.db"))) as store,
            store.transaction("test") as tx,
        ):
            yield tx

    @property
    def has_store(self) -> bool:
        return (self.home / "store.db").exists()

    def agent_runs(self) -> list[dict[str, Any]]:
        """What the agents wrote: one entry for each that has run."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def alive(self) -> dict[int, str]:
        """The processes that carry this world's token, but for this very one: pid → command line."""
        return {pid: line for pid, environ, line in process_table() if self.token in environ + line}

    def sweep(self) -> None:
        """End what is left of this world: its processes, then its files."""
        for pid in self.alive():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        shutil.rmtree(self.folder, ignore_errors=True)


def _copied(file: str, to: str) -> None:
    """As `shutil.copytree` wants it, which copies no named pipe: a killed run leaves one."""
    if stat.S_ISFIFO(os.stat(file).st_mode):
        os.mkfifo(to)
    else:
        shutil.copy2(file, to)
