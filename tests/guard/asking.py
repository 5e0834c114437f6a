"""What the tests of guards have in common: a request, two clocks that a test moves, processes that are not real."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from uwf.errors import Refused
from uwf.guard import slots
from uwf.guard.contract import Request
from uwf.guard.slots import Held, Pool
from uwf.record import replace

REQUEST = Request(
    thread="T1",
    workflow="flow",
    role="writer",
    agent="mine",
    cwd="/",
    labels={},
    priority=0,
    person=False,
    fresh=False,
    wait_s=0.0,
    tries=0,
    repeats=0,
    spent={},
    visits=0,
    budget={},
)


def request(**fields: Any) -> Request:
    return replace(REQUEST, **fields)


def take(folder: str, pools: Sequence[Pool], owner: str) -> Held:
    """Slots, as who need not wait takes them."""
    with slots.taking(folder) as table:
        return table.take(pools, owner)


def refused(action: Callable[[], object]) -> Refused:
    """The refusal that `action` ends in."""
    try:
        action()
    except Refused as refusal:
        return refusal
    raise AssertionError("nobody refused")


class Time:
    """Wall clock and monotonic clock. `pass_s` moves both; `jump_s` the wall clock only, also backwards."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000
        self.s = 1000.0

    def pass_s(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)
        self.s += seconds

    def jump_s(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)

    @contextmanager
    def patched(self) -> Iterator[Time]:
        with (
            mock.patch("uwf.clock.now_ms", lambda: self.ms),
            mock.patch("uwf.clock.monotonic_s", lambda: self.s),
        ):
            yield self


class Processes:
    """Processes by pid, of which some are dead. One process of the test plays all of them in turn."""

    def __init__(self) -> None:
        self.dead: set[tuple[int, str]] = set()

    def is_alive(self, pid: int, started: str) -> bool:
        return (pid, started) not in self.dead

    @contextmanager
    def playing(self, pid: int) -> Iterator[None]:
        with mock.patch("os.getpid", lambda: pid):
            yield
