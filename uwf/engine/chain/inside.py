"""Whether who asks for something of a thread is a part of what runs it: then waiting for its end, or bringing that
about, would be about itself.
"""

from __future__ import annotations

from uwf.agent.process.tree import MARK_NAME, descends_from
from uwf.engine.chain.attempt import read_attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.store.protocols import Store


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
