"""Whether who asks for something of a thread is a part of what runs it: then waiting for its end, or bringing that
about, would be about itself.
"""

from __future__ import annotations

from uwf.agent.process.tree import MARK_NAME, ancestors
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.thread import held, is_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.store.protocols import Store


def thread_of(store: Store, environ: Mapping[str, str]) -> str | None:
    """The thread in whose step this process works, with this environment; None: it came of no run.

    The nearest run among its ancestors says so, whatever became of the environment; or the mark of a run, where it has
    lost its ancestors. The name of a thread in the environment, which anybody can write, counts where neither is known:
    in another home than that of the run.
    """
    holders = {id: store.leases.holder(id) for id in held(store)}
    for pid in ancestors() if holders else ():
        for id, owner in holders.items():
            if owner is not None and owner.pid == pid and is_here(store, owner):
                return id
    mark = environ.get(MARK_NAME)
    if not mark:
        return None
    marked = (id for id in holders if _has_mark(store, id, mark))
    return next(marked, None) or environ.get("UWF_THREAD") or None


def is_inside(store: Store, id: str, environ: Mapping[str, str]) -> bool:
    """Whether this process, with this environment, came of the run of the thread that goes on now.

    It has the run among its ancestors, also as the agent of another thread that the agent started, and whatever became
    of its environment. Or it has the mark of the run, where it has lost its ancestors.
    """
    owner = store.leases.holder(id)
    if owner is None:
        return False
    if is_here(store, owner) and owner.pid in ancestors():
        return True
    mark = environ.get(MARK_NAME)
    return mark is not None and _has_mark(store, id, mark)


def _has_mark(store: Store, id: str, mark: str) -> bool:
    """Whether this is the mark of what runs on the thread."""
    attempt = read_attempt(store, id)
    return attempt is not None and attempt.running is not None and attempt.mark == mark
