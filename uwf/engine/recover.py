"""What a dead predecessor left behind, settled by the next command that holds the thread's lock.

That is the next one on this thread, or one that needs the place which an orphan takes up, or `doctor`.

Its agent's processes are ended (found by pid *and* start time, and by the mark in their environment), and its
unfinished attempt is kept with the turns it had. The thread's own ref needs no repair, ever.
"""

from __future__ import annotations

from uwf import points
from uwf.engine import tries
from uwf.engine.model import ATTEMPTS
from uwf.engine.thread import INTERRUPTED, TRYING, lock_path, read_try, runner
from uwf.guard import lock
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Store


class Settled(Record):
    """What was found and done."""

    attempt: str
    ended_pids: tuple[int, ...]
    survivors: tuple[int, ...]


def settle(store: Store, thread: str, *, grace_s: float) -> Settled | None:
    """Settle an unfinished try of `thread`, whose lock the caller holds. None when there is none."""
    found = read_try(store, thread)
    if found is None or found.state != TRYING:
        return None
    from uwf.agent import orphans  # rarely needed: after a crash only

    ended_pids: tuple[int, ...] = ()
    survivors: tuple[int, ...] = ()
    if found.pid is not None and found.started is not None:
        swept = orphans.end_orphans(found.pid, found.started, found.mark, grace_s)
        ended_pids, survivors = swept.ended, swept.survivors
    points.at("settle: processes ended")
    failure = tries.Failure(INTERRUPTED, "uwf ended before the agent did")
    with store.transaction() as tx:
        attempt = tries.put_ending(tx, found.begun, found.turns, tries.Ending(failure))
        tx.set_ref(
            ATTEMPTS + thread,
            attempt,
            expect=found.last,
            why="settled after its process died",
        )
        points.at("settle: written")
    return Settled(attempt, ended_pids, survivors)


def settle_if_left(store: Store, home: str, thread: str, *, grace_s: float) -> Settled | None:
    """Settle `thread` if nobody runs it. Raises `Busy` when somebody took it just now, who settles it anyway.

    Where nothing is left no lock is taken: a run that begins elsewhere in that moment would find the thread busy.
    """
    found = read_try(store, thread)
    if found is None or found.state != TRYING or runner(home, thread) is not None:
        return None
    with lock.take(lock_path(home), thread):
        return settle(store, thread, grace_s=grace_s)
