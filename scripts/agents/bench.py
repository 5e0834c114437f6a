"""A home and a folder for one claim about a client, whose service is a fake API on loopback.

What the API does is said by marks in the prompt: `[[say=FILE]]` replies with a file, `[[bash=LINE]]` wants a command
to be run first, `[[status=N]]` fails, `[[hang]]` says nothing, `[[cut]]` breaks off. Each request is a line of JSON in
its log.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

UWF = str(Path(sys.executable).parent / "uwf")
MOST_S = 90.0

WORKFLOW = """\
version: 1
name: solo
description: One role writes.
roles:
  writer:
    description: Writes.
    goal: Write.
    capabilities: []
    procedure: Write.
    output: the text
    frontmatter: {type: object, properties: {$status: {enum: [done]}}, required: [$status]}
graph:
  $START:
    new: {role: writer, prompt: "{{ _body }}"}
    resume: {role: writer, prompt: "Again."}
  writer:
    done: {role: $END, prompt: ""}
"""


class Bench:
    """One claim's. `clients` is the folder with the programs of the clients, `api` the address of the fake API, which
    writes into `log`. `config` is config.toml of the home but for `env`, which every agent is given.
    """

    def __init__(self, folder: Path, clients: str, api: str, log: Path) -> None:
        self.folder, self.api, self.log = folder, api, log
        self.mark = f"bench-{os.urandom(8).hex()}"
        self.home, self.work, self.user = folder / "uwf", folder / "work", folder / "user"
        for path in (self.home, self.work, self.user):
            path.mkdir(parents=True, mode=0o700)
        (folder / "solo.yaml").write_text(WORKFLOW)
        self.done = folder / "done.md"
        self.done.write_text("---\n$status: done\n---\nWell.\n")
        self.env = {
            **os.environ,
            "HOME": str(self.user),
            "UWF_HOME": str(self.home),
            "PATH": f"{clients}:{os.environ['PATH']}",
            "UWF_BENCH": self.mark,
        }
        self._logged = log.stat().st_size if log.exists() else 0

    def config(self, text: str) -> None:
        """Write config.toml. What fails is tried again by whoever types it, so that a claim sees each failure."""
        (self.home / "config.toml").write_text(f"{text}\n[retry]\nattempts = 0\n")

    def uwf(self, *words: str, code: int | None = 0) -> str:
        """What `uwf` prints on stdout; it ends with `code`, None: however it ends."""
        ended = subprocess.run(
            [UWF, *words],
            cwd=self.work,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=MOST_S,
            check=False,
        )
        said = f"uwf {' '.join(words)} ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
        assert code is None or ended.returncode == code, said
        return ended.stdout

    def json(self, *words: str, code: int | None = 0) -> Any:
        """The last document that `uwf … --json` prints."""
        return json.loads(self.uwf(*words, "--json", code=code).splitlines()[-1])

    def start(self, prompt: str) -> str:
        """A new thread that is prompted so."""
        return self.uwf(
            "thread", "start", str(self.folder / "solo.yaml"), "-p", prompt, "-q"
        ).strip()

    def says(self, *marks: str) -> str:
        """A prompt that is replied to as it should be, after what the `marks` say."""
        return " ".join(("Write.", *marks, f"[[say={self.done}]]"))

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """`uwf` that runs beside this."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            [UWF, *words], cwd=self.work, env=self.env, stdout=quiet, stderr=quiet
        )

    def steps(self, thread: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json("step", "list", thread)
        return found

    def failed(self, thread: str) -> dict[str, Any]:
        """What `thread show` says of the last attempt that failed."""
        found = self.json("thread", "show", thread)["failed"]
        assert isinstance(found, dict), "nothing has failed"
        return found

    def requests(self) -> list[dict[str, Any]]:
        """The bodies that the API was sent since this bench was made."""
        with open(self.log, "rb") as file:
            file.seek(self._logged)
            lines = [json.loads(line) for line in file.read().splitlines()]
        return [line["body"] for line in lines if line.get("m") == "POST"]

    def processes(self) -> dict[int, str]:
        """What lives of all that this bench has started but uwf itself: the command lines by pid."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    carries = self.mark.encode() in (entry / "environ").read_bytes()
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if carries and line and UWF not in line:
                    found[int(entry.name)] = line
        return found


def until(holds: Callable[[], object], what: str, most_s: float = 30.0) -> None:
    """Wait until something holds."""
    until_s = time.monotonic() + most_s
    while not holds():
        assert time.monotonic() < until_s, f"{what}: not within {most_s:g} s"
        time.sleep(0.05)
