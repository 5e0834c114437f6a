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
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.helpers.program import PROGRAM
from uwf.store.sqlite import SqliteStore, open_store

AGENT = Path(__file__).with_name("agent.py")
PATIENCE_S = 60.0
POLL_S = 0.005

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


class Ended(NamedTuple):
    """A process that is over. `code` is negative when a signal ended it."""

    code: int
    out: str
    err: str
    took_s: float

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def answers(self) -> list[Any]:
        """The JSON documents it printed to their end: what it has acknowledged."""
        whole = self.out[: self.out.rfind("\n") + 1]
        return [json.loads(line) for line in whole.splitlines()]


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
        shutil.copytree(self.folder, folder)
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
        store = open_store(str(self.home / "store.db"), create=False)
        try:
            yield store
        finally:
            store.close()

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
        mark = f"CRASH_TOKEN={self.token}"
        return {pid: line for pid, environ, line in process_table() if mark in environ}

    def sweep(self) -> None:
        """End what is left of this world: its processes, then its files."""
        for pid in self.alive():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        shutil.rmtree(self.folder, ignore_errors=True)


class Running:
    """A process that was started. Its output goes to files, so that it never waits for a reader."""

    def __init__(self, argv: list[str], cwd: Path, environ: dict[str, str]) -> None:
        self.began_s = time.monotonic()
        self._out, self._err = _scratch(), _scratch()
        self._process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def send(self, signum: int) -> None:
        self._process.send_signal(signum)

    def kill_after(self, delay_s: float) -> Ended:
        """SIGKILL when `delay_s` seconds have passed since it was started, if it lives that long."""
        try:
            self._process.wait(max(0.0, self.began_s + delay_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self.end()

    def end(self) -> Ended:
        """Wait for its end. One that takes longer than a minute is killed and is an `Obstacle`."""
        try:
            code = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise Obstacle(f"{self._process.args} hangs") from None
        took_s = time.monotonic() - self.began_s
        return Ended(code, _contents(self._out), _contents(self._err), took_s)


class Obstacle(Exception):
    """Something is in the way of going on."""


def wait_until(condition: Any, what: str) -> None:
    """Poll until `condition()` is true, for a minute at most."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise Obstacle(f"waited in vain until {what}")
        time.sleep(POLL_S)


def process_table() -> Iterator[tuple[int, str, str]]:
    """(pid, environment, command line) of every process that lives and that we may look at."""
    if not os.path.exists("/proc/self/environ"):
        listed = subprocess.run(
            ["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=True
        )
        for line in listed.stdout.splitlines():
            pid, _, rest = line.strip().partition(" ")
            yield int(pid), rest, rest
        return
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            environ = Path(f"/proc/{name}/environ").read_text(errors="replace")
            line = Path(f"/proc/{name}/cmdline").read_text(errors="replace")
        except OSError:
            continue  # it ended, or is not ours
        if line:  # a corpse has none
            yield int(name), environ, line.replace("\0", " ").strip()


def _scratch() -> Any:
    import tempfile

    return tempfile.TemporaryFile()  # closed when the process that wrote it was read


def _contents(file: Any) -> str:
    file.seek(0)
    text = file.read().decode(errors="replace")
    file.close()
    return str(text)
