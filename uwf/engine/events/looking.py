"""What was found out about an event right before a thread wakes for it: that it is not so any more, or more words.

A thread is told of it no more by taking away the word that waits for it, in the transaction that notes why at the
event. A timer that was there for that word alone goes with it.
"""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain import told, wake
from uwf.engine.chain.tags import THREADS
from uwf.engine.chain.thread import move_head
from uwf.engine.chain.word import Word
from uwf.engine.events import stored
from uwf.engine.events.decision import IGNORED, NO_LONGER_SO, RUN, TOLD, Said
from uwf.errors import CounterUnreadable, NotFound
from uwf.record import replace
from uwf.trust import BOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.events.event import Event
    from uwf.store.protocols import Store, Transaction


def waiting(store: Store, thread: str) -> list[Event]:
    """The events whose words wait for a thread, in their order. One that is not there any more is left out."""
    found: dict[str, Event] = {}
    for word in told.waiting(store, thread):
        if word.event and word.event not in found:
            try:
                found[word.event] = stored.find(store, word.event).event
            except (NotFound, CounterUnreadable):
                continue  # forgotten, or made by hand: the word itself is there
    return list(found.values())


def no_more(store: Store, thread: str, key: str, reason: str) -> bool:
    """Take the words of an event away from a thread, for a reason that the event keeps. Whether the thread still has
    something to wake for.
    """
    with store.transaction("event dropped") as tx:
        words = told.waiting(tx, thread)
        gone = [word for word in words if word.event == key]
        told.take(tx, thread, gone, f"not told of {key}: {reason}")
        if gone:
            _note(tx, key, thread, reason)
        return len(gone) < len(words) or not _let_sleep(tx, thread, reason)


def tell_more(store: Store, thread: str, key: str, text: str) -> None:
    """Tell a thread more about an event of which words wait for it. Told twice it is the same word."""
    with store.transaction("event looked up") as tx:
        about = next((word for word in told.waiting(tx, thread) if word.event == key), None)
        if about is not None:
            word = Word(text, key.partition("/")[0], BOT, about.at_ms + 1, key)
            told.tell_again(tx, thread, [word], f"looked up for {key}")


def _note(tx: Transaction, key: str, thread: str, reason: str) -> None:
    """The reason at the event, which has told nobody once it has told no thread any more."""
    known = stored.find(tx, key)
    decision = known.decision
    if decision is None:
        return
    said = Said(RUN, False, reason, NO_LONGER_SO, thread=thread)
    deeds = tuple(deed for deed in decision.deeds if deed.thread != thread)
    state = TOLD if deeds else IGNORED
    stored.note(tx, known, replace(decision, state=state, said=(*decision.said, said), deeds=deeds))


def _let_sleep(tx: Transaction, thread: str, reason: str) -> bool:
    """Take the timer away that was there for words alone. False where it is there for something else."""
    ref = tx.ref(THREADS + thread)
    assert ref is not None, "no act deletes a thread"
    timer = wake.of(ref.tags, thread)
    if timer is None:
        return True
    if not timer.for_words:
        return False
    why = f"does not wake at {clock.iso(timer.at_ms)}: {reason}"
    move_head(tx, thread, ref.id, wake.without, expect=ref, why=why)
    return True
