"""The installed `uwf`, run as a real process in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

PROGRAM = os.path.join(os.path.dirname(sys.executable), "uwf")


class Done(NamedTuple):
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> Any:
        """The error that `--json` prints on stderr."""
        return json.loads(self.err)["error"]


class Uwf:
    """Runs `uwf` in an environment of its own: nothing of the tester's settings reaches it."""

    def __init__(self, home: Path, cwd: Path) -> None:
        self.home = home
        self.cwd = cwd
        self.environ = {
            "HOME": str(cwd.parent),
            "LANG": "C.UTF-8",
            "PATH": os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"])),
            "TERM": "dumb",
            "UWF_HOME": str(home),
        }

    def __call__(
        self,
        *words: str | Path,
        expect: int | None = 0,
        input: str | bytes = b"",
        env: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> Done:
        """Run to the end. `expect` is the exit code it must have; None takes any."""
        done = subprocess.run(
            [PROGRAM, *map(str, words)],
            input=input.encode() if isinstance(input, str) else input,
            capture_output=True,
            cwd=self.cwd,
            env={**self.environ, **(env or {})},
            timeout=timeout_s,
        )
        result = Done(
            done.returncode,
            done.stdout.decode(errors="backslashreplace"),
            done.stderr.decode(errors="backslashreplace"),
        )
        assert expect in (None, result.code), f"uwf {' '.join(map(str, words))}: {result}"
        return result

    def start(
        self, *words: str | Path, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start it and return at once; `options` go to Popen. Whoever starts it waits for it."""
        pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        environ = {**self.environ, **(env or {})}
        return subprocess.Popen(
            [PROGRAM, *map(str, words)], cwd=self.cwd, env=environ, **{**pipes, **options}
        )
