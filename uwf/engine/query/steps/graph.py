"""A workflow drawn, with the path a thread took through it."""

from __future__ import annotations

from uwf.engine.chain import thread as threads
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import COMPLETED
from uwf.engine.run.planning.transitions import next_role
from uwf.workflow import model as workflow_model
from uwf.workflow.model import ANY, END, START, SUSPEND
from uwf.workflow.picture import picture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.nodes import Reader
    from uwf.store.values import Ref
    from uwf.workflow.model import Workflow


def draw(reader: Reader, workflow: Workflow, format: str, ref: Ref | None = None) -> str:
    """`workflow` in `format`; with the thread behind `ref`, how often it took each edge and where it stands."""
    return picture.draw(workflow, format, *((None, None) if ref is None else path(reader, ref)))


def path(reader: Reader, ref: Ref) -> tuple[dict[tuple[str, str], int], str | None]:
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
    return edges, END if thread.status == COMPLETED else next_role(thread, workflow)
