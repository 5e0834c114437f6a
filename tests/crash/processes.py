"""Processes as a killer meets them: started, killed after a while, ended, and found again in the process table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

PATIENCE_S = 60.0
POLL_S = 0.005


class Obstacle(Exception):
    """Something is in the way of going on."""


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


class Running:
    """A process that was started. Its output goes to files, so that it never waits for a reader."""

    def __init__(self, argv: list[str], cwd: Path, environ: dict[str, str]) -> None:
        self.began_s = time.monotonic()
        self._argv = argv
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
            raise Obstacle(f"{self._argv} hangs") from None
        took_s = time.monotonic() - self.began_s
        return Ended(code, _contents(self._out), _contents(self._err), took_s)


def wait_until(condition: Callable[[], Any], what: str) -> None:
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
    return tempfile.TemporaryFile()  # closed when the process that wrote it was read


def _contents(file: Any) -> str:
    file.seek(0)
    text = file.read().decode(errors="replace")
    file.close()
    return str(text)
