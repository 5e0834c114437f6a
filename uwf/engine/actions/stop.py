"""Reaching the process that runs a thread, and asking it to stop.

The lock says which process that is. Signals go through a pidfd where the system has one, so that a pid that
was handed on in the meantime is never hit. One on another machine is left a word, which it reads when it renews its
hold on the thread; should it be dead, that hold ends by itself.
"""

from __future__ import annotations

import os
import time

from uwf import clock
from uwf.agent.process import platform
from uwf.engine.chain.thread import is_here, runner
from uwf.errors import StateError
from uwf.store.leases import STOP_WORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.store.owner import Owner
    from uwf.store.protocols import Store

SIGTERM, SIGKILL = 15, 9
_POLL_S, _POLL_ELSEWHERE_S = 0.02, 0.2


def stop(
    store: Store,
    thread: str,
    *,
    patience_s: float,
    on_wait: Callable[[Owner], None] = lambda owner: None,
) -> Owner | None:
    """End what runs `thread` now and wait for it; returns the process that ran it, None when none did.

    The process gets SIGTERM and ends its agent by the usual termination. If it still holds the thread after
    `patience_s` seconds it is killed; the next command on the thread settles what it leaves. One on another machine is
    asked, which takes longer: `on_wait` is told of it. Raises `StateError` when it cannot be reached, or does not let
    go even then.
    """
    owner = runner(store, thread)
    if owner is None:
        return None
    if not is_here(store, owner):
        return _stop_elsewhere(store, thread, owner, patience_s, on_wait)
    if owner.pid == os.getpid():
        raise StateError(f"thread {thread} is run by this very process")
    for signum, seconds in ((SIGTERM, patience_s), (SIGKILL, 2.0)):
        if not _send(store, thread, owner, signum) or _gone(store, thread, owner, seconds, _POLL_S):
            return owner
    raise StateError(
        f"{owner.in_words} still runs thread {thread} after SIGKILL",
        hint=f"ps -o pid,stat,args -p {owner.pid}",
    )


def tell(store: Store, thread: str) -> None:
    """Tell what runs `thread` now to end, and do not wait for it. Raises `StateError` when it cannot be reached."""
    owner = runner(store, thread)
    if owner is None:
        return
    if not is_here(store, owner):
        store.leases.ask(thread, STOP_WORD)
    elif owner.pid != os.getpid():
        _send(store, thread, owner, SIGTERM)


def _stop_elsewhere(
    store: Store, thread: str, owner: Owner, patience_s: float, on_wait: Callable[[Owner], None]
) -> Owner:
    """Ask it to stop, and wait until it has let go, or its hold has ended as it is dead."""
    lasts_s = store.leases.lasts_s or 0.0
    if not store.leases.ask(thread, STOP_WORD):
        return owner  # it let go just now
    on_wait(owner)
    if _gone(store, thread, owner, lasts_s + patience_s, _POLL_ELSEWHERE_S):
        return owner
    raise StateError(
        f"{owner.in_words} was asked to stop and still runs thread {thread}",
        hint=f"uwf thread wait {thread}",
    )


def _send(store: Store, thread: str, owner: Owner, signum: int) -> bool:
    """Signal the holder of the lock. False when it let go before it could be signalled."""
    pid = owner.pid
    # Looked at first: it held the lock after that. One of another pid namespace has the pid 0 here.
    process = platform.look(pid) if pid > 0 else None
    if runner(store, thread) != owner:
        return False
    if process is None:
        raise StateError(
            f"thread {thread} is run by a process that cannot be seen from here, in another container perhaps; "
            "it has to be stopped there",
            hint=f"uwf thread wait {thread}",
        )
    if not platform.send(process.owner, signum):
        raise StateError(
            f"thread {thread} is run by process {pid} of another user, which may not be stopped from here",
            hint=f"ps -o pid,user,args -p {pid}",
        )
    return True


def _gone(store: Store, thread: str, owner: Owner, seconds: float, poll_s: float) -> bool:
    deadline_s = clock.monotonic_s() + seconds
    while runner(store, thread) == owner:
        if clock.monotonic_s() >= deadline_s:
            return False
        time.sleep(poll_s)
    return True
