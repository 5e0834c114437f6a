"""Which machine a thread is on. Only a store that many machines share says so: in one of this machine alone there is no
other.

A thread is where its last step began: there is its worktree, and what its clients have kept of their sessions. Any
machine may go on with it, and the last one does so with less to fetch.
"""

from __future__ import annotations

from uwf.engine.chain.tags import HOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PREFERRED_MS = 5 * 60_000
"""For how long a thread that is due is left to the machine that it was on last."""

NOT_HERE = "not_here"
"""The code of a refusal: this machine lacks what the thread takes, as what it has on another one."""


def preferred(tags: Mapping[str, str], due_ms: int, now_ms: int) -> str | None:
    """The machine to which a thread with these `tags`, due since `due_ms`, is left now; None: any may run it."""
    host = tags.get(HOST)
    return host if host and now_ms < due_ms + PREFERRED_MS else None


def away(tags: Mapping[str, str], host: str | None) -> str | None:
    """The other machine that a thread is on, asked on the machine `host`; None where that is this one, or not known."""
    last = tags.get(HOST)
    return last if host is not None and last and last != host else None
