"""What the tests of guards have in common: a request, two clocks that a test moves, processes that are not real."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from uwf.errors import Refused
from uwf.guard.capacity import slots
from uwf.guard.capacity.slots import Held, Pool
from uwf.guard.contract import AttemptFailed, AttemptOutcome, AttemptSucceeded, Guard, Host, Request
from uwf.record import Record, replace
from uwf.store.owner import Owner
from uwf.store.protocols import Store

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
    failures_in_a_row=0,
    repeats=0,
    spent={},
    visits=0,
    budget={},
)


def request(**fields: Any) -> Request:
    return replace(REQUEST, **fields)


def host(store: Store, *rules: Record, pid: int = 1, **fields: Any) -> Host:
    """Where guards stand, as process `pid` meets it; they have their usual rules but for those that are given."""
    given = {type(one): one for one in rules}
    usual: dict[str, Any] = {
        "home": "/",
        "rules": lambda of: given.get(of) or of(),
        "owner": Owner(pid, f"start {pid}"),
        "is_alive": lambda owner: True,
        "agent_limits": {},
        "clear": lambda thread: False,
    }
    return Host(**{"store": store, **usual, **fields})


def good(duration_ms: int = 5, peak_bytes: int = 0, **usage: Any) -> AttemptSucceeded:
    return AttemptSucceeded(usage, duration_ms, peak_bytes)


def bad(
    failure_class: str = "exit_code", cause: str = "it crashed", **fields: Any
) -> AttemptFailed:
    usual: dict[str, Any] = {"usage": {}, "duration_ms": 5, "peak_memory_bytes": 0}
    return AttemptFailed(failure_class=failure_class, cause=cause, **{**usual, **fields})


def end(guard: Guard, outcome: AttemptOutcome, store: Store, asked: Request = REQUEST) -> None:
    """An attempt came to an end, and the guard learns it."""
    with store.transaction("test") as tx:
        guard.ended(tx, asked, outcome)


def take(folder: str, pools: Sequence[Pool], thread: str, pid: int = 100) -> Held:
    """Slots, as a process takes them that need not wait."""
    with slots.taking(folder) as table:
        return table.take(pools, thread, Owner(pid))


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
    """Processes by pid and start, of which some are dead."""

    def __init__(self) -> None:
        self.dead: set[tuple[int, str]] = set()

    def is_alive(self, owner: Owner) -> bool:
        return (owner.pid, owner.started) not in self.dead
