"""The lock of a thread: one process runs it. Taking it with patience, and waiting that ends when a run is to stop.

What holds it is a lease of the store (`store/leases`); *running* is asked of it, never of a tag.
"""

from __future__ import annotations

import select
import time
from contextlib import contextmanager, nullcontext, suppress

from uwf import clock, quantities
from uwf.agent.stop import SIGTERM, Stop
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.thread import runner
from uwf.engine.progress import Waiting
from uwf.errors import Busy, Crowded, Interrupted, StoreError
from uwf.record import replace
from uwf.store.fenced import fenced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from uwf.engine.run.context import RunContext
    from uwf.errors import UwfError
    from uwf.store.protocols import Leases
    from uwf.store.values import Lease

POLL_S = 0.02
LONGEST_SLEEP_S = 86_400.0
"""How long to sleep at once: `poll` counts milliseconds in a C int, which is less than 25 days."""


@contextmanager
def hold(
    ctx: RunContext,
    id: str,
    wait_s: float = 0.0,
    stop: Stop | None = None,
    is_answered: Callable[[], bool] = lambda: False,
) -> Iterator[RunContext]:
    """Hold the lock of thread `id`. Raises `Busy`, which names the holder; `Refused` where `wait_s` has passed.

    Gives the context for what is done meanwhile: its store is fenced, so that nothing is written under a lock that was
    lost. When `stop` is asked for, the waiting ends in `Interrupted`. It also ends once `is_answered()`: then nothing
    is held, and `ctx` is given as it is.
    """

    is_told = False

    def pause(seconds: float) -> bool:
        nonlocal is_told
        if not is_told:
            is_told = True
            ctx.on_progress(Waiting(id, f"the thread is running{_holder_note(ctx, id)}", wait_s))
        time.sleep(seconds)
        if stop is not None:
            raise_if_stopped(stop, id)
        return is_answered()

    if wait_s > 0:
        from uwf.engine.chain.inside import is_inside  # most runs do not wait

        if is_inside(ctx.store, id, ctx.environ):
            wait_s = 0.0  # it would wait for itself
    held = take(ctx.store.leases, id, wait_s=wait_s, pause=pause)
    if held is None and wait_s > 0 and is_answered():
        yield ctx
        return
    if held is None:
        message = f"thread {id} is running{_holder_note(ctx, id)}{waited_note(wait_s)}"
        hint = f"uwf thread watch {id}"
        if wait_s > 0:  # a waiter asks for a slot like any other, and is refused like any other
            raise Crowded(message, reason="busy", hint=hint)
        raise Busy(message, hint=hint)
    try:
        with _renewed(ctx.store.leases, held, stop):
            yield replace(ctx, store=fenced(ctx.store, held))
    finally:
        with suppress(StoreError):  # of a store that is away: there it ends by itself
            ctx.store.leases.release(held)


def _renewed(leases: Leases, lease: Lease, stop: Stop | None) -> AbstractContextManager[object]:
    """While this lasts, `lease` is renewed where that is needed; `stop` is asked for once it cannot be."""
    if leases.lasts_s is None:
        return nullcontext()
    from uwf.engine.run.renewal import Renewal

    return Renewal(leases, lease, leases.lasts_s, Stop() if stop is None else stop)


def take(leases: Leases, id: str, *, wait_s: float, pause: Callable[[float], bool]) -> Lease | None:
    """The lease of thread `id`, as soon as it is free; None when it was not within `wait_s`.

    A freed lease notifies no waiter: `pause(seconds)` passes the time between two looks. The waiting ends when it says
    True, and in what it raises.
    """
    deadline_s = clock.monotonic_s() + wait_s
    while (lease := leases.take(id)) is None and clock.monotonic_s() < deadline_s:
        if pause(POLL_S):
            return None
    return lease


def waited_note(wait_s: float) -> str:
    """What a refusal says once all the time that was given for it has passed."""
    return f"; waited {quantities.said(quantities.TIME, wait_s)} in vain" if wait_s > 0 else ""


def _holder_note(ctx: RunContext, id: str) -> str:
    """Which process runs the thread, and since when, as far as the record says."""
    owner = runner(ctx.store, id)
    attempt = read_attempt(ctx.store, id)
    if owner is None:
        return ""
    if attempt is None or not attempt.is_run_by(owner):
        return f" in {owner.in_words}"
    return f" in {owner.in_words} ({attempt.plan.role}, since {clock.iso(attempt.began_ms)})"


def raise_if_stopped(stop: Stop, id: str) -> None:
    """Raise `Interrupted` when `stop` was asked for, or what it was asked for because of."""
    if stop.signum is not None:
        raise interrupted(stop, id)


def interrupted(stop: Stop, id: str) -> UwfError:
    """The error for a run that was asked to stop."""
    return stop.error or Interrupted(
        f"stopped; thread {id} is at a whole step",
        signum=stop.signum or SIGTERM,
        hint=f"uwf thread show {id}",
    )


def sleeper(stop: Stop, id: str) -> Callable[[float], None]:
    """A sleep that a stop ends in `Interrupted`."""

    def sleep(seconds: float) -> None:
        poll = select.poll()
        poll.register(stop.fileno(), select.POLLIN)
        end_s = clock.monotonic_s() + seconds
        while (left_s := end_s - clock.monotonic_s()) > 0:
            poll.poll(min(left_s, LONGEST_SLEEP_S) * 1000)
            raise_if_stopped(stop, id)
        raise_if_stopped(stop, id)

    return sleep
