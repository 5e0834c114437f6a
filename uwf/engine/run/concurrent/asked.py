"""What is asked of a thread that runs, to be cancelled or stopped: recorded, and done by the run that holds its lock.

Of an agent that asks for it of the thread it works for, or of one whose agent runs that: done at once it would end its
own caller, the step, with it the agent, and with that the command which was to cancel the thread. And of a person's
`cancel`: whoever waits for the lock and gets it before that command does it first. It is a switch, `asked/<thread>`; a
run that dies leaves it to the next.
"""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain.tags import CANCELLED, END_REASON, ThreadState, with_state
from uwf.engine.chain.thread import move_head
from uwf.guard import pause
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.engine.chain.thread import Thread
    from uwf.store.protocols import Store

ASKED = "asked/"
CANCEL, STOP = "cancel", "stop"


def record(store: Store, id: str, verb: str, reason: str | None = None) -> None:
    """Keep what is asked. The last word counts, but nothing takes a cancellation back."""
    before = pause.state(store, ASKED + id)
    if before is None or before.name != CANCEL or verb == CANCEL:
        pause.turn_on(store, ASKED + id, verb, until_ms=None, why=reason or "")


def take_back(store: Store, id: str) -> None:
    """Forget what was asked: it could not be done, and who asked for it is told so."""
    pause.turn_off(store, ASKED + id)


def is_asked(store: Store, id: str) -> bool:
    """Whether something was asked of the thread `id` that is to be done now."""
    return pause.state(store, ASKED + id) is not None


def since_ms(store: Store, id: str) -> int | None:
    """Since when something is asked of the thread `id`; None when nothing is."""
    asked = pause.state(store, ASKED + id)
    return None if asked is None else asked.since_ms


def obeyed(store: Store, thread: Thread) -> Thread | None:
    """Do what was asked of a thread whose lock the caller holds, between two steps. None when nothing was."""
    asked = pause.state(store, ASKED + thread.id)
    if asked is None:
        return None
    if asked.name == CANCEL and thread.status != CANCELLED:
        return cancel(store, thread, asked.why)
    pause.turn_off(store, ASKED + thread.id)
    return thread


def cancel(store: Store, thread: Thread, reason: str | None) -> Thread:
    """End a thread for good, whatever it is in the middle of. The caller holds its lock."""
    now_ms = clock.now_ms()

    def tags(before: Mapping[str, str]) -> dict[str, str]:
        new = with_state(before, ThreadState(CANCELLED), now_ms)
        return {**new, END_REASON: reason} if reason else new

    with store.transaction("cancel") as tx:
        why = f"cancelled: {reason}" if reason else "cancelled"
        ref = move_head(tx, thread.id, thread.head, tags, expect=thread.ref, why=why)
        tx.set_counter(ASKED + thread.id, None)
    return replace(thread, ref=ref, tags=ref.tags, updated_ms=ref.updated_ms)
