"""The time of the world: a wall clock that may jump, and a monotonic one, both in a file of 16 bytes.

Every process of the world reads and moves the same two numbers, so a kill costs no time and gives none.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from uwf import clock

_FORM = struct.Struct("<qq")


class WorldClock:
    """The clock of the world behind `path`. Milliseconds."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._file = mmap.mmap(file.fileno(), _FORM.size)

    @staticmethod
    def begin(path: Path, wall_ms: int) -> None:
        """Make the file of a world that begins at `wall_ms`."""
        path.write_bytes(_FORM.pack(wall_ms, 1_000_000))

    @property
    def wall_ms(self) -> int:
        return int(_FORM.unpack(self._file[:])[0])

    @property
    def mono_ms(self) -> int:
        return int(_FORM.unpack(self._file[:])[1])

    def pass_ms(self, ms: int) -> None:
        """So much time passes."""
        assert ms >= 0, ms
        self._file[:] = _FORM.pack(self.wall_ms + ms, self.mono_ms + ms)

    def jump_ms(self, ms: int) -> None:
        """The wall clock is set; no time passes."""
        self._file[:] = _FORM.pack(self.wall_ms + ms, self.mono_ms)

    def rule(self) -> None:
        """From now on this is the time of this process."""
        clock.now_ms = lambda: self.wall_ms
        clock.monotonic_s = lambda: self.mono_ms / 1000
