"""What came of attempts that did not become a step: of what class they failed, in which words, and when.

Those before a step are linked from it; those since the head stand beside it. Times are epoch milliseconds.
"""

from __future__ import annotations

from uwf.agent import APPROVAL
from uwf.engine.chain.attempt import OVER_BUDGET, Failure, ended_attempts
from uwf.engine.chain.tags import COMPLETED, SUPERSEDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.thread import Thread
    from uwf.store.protocols import Store


class FailureView(Failure):
    """An attempt that came to an end without a step. `at` is when, None where that is not known."""

    attempt: str
    number: int
    role: str
    at: int | None

    @property
    def is_of_agent(self) -> bool:
        """Whether the agent failed, rather than asked something or used up what it may."""
        return self.code not in (APPROVAL, OVER_BUDGET)


def of_end(nodes: Nodes, ended: str) -> FailureView:
    """The attempt that ended with the node `ended`."""
    end = nodes.get(ended).payload
    begun = nodes.get(end["begun"]).payload
    error = end["error"]
    return FailureView(
        error["code"],
        error["message"],
        attempt=ended,
        number=begun["number"],
        role=begun["plan"]["role"],
        at=end.get("endedAt"),
    )


def of_ends(nodes: Nodes, ended: Iterable[str]) -> tuple[FailureView, ...]:
    return tuple(of_end(nodes, id) for id in ended)


def since_head(nodes: Nodes, thread: Thread) -> tuple[FailureView, ...]:
    """The attempts at the next step of `thread`, oldest first; also while another one runs."""
    return of_ends(nodes, ended_attempts(nodes, _last(thread)))


def newest(nodes: Nodes, thread: Thread) -> FailureView | None:
    """The last of these; None when there is none."""
    last = _last(thread)
    return None if last is None else of_end(nodes, last)


def superseded(store: Store, id: str) -> tuple[FailureView, ...]:
    """The attempts of runs that had lost the thread `id` to another before they could publish them, oldest first."""
    found = of_ends(store, (ref.id for ref in store.refs(f"{SUPERSEDED}{id}/")))
    return tuple(sorted(found, key=lambda each: each.at or 0))


def _last(thread: Thread) -> str | None:
    if thread.pending is None or thread.status == COMPLETED:
        return None
    return thread.pending.last_end
