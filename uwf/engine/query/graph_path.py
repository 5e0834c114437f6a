"""The path a thread took through its workflow's graph."""

from __future__ import annotations

from uwf.engine.chain import thread as threads
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import COMPLETED
from uwf.engine.run.transitions import next_role
from uwf.workflow import model as workflow_model
from uwf.workflow.model import ANY, END, START, SUSPEND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.nodes import Reader
    from uwf.store.protocols import Ref


def visited(reader: Reader, ref: Ref) -> tuple[dict[tuple[str, str], int], str | None]:
    """How often each edge (source, status) was taken, and where the thread stands: a role, or `$END`."""
    thread = threads.read(reader, ref)
    workflow = workflow_model.from_payload(reader.get(thread.position.workflow).payload)
    edges: dict[tuple[str, str], int] = {}

    def count(source: str, status: str) -> None:
        if list(workflow.graph.get(source, {})) == [ANY]:
            status = ANY
        edges[source, status] = edges.get((source, status), 0) + 1

    rounds: set[int] = set()
    for step in steps_back(reader, thread.head):
        if step.status != SUSPEND:
            count(step.role, step.status)
        rounds.add(step.round)
    for round in sorted(rounds):
        known = workflow.graph.get(START, {})
        entered = next(
            (name for name in (("new",) if round == 1 else ("resume", "new")) if name in known), ANY
        )
        count(START, entered)
    standing = END if thread.status == COMPLETED else next_role(thread, workflow)
    return edges, standing
