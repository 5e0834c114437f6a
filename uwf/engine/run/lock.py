"""Having a thread to oneself: its lock, what a dead predecessor left behind it, and what is said of the waiting."""

from __future__ import annotations

import time
from contextlib import contextmanager

from uwf import clock, quantities
from uwf.engine.chain import thread as threads
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.thread import Thread, leases, runner
from uwf.engine.events import Recovered, Waiting
from uwf.engine.run import recovery
from uwf.errors import Busy, Interrupted, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.agent.stop import Stop
    from uwf.engine.run.context import Engine
    from uwf.store.protocols import Lease, Leases

POLL_S = 0.02


def settle(engine: Engine, id: str) -> None:
    """Settle what a dead predecessor left of thread `id`, whose lock the caller holds."""
    settled = recovery.settle(engine.store, id, grace_s=engine.config.limits.grace_s)
    if settled is not None:
        engine.on_event(Recovered(id, settled.attempt, settled.ended_pids))


@contextmanager
def hold(engine: Engine, id: str, wait_s: float = 0.0, stop: Stop | None = None) -> Iterator[None]:
    """Hold the lock of thread `id`. Raises `Busy`, which says who has it since when.

    When `stop` is asked for, the waiting ends in `Interrupted`.
    """

    is_told = False

    def pause(seconds: float) -> None:
        nonlocal is_told
        if not is_told:
            is_told = True
            what = f"the thread is running{_whose(engine, id)}"
            engine.on_event(Waiting(id, what, wait_s))
        time.sleep(seconds)
        if stop is not None:
            heed(stop, id)

    held = take(leases(engine.home), id, wait_s=wait_s, pause=pause)
    if held is None:
        message = f"thread {id} is running{_whose(engine, id)}{in_vain(wait_s)}"
        hint = f"uwf thread watch {id}"
        if wait_s > 0:  # who waits asks for a place like any other, and is told like any other
            raise Refused(message, reason="busy", hint=hint)
        raise Busy(message, hint=hint)
    try:
        yield
    finally:
        leases(engine.home).release(held)


def take(leases: Leases, id: str, *, wait_s: float, pause: Callable[[float], None]) -> Lease | None:
    """The lease of thread `id`, as soon as it is free; None when it was not within `wait_s`.

    A freed lease notifies no waiter: `pause(seconds)` passes the time between two looks, and what it raises ends
    the waiting.
    """
    deadline_s = clock.monotonic_s() + wait_s
    while (lease := leases.take(id)) is None and clock.monotonic_s() < deadline_s:
        pause(POLL_S)
    return lease


def current(engine: Engine, id: str) -> Thread:
    """The thread `id` as it is now."""
    return threads.current(engine.store, engine.memo, id)


def in_vain(wait_s: float) -> str:
    """What a refusal says once all the time that was given for it has passed."""
    return f"; waited {quantities.said(quantities.TIME, wait_s)} in vain" if wait_s > 0 else ""


def heed(stop: Stop, id: str) -> None:
    """Raise `Interrupted` when `stop` was asked for."""
    if stop.signum is not None:
        raise interrupted(stop, id)


def interrupted(stop: Stop, id: str) -> Interrupted:
    """The error for a run that was asked to stop."""
    from uwf.agent.stop import SIGTERM

    return Interrupted(
        f"stopped; thread {id} is at a whole step",
        signum=stop.signum or SIGTERM,
        hint=f"uwf thread show {id}",
    )


def _whose(engine: Engine, id: str) -> str:
    """Who runs the thread, and since when, as far as the record says."""
    pid = runner(engine.home, id)
    attempt = read_attempt(engine.store, id)
    if pid is None:
        return ""
    if attempt is None or attempt.running is None or attempt.running.runner.pid != pid:
        return f" in process {pid}"
    return f" in process {pid} ({attempt.plan.role}, since {clock.iso(attempt.began_ms)})"
