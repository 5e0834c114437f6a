"""Runs that an event is to interrupt: the wish is part of the decision, and carried out once that is stored.

Counters: `interrupt/<thread>` is when that was wished for last. It stands until it was carried out or is void, so a
kill in between loses nothing: whoever decides next looks at it. What runs meanwhile may be a later step, which is told
those words; it is left alone.
"""

from __future__ import annotations

from uwf.engine.actions import stop
from uwf.engine.chain import told
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.thread import runner
from uwf.errors import StateError, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Store, Transaction

WISHES = "interrupt/"


def wish(tx: Transaction, thread: str, now_ms: int) -> None:
    """Let the run of a thread be interrupted, for words that it is told in the same transaction."""
    tx.set_counter(WISHES + thread, now_ms)


def carry_out(store: Store) -> None:
    """Stop the runs that are to be interrupted. One that has no agent at work yet is looked at again: it may be about
    to tell it those words. One that cannot be reached reads them when it ends by itself.
    """
    for name, _ in store.counters(WISHES):
        thread = name.removeprefix(WISHES)
        is_stopped = _is_deaf(store, thread)
        if is_stopped is None:
            continue
        with store.transaction("event interrupt", durable=False) as tx:
            if (
                is_stopped and tx.counter(name) is not None
            ):  # no other process has, and a second signal means more
                _stop(store, thread)
            tx.set_counter(name, None)


def _is_deaf(store: Store, thread: str) -> bool | None:
    """Whether what runs does not know words that wait; None: that cannot be told yet."""
    if runner(store, thread) is None:
        return False
    try:
        attempt = read_attempt(store, thread)
        waiting = told.waiting(store, thread)
    except StoreError:
        return False  # it cannot be read: nobody can say that it is in the way
    if attempt is None or attempt.running is None:
        return None if waiting else False
    return not set(waiting) <= set(attempt.plan.told)


def _stop(store: Store, thread: str) -> None:
    try:
        stop.tell(store, thread)
    except StateError:
        return
