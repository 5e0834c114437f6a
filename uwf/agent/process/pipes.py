"""The pipes between a program and the process that runs it."""

from __future__ import annotations

import fcntl
import os


class Pipes:
    """The five pipes between parent and child, as (read end, write end). A closed end is -1."""

    NAMES = ("stdin", "stdout", "stderr", "gate", "report")

    def __init__(self) -> None:
        self.stdin = self.stdout = self.stderr = self.gate = self.report = (-1, -1)
        try:
            for name in self.NAMES:
                setattr(self, name, _pipe())
        except OSError:
            self.close()
            raise

    def keep_parent_side(self) -> None:
        """Close the ends that are the child's."""
        self._close(self.stdin[0], self.stdout[1], self.stderr[1], self.gate[0], self.report[1])
        self.stdin, self.gate = (-1, self.stdin[1]), (-1, self.gate[1])
        self.stdout, self.stderr = (self.stdout[0], -1), (self.stderr[0], -1)
        self.report = (self.report[0], -1)
        for end in (self.stdin[1], self.stdout[0], self.stderr[0], self.report[0]):
            os.set_blocking(end, False)

    def close(self, *names: str) -> None:
        """Close these pipes, or all. May be called twice."""
        for name in names or self.NAMES:
            ends: tuple[int, int] = getattr(self, name)
            setattr(self, name, (-1, -1))
            self._close(*ends)

    @staticmethod
    def _close(*ends: int) -> None:
        for end in ends:
            if end >= 0:
                os.close(end)


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are above 2, so that `dup2` in the child cannot overwrite one with another."""
    ends = list(os.pipe())
    for place, end in enumerate(ends):
        if end <= 2:
            ends[place] = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3)
            os.close(end)
    return ends[0], ends[1]
