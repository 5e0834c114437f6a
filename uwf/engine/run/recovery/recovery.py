"""What a dead predecessor left behind, settled by the next command that holds the thread's lock.

That is the next one on this thread, or one that needs the slot which an orphan takes up, or `doctor`.

Its agent's processes are ended (found by pid *and* start time, and by the mark in their environment), and its
unfinished attempt is kept with the turns it had. The thread's own ref needs no repair, ever.
"""

from __future__ import annotations

import os

from uwf import points
from uwf.engine.chain import kept
from uwf.engine.chain.attempt import INTERRUPTED, AttemptEnd, Failure, put_end, read_attempt
from uwf.engine.chain.left_behind import is_kept
from uwf.engine.chain.tags import ATTEMPTS
from uwf.engine.chain.thread import is_here, runner
from uwf.errors import Busy
from uwf.guard.spending import reserve
from uwf.record import Record
from uwf.store.fenced import fenced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.attempt import Processes
    from uwf.store.protocols import Store


class Settled(Record):
    """What was found and done."""

    attempt: str
    ended_pids: tuple[int, ...]
    survivors: tuple[int, ...]


def settle(store: Store, thread: str, *, grace_s: float) -> Settled | None:
    """Settle an unfinished attempt of `thread`, whose lock the caller holds. None when there is none."""
    found = read_attempt(store, thread)
    if found is None or found.running is None:
        return None
    runner = found.running.runner
    ended_pids, survivors = _end(store, found.running, found.mark, grace_s)
    points.at("settle: processes ended")
    where = f" on {runner.host}" if runner.host else ""
    failure = Failure(INTERRUPTED, f"uwf ended{where} before the agent did")
    end = AttemptEnd(failure, session=found.session, usage=found.usage, client=found.client)
    with store.transaction("settle") as tx:
        attempt = put_end(tx, found.begun, found.turns, end)
        reserve.let_go(tx, thread)
        tx.set_ref(
            ATTEMPTS + thread, attempt, expect=found.last, why="settled after its process died"
        )
    return Settled(attempt, ended_pids, survivors)


def _end(
    store: Store, running: Processes, mark: str, grace_s: float
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """End what is left of an agent's processes: the pids that were ended, and those that could not be. Nothing can be
    ended on another machine.
    """
    agent = running.agent
    if agent is None or not is_here(store, agent) or is_kept(running):
        return (), ()
    from uwf.agent.process import terminate  # rarely needed: after a crash only

    swept = terminate.end_orphans(agent, mark, grace_s)
    return swept.ended, swept.survivors


def settle_if_left(store: Store, home: str, thread: str, *, grace_s: float) -> Settled | None:
    """Settle `thread` if no process runs it. Raises `Busy` when one took it just now, which settles it anyway.

    Where nothing is left no lock is taken: a run that begins elsewhere in that moment would find the thread busy. An
    attempt whose reply is kept in a file has ended, and is for that to be taken in.
    """
    found = read_attempt(store, thread)
    is_left = found is not None and found.running is not None
    if not is_left or runner(store, thread) is not None:
        return None
    if found is not None and os.path.exists(kept.path_of(home, thread, found.mark)):
        return None
    held = store.leases.take(thread)
    if held is None:
        holder = store.leases.holder(thread)
        where = "another process" if holder is None else holder.in_words
        raise Busy(f"thread {thread} is running in {where}", hint=f"uwf thread watch {thread}")
    try:
        return settle(fenced(store, held), thread, grace_s=grace_s)
    finally:
        store.leases.release(held)


def clear(store: Store, home: str, thread: str, *, grace_s: float) -> bool:
    """End what a dead process left of `thread`, if nothing runs it. Whether there was anything, and it is gone."""
    try:
        found = settle_if_left(store, home, thread, grace_s=grace_s)
    except Busy:
        return False
    return found is not None and not found.survivors
