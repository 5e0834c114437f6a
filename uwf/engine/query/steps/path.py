"""The way that a thread has taken: which role said which status, and what failed on the way. Of a long one the end."""

from __future__ import annotations

from uwf.engine.chain.attempt import ended_attempts
from uwf.engine.chain.nodes import back
from uwf.engine.chain.tags import COMPLETED
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.thread import Thread

MOST_STEPS = 12
"""So many are looked at, the newest: a thread may have thousands."""
MOST_FAILURES = 200


class Visit(Record):
    """One step, in short."""

    role: str
    status: str
    round: int


class Path(Record):
    """The newest steps, oldest first, and how many were before them. `failures` counts by class the attempts that did
    not become a step, at these and at the next one.
    """

    visits: tuple[Visit, ...]
    earlier: int
    failures: Mapping[str, int]


def of(nodes: Nodes, thread: Thread) -> Path:
    """The way that `thread` has taken."""
    visits: list[Visit] = []
    ended: list[str] = []
    if thread.pending is not None and thread.status != COMPLETED:
        ended = ended_attempts(nodes, thread.pending.last_end)
    for _, node in back(nodes, thread.head):
        if node.kind == "step":
            step = node.payload
            visits.append(Visit(step["role"], step["status"], step["round"]))
            ended = [*map(str, step["attempts"]), *ended]
        if len(visits) == MOST_STEPS:
            break
    visits.reverse()
    earlier = thread.position.index - len(visits)
    return Path(tuple(visits), earlier, _classes(nodes, ended[-MOST_FAILURES:]))


def _classes(nodes: Nodes, ended: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for end in ended:
        code = nodes.get(end).payload["error"]["code"]
        found[code] = found.get(code, 0) + 1
    return found
