"""Leaving words for a thread, for its next step to read. Nothing is run, and no lock is taken."""

from __future__ import annotations

from uwf.engine.chain import told
from uwf.engine.chain.tags import CANCELLED, STATUS, THREADS
from uwf.engine.chain.thread import wake_by
from uwf.engine.run.planning.transitions import is_cancelled
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.wake import Wake
    from uwf.engine.chain.word import Word
    from uwf.store.protocols import Store


def tell(store: Store, id: str, word: Word, wish: Wake | None = None) -> str:
    """Let `word` wait for the next step of thread `id`; the status of the thread. An answer has a `wish`: it wakes.

    Raises `InputError` for an empty one, `StateError` for a thread that takes no further step.
    """
    if not word.text.strip():
        verb = "thread tell" if wish is None else "answer"
        raise InputError(
            "the text is empty: there is nothing to tell", hint=f"uwf {verb} {id} 'TEXT'"
        )
    with store.transaction("tell") as tx:
        ref = tx.ref(THREADS + id)
        assert ref is not None, "no act deletes a thread"
        status = ref.tags.get(STATUS, "")
        if status == CANCELLED:
            raise is_cancelled(id)
        told.tell(tx, id, word)
        if wish is not None:
            wake_by(tx, id, wish)
    return status
