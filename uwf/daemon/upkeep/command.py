"""Slow care for the home as a command of its own: `uwf … --json` in a child process, one at a time.

It ends by itself when the daemon does: what it has done is durable, and what two daemons begin, the store keeps apart.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

from uwf import config
from uwf.daemon.loop.errand import Errand
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

TIMEOUT_S = 6 * 3600.0
"""What takes longer hangs."""


class CommandEnded(Record):
    """A command that has ended: its exit code (negative: the signal that killed it), the document that it has answered
    with, None where there was none, and what it said instead.
    """

    words: tuple[str, ...]
    code: int
    answer: Any
    error: str = ""


class BackgroundCommand(Errand[CommandEnded]):
    """Runs commands of `home`; `wake` is called when one has ended."""

    def __init__(self, home: str, wake: Callable[[], None]) -> None:
        super().__init__(wake)
        self._home = home

    def begin(self, *words: str) -> None:
        self.go(lambda: _run(words, command_line(self._home, *words)), " ".join(words))


def command_line(home: str, *words: str) -> list[str]:
    """A command of `home`. No file of the current folder is imported, into which others may write."""
    return [sys.executable, "-P", "-m", "uwf", *words, "--json", f"--home={home}"]


def _run(words: Sequence[str], line: Sequence[str]) -> CommandEnded:
    try:
        process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=config.environment_of_runs(),
            start_new_session=True,
        )
    except OSError as error:
        return CommandEnded(tuple(words), 1, None, f"it cannot be run: {error}")
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
    return CommandEnded(tuple(words), process.returncode, _document(out), _message(err))


def _document(out: bytes) -> Any:
    try:
        return json.loads(out)
    except ValueError:
        return None


def _message(err: bytes) -> str:
    """What the last error said."""
    for line in reversed(err.splitlines()):
        try:
            return str(json.loads(line)["error"]["message"])
        except (ValueError, KeyError, TypeError):
            continue
    return err.decode(errors="replace").strip()[-300:]
