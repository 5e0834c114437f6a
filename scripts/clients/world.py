"""A person's machine for one trial: a home, a project under git, one client, and the model that it asks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from crowd.home import TOKEN_NAME, processes_with

from clients import crew
from clients.crew import Client
from clients.model import Model

UWF = str(Path(sys.executable).parent / "uwf")

WORKFLOW = """\
version: 1
name: pair
description: One writes, one checks.
roles:
  writer: &role
    description: Works.
    frontmatter: {type: object, properties: {$status: {const: done}}, required: [$status]}
  checker: *role
graph:
  $START: {new: {role: writer, prompt: Write it.}, resume: {role: writer, prompt: Write it again.}}
  writer: {done: {role: checker, prompt: Check it.}}
  checker: {done: {role: $END}}
"""

SETTINGS = """\
default_agent = "it"
[agents.it]
kind = "{kind}"
timeout = "2m"
{own}
[retry]
attempts = 0
wake_base = "1s"
wake_max = "1s"
[daemon]
drain = "1s"
[workspace]
ports = 0
"""


class Fault(Exception):
    """What was not as it should be."""


class Done(NamedTuple):
    """A command of uwf that has ended. `steps` are its lines of JSON."""

    code: int
    steps: list[dict[str, Any]]
    said: str


class World:
    """One home with one agent, `it`."""

    def __init__(self, folder: Path, client: Client, bin: Path, model: Model) -> None:
        self.client, self.model = client, model
        self.token = f"trial-{os.urandom(8).hex()}"
        self.person, self.project = folder / "person", folder / "project"
        for each in (self.person, self.project):
            each.mkdir(parents=True)
        self.home = self.person / ".uwf"
        self.home.mkdir(mode=0o700)
        self.environ = {
            "HOME": str(self.person),
            "LANG": "C.UTF-8",
            "PATH": crew.path_of(bin),
            TOKEN_NAME: self.token,
            **client.prepare(self.person, model.url),
        }
        (self.project / "pair.yaml").write_text(WORKFLOW)
        git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "begin"]):
            subprocess.run([*git, *words], cwd=self.project, env=self.environ, check=True)
        self.settle()

    def settle(self, own: str = "", more: str = "", *, permits: bool = True) -> None:
        """Write its config: keys for the agent, and what else."""
        keys = self.client.config.replace("~", str(self.person))
        own = keys + (self.client.permits if permits else "") + own
        text = SETTINGS.format(kind=self.client.kind, own=own)
        (self.home / "config.toml").write_text(text + more)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """While this lasts its client looks for the model where nobody listens."""
        before = self.environ
        nowhere = "http://127.0.0.1:9"
        self.environ = {
            name: value.replace(self.model.url, nowhere) for name, value in before.items()
        }
        settings = self.person / ".codex" / "config.toml"
        kept = {file: file.read_text() for file in (settings,) if file.exists()}
        for file, text in kept.items():
            file.write_text(text.replace(self.model.url, nowhere))
        yield
        self.environ = before
        for file, text in kept.items():
            file.write_text(text)

    def command(self, *words: str) -> subprocess.Popen[str]:
        """`uwf WORDS --json`, started."""
        return subprocess.Popen(
            [UWF, *words, "--json"],
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def uwf(self, *words: str, expect: int | None = 0, within_s: float = 120) -> Done:
        """The same, to its end. `expect` is the exit code it must have; None takes any."""
        return ended(self.command(*words), " ".join(words), expect, within_s)

    def ask(self, *words: str) -> Any:
        """What a question of one document answers."""
        process = self.command(*words)
        out, err = process.communicate(timeout=60)
        if process.returncode != 0:
            raise Fault(f"uwf {' '.join(words)}: {err.strip()}")
        return json.loads(out)

    def begin(self, *more: str) -> str:
        """The id of a new thread."""
        return str(self.ask("thread", "start", "pair.yaml", "-p", "The task.", *more)["thread"])

    def show(self, thread: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("thread", "show", thread)
        return found

    def steps(self, thread: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("step", "list", thread)
        return found

    def processes(self, words: str = "") -> list[int]:
        """Those of this world but commands of uwf: with `words`, those in whose command line they stand."""
        found = processes_with(self.token)
        return [pid for pid, line in found.items() if words in line and UWF not in line]

    def until(self, holds: Callable[[], Any], what: str, within_s: float = 60) -> Any:
        """What `holds` gives once it is true."""
        deadline_s = time.monotonic() + within_s
        while not (found := holds()):
            if time.monotonic() > deadline_s:
                raise Fault(f"{what}: not within {within_s:g} s")
            time.sleep(0.05)
        return found

    def nobody_lives(self) -> None:
        """Raises Fault when a process of this world is left that is no command of uwf."""
        self.until(lambda: not self.processes(), f"gone are {self.processes()}", 10)

    def end(self) -> None:
        """Kill what is left of it."""
        for pid in processes_with(self.token):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def ended(process: subprocess.Popen[str], words: str, expect: int | None, within_s: float) -> Done:
    """A command, once it has ended."""
    try:
        out, err = process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise Fault(f"uwf {words}: still runs after {within_s:g} s") from None
    done = Done(process.returncode, [json.loads(line) for line in out.splitlines()], err.strip())
    if expect is not None and done.code != expect:
        told = done.said or (out.splitlines() or [""])[-1]
        raise Fault(f"uwf {words}: exit {done.code} and not {expect}: {told[-400:]}")
    return done
