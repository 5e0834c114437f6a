"""A person at an interactive shell: types, presses TAB, sees what is there then."""

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
from pathlib import Path

_CONTROL = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[\[(][0-9;?<>=]*[A-Za-z]|\x1b[=>]|[\r\x07]"
)
_GIVE_UP = "\x15"
_PLAIN = {
    "bash": "bind 'set bell-style none'",
    "zsh": "unsetopt zle_bracketed_paste prompt_sp beep",
    "fish": "set -g fish_autosuggestion_enabled 0",
}
"""What makes each shell easier to read."""


class Shell:
    """An interactive `name` in `cwd`, with its completion installed in the home folder of `environ`."""

    def __init__(
        self, name: str, cwd: Path, environ: Mapping[str, str], *, columns: int = 100
    ) -> None:
        self.name = name
        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        self._process = subprocess.Popen(
            [name, "-i"],
            cwd=cwd,
            env={**environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            **dict.fromkeys(("stdin", "stdout", "stderr"), follower),
        )
        os.close(follower)
        self._wait_until_it_reads_keys()
        self._end_line(f"{_PLAIN[name]}\r")

    def tab(self, line: str, *, shows: str = "", times: int = 1) -> str:
        """Type `line` and TAB, and give the line up; what came back, without what steers the terminal.

        With `shows` these words must come back; without, it is only sure that the shell is through with it.
        """
        self._write(line + "\t" * times)
        seen = self._read_until(shows) if shows else ""
        return seen + self._end_line(_GIVE_UP)

    def enter(self, line: str) -> str:
        """Type `line`, TAB and the return key; what came back until it has run."""
        self._write(line + "\t")
        return self._end_line("; ")

    def close(self) -> None:
        os.close(self._leader)
        self._process.kill()
        self._process.wait(20)

    def _end_line(self, keys: str) -> str:
        # Keys are taken in their order, so what the echo says is said when everything before it is done.
        self._write(f"{keys}echo do''ne\r")
        seen = self._read_until("done")
        self._wait_until_it_reads_keys()
        return seen

    def _wait_until_it_reads_keys(self, within_s: float = 20) -> None:
        """A key that comes while the terminal still collects lines is the terminal's, not the shell's."""
        deadline = time.monotonic() + within_s
        while termios.tcgetattr(self._leader)[3] & termios.ICANON:
            assert time.monotonic() < deadline, "the shell does not come back to its prompt"
            time.sleep(0.005)

    def _write(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    def _read_until(self, words: str, *, within_s: float = 20) -> str:
        written, deadline = "", time.monotonic() + within_s
        while words not in _CONTROL.sub("", written):
            left_s = deadline - time.monotonic()
            ready = left_s > 0 and select.select([self._leader], [], [], left_s)[0]
            assert ready, f"no {words!r} in {_CONTROL.sub('', written)!r}"
            written += os.read(self._leader, 65536).decode(errors="replace")
        return _CONTROL.sub("", written)
