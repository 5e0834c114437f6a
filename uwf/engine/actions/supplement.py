"""What a person added for a step that has not come about: a fork and an undo take it to what is next there."""

from __future__ import annotations

from uwf.engine.chain import attempt
from uwf.engine.chain.nodes import Plan
from uwf.engine.chain.tags import COMPLETED, IDLE, ThreadState
from uwf.engine.chain.thread import read
from uwf.engine.run import plan as decide
from uwf.record import replace
from uwf.workflow import model as workflow_model
from uwf.workflow.route import RouteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.thread import Thread
    from uwf.store.protocols import Ref, Transaction
    from uwf.workflow.model import Workflow


def waiting_at(tx: Transaction, source: Ref | None, node: str) -> Plan | None:
    """The plan with a person's words that waits beside `node`, when that is the head of the thread `source`."""
    if source is None or source.id != node:
        return None
    plan = read(tx, source).plan
    return None if plan is None or plan.supplement is None else plan


def hold_words(tx: Transaction, thread: Thread, supplement: str) -> bool:
    """Let `supplement` wait for what is next in `thread`, whose status stays. False when nothing can be."""
    workflow = workflow_model.from_payload(tx.get(thread.position.workflow).payload)
    try:
        plan = first_plan(tx, thread, workflow, supplement)
    except RouteError:
        return False
    attempt.hold_plan(tx, thread.id, plan, "what was added waits")
    return True


def first_plan(tx: Transaction, thread: Thread, workflow: Workflow, supplement: str) -> Plan:
    """The plan of the next step of `thread`, with `supplement`; of the next round's first where its graph has ended.

    Raises `RouteError` when nothing can be next.
    """
    decided = (
        decide.for_exec(tx, thread, workflow, supplement)
        if thread.status == IDLE
        else decide.for_resume(tx, thread, workflow, supplement)
    )
    if isinstance(decided, ThreadState):
        decided = decide.for_resume(
            tx, replace(thread, tags={**thread.tags, "status": COMPLETED}), workflow, supplement
        )
    assert isinstance(decided, Plan)
    return decided
