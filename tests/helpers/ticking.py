"""A wall clock for tests: it goes on by itself, and jumps where a test says so."""

from __future__ import annotations


class Ticking:
    """Stands in for `uwf.clock.now_ms`. `ms` is what it told last."""

    def __init__(self, ms: int = 1_700_000_000_000) -> None:
        self.ms = ms

    def __call__(self) -> int:
        self.ms += 1
        return self.ms
