"""A guided tour: text for a reader, and real commands, each printed before it runs.

With --json or --quiet there is no reader: the commands then run with `--json`, and what they print is kept.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from uwf import clock, config
from uwf.app.programs import own_command
from uwf.errors import Interrupted
from uwf.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.cli.context import Context

PATIENCE_S = 1.0
"""How long a command has to end by itself after Ctrl-C, which reaches it as it reaches us."""


class FinishedCommand(Record):
    """A command that has ended. `out` is its standard output where that was kept, else ""."""

    words: tuple[str, ...]
    code: int
    seconds: float
    out: str


class UnexpectedExit(Exception):
    """A command ended with another exit code than it should. It has said why on stderr."""

    def __init__(self, done: FinishedCommand) -> None:
        super().__init__()
        self.done = done


class Tour:
    """Runs commands in `folder`. `ended` lists those that have ended, in order."""

    def __init__(self, ctx: Context, folder: str) -> None:
        self._out = ctx.out
        self._folder = folder
        own = {config.HOME_VARIABLE: ctx.home, "PAGER": ""}  # a tour does not wait for a key
        self._environ = {**config.environment(), **own}
        self._parts = 0
        self.ended: list[FinishedCommand] = []
        self.is_read = not (ctx.json or ctx.quiet)

    def part(self, title: str, text: str) -> None:
        """The heading of the next part, and what it is about."""
        self._parts += 1
        self.text(f"\n{self._parts}. {title}\n\n{text}")

    def text(self, text: str) -> None:
        """Text for the reader."""
        if self.is_read:
            self._out.prose(text)

    def run(
        self, *words: str, keep: bool = False, expect: tuple[int, ...] = (0,)
    ) -> FinishedCommand:
        """Run `uwf` with `words`. Raises `UnexpectedExit` unless its exit code is one of `expect`.

        `keep` keeps what it prints, and shows it afterwards. When we are interrupted, the command has ended before
        that is raised.
        """
        self.text(f"\n$ uwf {shlex.join(words)}")
        self._out.flush()
        began_s = clock.monotonic_s()
        code, out, err = self._finish(words, keep=keep or not self.is_read)
        done = FinishedCommand(words, code, round(clock.monotonic_s() - began_s, 3), out)
        self.ended.append(done)
        self.text(out)
        self._out.flush()
        if self.is_read or done.code not in expect:
            sys.stderr.write(err)
        if done.code not in expect:
            raise UnexpectedExit(done)
        return done

    def give_up(self) -> None:
        """What the last command came to cannot be gone on with."""
        raise UnexpectedExit(self.ended[-1])

    def _finish(self, words: tuple[str, ...], *, keep: bool) -> tuple[int, str, str]:
        """Run a command to its end: exit code, and stdout and stderr if they are to be kept."""
        command = own_command(*words, *([] if self.is_read else ["--json"]))
        pipe = subprocess.PIPE if keep else None
        child = None
        try:
            with _signals_later():
                child = subprocess.Popen(
                    command,
                    cwd=self._folder,
                    env=self._environ,
                    stdin=subprocess.DEVNULL,
                    stdout=pipe,
                    stderr=pipe,
                )
            printed = child.communicate()
        except (KeyboardInterrupt, Interrupted):
            if child is not None:
                _end(child)
            raise
        out, err = ((data or b"").decode(errors="replace") for data in printed)
        return child.returncode, out, err


@contextmanager
def _signals_later() -> Iterator[None]:
    """While this lasts, SIGINT and SIGTERM wait: a child that is just being made must not be lost."""
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
        if callable(signal.getsignal(number))
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def _end(child: subprocess.Popen[bytes]) -> None:
    """Wait for a child that was interrupted as we were; if it was not, ask it to end."""
    try:
        child.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.terminate()
        child.communicate()
