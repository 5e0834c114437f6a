"""A terminal to run `uwf` in: what it wrote, and what a person sees in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping

from tests.helpers.program import Uwf

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """One process whose stdin, stdout and stderr are a terminal of this width."""

    def __init__(
        self, uwf: Uwf, *words: str, columns: int = 80, env: Mapping[str, str] | None = None
    ) -> None:
        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process: subprocess.Popen[bytes] = uwf.start(
            *words,
            env={"TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            **dict.fromkeys(("stdin", "stdout", "stderr"), follower),
        )
        os.close(follower)
        self.written = ""

    def read_until(self, words: str, *, within_s: float = 20) -> str:
        """Everything written so far, once `words` are in it."""
        deadline = time.monotonic() + within_s
        while words not in self.written:
            assert time.monotonic() < deadline, f"no {words!r} in {self.written!r}"
            if not self._read():
                break
        assert words in self.written, f"no {words!r} in {self.written!r}"
        return self.written

    def type(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    def end(self) -> int:
        """Wait for the end; the exit code."""
        while self._read():
            pass
        os.close(self._leader)
        return self.process.wait(20)

    @property
    def screen(self) -> list[str]:
        """The lines a person sees."""
        return [_seen(line) for line in self.written.replace("\r\n", "\n").split("\n")]

    def _read(self) -> bool:
        if not select.select([self._leader], [], [], 20)[0]:
            raise AssertionError(f"it says no more, and does not end: {self.written!r}")
        try:
            piece = os.read(self._leader, 65536)
        except OSError:  # Linux says so when the last writer has closed its end
            return False
        self.written += piece.decode(errors="replace")
        return bool(piece)


def _seen(line: str) -> str:
    """What is left of a line that was written over from its beginning and cleared."""
    shown = ""
    for part in _COLOUR.sub("", line).split("\r"):
        if part.startswith("\x1b[K"):
            shown, part = "", part.removeprefix("\x1b[K")
        shown = part + shown[len(part) :]
    return shown
