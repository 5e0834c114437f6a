"""Slow care for the home as a command of its own: `uwf … --json` in a child process, one at a time.

It ends by itself when the daemon does: what it has done is durable, and what two daemons begin, the store keeps apart.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

from uwf import config
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


class BackgroundCommand:
    """Runs commands of `home`; `wake` is called when one has ended."""

    def __init__(self, home: str, wake: Callable[[], None]) -> None:
        self._home, self._wake = home, wake
        self._thread: threading.Thread | None = None
        self._ended: CommandEnded | None = None

    @property
    def is_out(self) -> bool:
        """Whether one was begun whose end was not taken yet."""
        return self._thread is not None

    def begin(self, *words: str) -> None:
        assert not self.is_out, "one at a time"

        def run() -> None:
            self._ended = _run(words, command_line(self._home, *words))
            self._wake()

        self._thread = threading.Thread(target=run, daemon=True, name=" ".join(words))
        self._thread.start()

    def taken(self) -> CommandEnded | None:
        """The one that has ended, once; None while there is none to take."""
        if (
            self._ended is None
        ):  # not asked of the thread, which lives on for a moment when it has woken the loop
            return None
        self._thread, ended, self._ended = None, self._ended, None
        return ended


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
