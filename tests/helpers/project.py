"""A person's project: a folder with workflows and agents in it, and `uwf` run there and checked at every call."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.helpers.program import Done, Uwf

EXIT_CODES = {0, 1, 2, 3, 4, 5, 6, 75, 130, 143}

ONE = """\
version: 1
name: one
description: One role that replies once.
roles:
  worker:
    description: Does the task.
    frontmatter:
      type: object
      properties: {$status: {const: done}, note: {type: string}}
      required: [$status]
graph:
  $START: {new: {role: worker, prompt: Do it.}}
  worker: {done: {role: $END}}
"""

REVIEW = """\
version: 1
name: review
description: One writes, one reviews, until it is approved.
roles:
  writer:
    description: Writes.
    goal: A short text.
    frontmatter:
      type: object
      properties: {$status: {const: written}, title: {type: string}}
      required: [$status, title]
  reviewer:
    description: Reviews.
    frontmatter:
      oneOf:
        - {properties: {$status: {const: approved}}, required: [$status]}
        - properties: {$status: {const: rejected}, why: {type: string}}
          required: [$status, why]
graph:
  $START:
    new: {role: writer, prompt: Write about it.}
    resume: {role: writer, prompt: "Write again, once more {{ _body }}."}
  writer:
    written: {role: reviewer, prompt: "Review {{ title }}: {{ _body }}"}
  reviewer:
    approved: {role: $END}
    rejected: {role: writer, prompt: "Not yet: {{ why }}"}
"""


def reply(status: str = "done", body: str = "", **fields: object) -> str:
    """A reply as an agent prints it."""
    lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items()]
    return "\n".join(["---", f"$status: {status}", *lines, "---", body]) + "\n"


WRITTEN = reply("written", "Once upon a time.", title="A tale")
APPROVED = reply("approved", "Good.")
REJECTED = reply("rejected", "Not good.", why="too short")
ASKS = reply("$SUSPEND", "I wonder.", reason="Which colour?")

_RECORDER = """\
at=$(dirname "$0")
n=$(($(cat "$at/count" 2>/dev/null || echo 0) + 1))
echo $n >"$at/count"
cat >"$at/prompt.$n"
env -0 >"$at/environ.$n"
pwd >"$at/folder.$n"
while [ ! -e "$at/reply.$n" ]; do n=$((n - 1)); done
cat "$at/reply.$n"
"""


class Recorder:
    """An agent that gives prepared replies, the last one for ever, and keeps what it was given."""

    def __init__(self, folder: Path, replies: tuple[str | bytes, ...]) -> None:
        self._folder = folder
        self.command = program(folder / "agent", _RECORDER)
        for n, text in enumerate(replies, 1):
            data = text.encode() if isinstance(text, str) else text
            (folder / f"reply.{n}").write_bytes(data)

    @property
    def calls(self) -> int:
        count = self._folder / "count"
        return int(count.read_text()) if count.exists() else 0

    def prompt(self, call: int) -> str:
        return (self._folder / f"prompt.{call}").read_text()

    def folder(self, call: int) -> str:
        return (self._folder / f"folder.{call}").read_text().removesuffix("\n")

    def environ(self, call: int) -> dict[str, str]:
        settings = (self._folder / f"environ.{call}").read_text().split("\0")
        return dict(setting.split("=", 1) for setting in settings if setting)


class Project(Uwf):
    """`uwf` in a project folder. Every call is held to what the contract promises for every command."""

    def __call__(
        self,
        *words: str | Path,
        expect: int | None = 0,
        input: str | bytes = b"",
        env: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> Done:
        done = super().__call__(*words, expect=expect, input=input, env=env, timeout_s=timeout_s)
        check(done, list(map(str, words)))
        return done

    def file(self, name: str, text: str | bytes) -> Path:
        """A file of the project."""
        path = self.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def program(self, name: str, script: str) -> str:
        """A shell script outside of the project; the words that run it."""
        return program(self.home.parent / "bin" / name, script)

    def agent(self, *replies: str | bytes) -> Recorder:
        folders = self.home.parent / "agents"
        folder = folders / str(len(list(folders.glob("*"))))
        folder.mkdir(parents=True)
        return Recorder(folder, replies)

    def begin(self, workflow: str = ONE, *more: str, task: str = "Paint the fence.") -> str:
        """The id of a new thread."""
        name = workflow.partition("name: ")[2].partition("\n")[0]
        file = self.file(f"{name}.yaml", workflow)
        done = self("thread", "start", file, "-p", task, "--json", *more)
        return str(done.json["thread"])

    def step(
        self, thread: str, agent: Recorder | str, *more: str, verb: str = "exec", expect: int = 0
    ) -> list[dict[str, Any]]:
        """The lines of `thread exec` with that agent."""
        command = agent if isinstance(agent, str) else agent.command
        words = ("thread", verb, thread, "--agent", command, "--json", *more)
        return self(*words, expect=expect).json_lines

    def show(self, thread: str) -> dict[str, Any]:
        shown: dict[str, Any] = self("thread", "show", thread, "--json").json
        return shown

    def steps(self, thread: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self("step", "list", thread, "--json").json
        return rows

    def turns(self, thread: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self("step", "turns", thread, "--json").json
        return rows


def check(done: Done, words: list[str]) -> None:
    """What holds for every command without a terminal."""
    assert done.code in EXIT_CODES, done
    assert "Traceback" not in done.err, done
    assert "\x1b" not in done.err, done
    if "--json" in words:
        for line in [
            *done.err.splitlines(),
            *([] if _is_json(done.out) else done.out.splitlines()),
        ]:
            assert _is_json(line), done
    elif done.code not in (0, 3, 75) and words[:2] != ["workflow", "validate"]:
        assert any(line.startswith("error: ") for line in done.err.splitlines()), done


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return text == ""
    return True


def program(path: Path, script: str) -> str:
    """An executable shell script at `path`; the words that run it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
    return str(path)


def until(what: Callable[[], Any], *, within_s: float = 20) -> Any:
    """The first true value of `what()`; fails when there is none in time."""
    deadline = time.monotonic() + within_s
    while not (value := what()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return value


def is_alive(pid: int) -> bool:
    """Whether a process with that pid runs; a corpse does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return not stat.parent.parent.exists()
