"""Whether who asks for something of a thread is a part of what runs it: then waiting for its end, or bringing that
about, would be about itself.
"""

from __future__ import annotations

from uwf.agent.process.tree import MARK_NAME, ancestors, descends_from
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.thread import held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.store.protocols import Store


def thread_of(store: Store, environ: Mapping[str, str]) -> str | None:
    """The thread in whose step this process works, with this environment; None: it came of no run.

    The environment says so; or, where a client has handed on little of it, as those of MCP do, the run is among the
    ancestors.
    """
    named = environ.get("UWF_THREAD")
    if named and environ.get(MARK_NAME):
        return named
    ids = held(store)
    above = ancestors() if ids else set[int]()
    for id in ids:
        owner = store.leases.holder(id)
        if owner is not None and not owner.host and owner.pid in above:
            return id
    return None


def is_inside(store: Store, id: str, environ: Mapping[str, str]) -> bool:
    """Whether this process, with this environment, came of the run of the thread that goes on now.

    It has the run among its ancestors, also as the agent of another thread that the agent started, and whatever became
    of its environment. Or it has the mark of the run, where it has lost its ancestors.
    """
    owner = store.leases.holder(id)
    if owner is None:
        return False
    if descends_from(owner):
        return True
    mark = environ.get(MARK_NAME)
    if mark is None:
        return False
    attempt = read_attempt(store, id)
    return attempt is not None and attempt.running is not None and attempt.mark == mark
