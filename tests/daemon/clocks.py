"""Both clocks for tests of the daemon, and a sleep that moves them."""

from __future__ import annotations


class Clocks:
    """The wall clock and the steady one; what the loop slept."""

    def __init__(self) -> None:
        self.wall_ms, self.steady_s = 1_700_000_000_000, 100.0
        self.slept: list[float] = []

    def until(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.wall_ms += round(seconds * 1000)
        self.steady_s += seconds
