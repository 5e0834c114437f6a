"""Reaching the process that runs a thread, and asking it to stop.

The lock says which process that is. Signals go through a pidfd where the system has one, so that a pid that
was handed on in the meantime is never hit.
"""

from __future__ import annotations

import os
import time

from uwf import clock
from uwf.agent.process import platform
from uwf.engine.chain.thread import runner
from uwf.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Store

SIGTERM, SIGKILL = 15, 9
_POLL_S = 0.02


def stop(store: Store, thread: str, *, patience_s: float) -> int | None:
    """End what runs `thread` now and wait for it; returns the pid that ran it, None when none did.

    The process gets SIGTERM and ends its agent by the usual termination. If it still holds the thread after
    `patience_s` seconds it is killed; the next command on the thread settles what it leaves. Raises `StateError`
    when it cannot be reached, or does not let go even then.
    """
    pid = runner(store, thread)
    if pid is None:
        return None
    if pid == os.getpid():
        raise StateError(f"thread {thread} is run by this very process")
    for signum, seconds in ((SIGTERM, patience_s), (SIGKILL, 2.0)):
        if not _send(store, thread, pid, signum) or _gone(store, thread, pid, seconds):
            return pid
    raise StateError(
        f"process {pid} still runs thread {thread} after SIGKILL",
        hint=f"ps -o pid,stat,args -p {pid}",
    )


def tell(store: Store, thread: str) -> None:
    """Tell what runs `thread` now to end, and do not wait for it. Raises `StateError` when it cannot be reached."""
    pid = runner(store, thread)
    if pid is not None and pid != os.getpid():
        _send(store, thread, pid, SIGTERM)


def _send(store: Store, thread: str, pid: int, signum: int) -> bool:
    """Signal the holder of the lock. False when it let go before it could be signalled."""
    # Looked at first: it held the lock after that. One of another pid namespace has the pid 0 here.
    process = platform.look(pid) if pid > 0 else None
    if runner(store, thread) != pid:
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


def _gone(store: Store, thread: str, pid: int, seconds: float) -> bool:
    deadline_s = clock.monotonic_s() + seconds
    while runner(store, thread) == pid:
        if clock.monotonic_s() >= deadline_s:
            return False
        time.sleep(_POLL_S)
    return True
