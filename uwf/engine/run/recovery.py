"""What a dead predecessor left behind, settled by the next command that holds the thread's lock.

That is the next one on this thread, or one that needs the place which an orphan takes up, or `doctor`.

Its agent's processes are ended (found by pid *and* start time, and by the mark in their environment), and its
unfinished attempt is kept with the turns it had. The thread's own ref needs no repair, ever.
"""

from __future__ import annotations

import os

from uwf import points
from uwf.engine.chain import attempt as tries
from uwf.engine.chain.nodes import ATTEMPTS
from uwf.engine.chain.opening import load_draft
from uwf.engine.chain.thread import INTERRUPTED, TRYING, leases, read_try, runner
from uwf.errors import Busy
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
        _drop_void(store, thread, grace_s)
        return None
    ended_pids, survivors = _end(found.runner, found.pid, found.started, found.mark, grace_s)
    points.at("settle: processes ended")
    failure = tries.Failure(INTERRUPTED, "uwf ended before the agent did")
    draft = None if found.begun else load_draft(store, thread)
    with store.transaction("settle") as tx:
        begun = found.begun if draft is None else draft.put(tx)
        attempt = tries.put_ending(tx, begun, found.turns, tries.Ending(failure))
        tx.set_ref(
            ATTEMPTS + thread,
            attempt,
            expect=found.last or None,
            why="settled after its process died",
        )
    store.drop_draft(thread)
    return Settled(attempt, ended_pids, survivors)


def _drop_void(store: Store, thread: str, grace_s: float) -> None:
    """Drop the draft of a try that is told of elsewhere by now, or whose head is no more. Its processes may live."""
    void = load_draft(store, thread)
    if void is not None:
        process = void.process
        _end(process["runner"], process["pid"], process["started"], void.opening.mark, grace_s)
    store.drop_draft(thread)


def is_kept(runner: int | None, pid: int | None, started: str | None) -> bool:
    """Whether who started the agent still has it: then this store is a copy of the one in which it runs."""
    from uwf.agent.process import platform

    process = None if pid is None else platform.look(pid)
    if process is None or process.dead or process.start != started:
        return False
    return process.parent == runner and runner != os.getpid()


def _end(
    runner: int | None, pid: int | None, started: str | None, mark: str, grace_s: float
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """End what is left of an agent's processes: the pids that were ended, and those that could not be."""
    if pid is None or started is None or is_kept(runner, pid, started):
        return (), ()
    from uwf.agent.process import terminate  # rarely needed: after a crash only

    swept = terminate.end_orphans(pid, started, mark, grace_s)
    return swept.ended, swept.survivors


def settle_if_left(store: Store, home: str, thread: str, *, grace_s: float) -> Settled | None:
    """Settle `thread` if nobody runs it. Raises `Busy` when somebody took it just now, who settles it anyway.

    Where nothing is left no lock is taken: a run that begins elsewhere in that moment would find the thread busy.
    """
    found = read_try(store, thread)
    is_left = (found is not None and found.state == TRYING) or store.draft(thread) is not None
    if not is_left or runner(home, thread) is not None:
        return None
    held = leases(home).take(thread)
    if held is None:
        raise Busy(f"thread {thread} is running in another process")
    try:
        return settle(store, thread, grace_s=grace_s)
    finally:
        leases(home).release(held)
