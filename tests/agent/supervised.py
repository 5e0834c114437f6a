"""Real processes under supervision, and ways to look at what became of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from uwf.agent.process import platform, supervise
from uwf.agent.process.supervise import ProcessOutcome, ProcessSpec
from uwf.agent.stop import Stop
from uwf.record import replace
from uwf.store.owner import Owner

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks at what only Linux has")

AGENTS = Path(__file__).parent.parent / "helpers" / "agents"
HOST = Path(__file__).parent / "host.py"
ROOT = Path(__file__).parent.parent.parent


def eventually(what: Callable[[], Any], within_s: float = 5.0) -> Any:
    """What `what` answers as soon as it is true. Fails when that takes too long."""
    deadline = time.monotonic() + within_s
    while not (answer := what()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.002)
    return answer


def lives(pid: int) -> bool:
    found = platform.look(pid)
    return found is not None and not found.is_zombie


class Supervised:
    """Runs one command at a time and keeps what its callbacks were told."""

    def __init__(self, folder: Path, mark: str) -> None:
        self.folder, self.mark, self.stop = folder, mark, Stop()
        self.started: list[Owner] = []
        self.output: list[bytes] = []
        self.pauses = 0
        self.stopped_s = 0.0
        self.pid_file = folder / "pids"

    def command(self, *argv: str | Path, **options: Any) -> ProcessSpec:
        base = ProcessSpec(
            argv=tuple(map(str, argv)),
            cwd=str(self.folder),
            env=dict(os.environ),
            mark=self.mark,
            spool_dir=str(self.folder),
            timeout_s=10.0,
        )
        return replace(base, **options)

    def __call__(self, *argv: str | Path, **options: Any) -> ProcessOutcome:
        return self.run(self.command(*argv, **options))

    def run(self, command: ProcessSpec, **callbacks: Any) -> ProcessOutcome:
        def on_pause() -> None:
            self.pauses += 1

        chosen = {
            "on_start": self.started.append,
            "on_output": self.output.append,
            "on_pause": on_pause,
            **callbacks,
        }
        return supervise.run(command, stop=self.stop, **chosen)

    def strays(self, *words: str, **options: Any) -> ProcessOutcome:
        """Run the agent that leaves processes behind; `pids` then tells which. One that would stay is stopped."""
        strays = (sys.executable, "-S", AGENTS / "strays.py", self.pid_file)
        command = self.command(*strays, *words, **options)
        return self.run_until_output(command) if "stay" in words else self.run(command)

    def run_until_output(self, command: ProcessSpec) -> ProcessOutcome:
        """Run it, and ask it to stop as soon as it says something."""

        def stop(_chunk: bytes) -> None:
            if not self.stop.count:
                self.stop.request()
                self.stopped_s = time.monotonic()

        return self.run(command, on_output=stop)

    def pids(self) -> list[int]:
        return [int(line) for line in self.pid_file.read_text().split()]

    def host(
        self, word: str, *argv: str | Path, grace_s: float = 3.0, new_session: bool = False
    ) -> subprocess.Popen[str]:
        """Start a program of its own that runs the command: see host.py."""
        words = [self.folder, self.mark, grace_s, word, *argv]
        return subprocess.Popen(
            [sys.executable, str(HOST), *map(str, words)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            start_new_session=new_session,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )


def marked(mark: str) -> list[int]:
    """The living processes that carry `mark`."""
    setting = f"UWF_RUN={mark}".encode()
    return [pid for pid in platform.carriers(platform.processes(), setting) if lives(pid)]


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))
