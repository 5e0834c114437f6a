"""Slow care for the home as a command of its own: `uwf … --json` in a child process, one at a time.

It ends with the daemon: what it has done is durable, and what two daemons begin, the store keeps apart.
"""

from __future__ import annotations

import json

from uwf.app import programs
from uwf.errand import Errand
from uwf.errors import ConfigInvalid
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uwf.app.programs import Stop

TIMEOUT_S = 6 * 3600.0
"""What takes longer hangs."""
OUTPUT_BYTES = 64 << 20


class CommandEnded(Record):
    """A command that has ended: its exit code (negative: the signal that killed it), the document that it has answered
    with, None where there was none, and what it said instead, with the code of that error.
    """

    words: tuple[str, ...]
    code: int
    answer: Any
    error: str = ""
    error_code: str = ""

    @property
    def could_not_begin(self) -> bool:
        """The configuration is not valid just now: no command is its fault, and the check of it tells that once."""
        return self.error_code == ConfigInvalid.default_code


class BackgroundCommand(Errand[CommandEnded]):
    """Runs commands of `home`; `wake` is called when one has ended, and `stop` ends it."""

    def __init__(self, home: str, wake: Callable[[], None], stop: Stop) -> None:
        super().__init__(wake)
        self._home, self._stop = home, stop

    def begin(self, *words: str) -> None:
        self.go(lambda: _run(self._home, words, self._stop), " ".join(words))


def command_words(home: str, *words: str) -> list[str]:
    """The words of a command of `home`."""
    return [*words, "--json", f"--home={home}"]


def _run(home: str, words: tuple[str, ...], stop: Stop) -> CommandEnded:
    line = command_words(home, *words)
    said = programs.ask_own(home, line, timeout_s=TIMEOUT_S, most_bytes=OUTPUT_BYTES, stop=stop)
    if said.code is None:
        return CommandEnded(words, 1, None, f"it {said.fault}")
    return CommandEnded(words, said.code, _document(said.out), *_error(said.err))


def _document(out: bytes) -> Any:
    try:
        return json.loads(out)
    except ValueError:
        return None


def _error(err: bytes) -> tuple[str, str]:
    """What the last error said, and its code."""
    for line in reversed(err.splitlines()):
        try:
            error = json.loads(line)["error"]
            return str(error["message"]), str(error["code"])
        except (ValueError, KeyError, TypeError):
            continue
    return err.decode(errors="replace").strip()[-300:], ""
