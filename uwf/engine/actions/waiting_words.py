"""What a person added for a step that has not come about: a fork and an undo take it along to what is next there."""

from __future__ import annotations

from uwf.engine.chain.attempt import hold_plan
from uwf.engine.chain.nodes import Plan
from uwf.engine.chain.tags import COMPLETED, IDLE, STATUS
from uwf.engine.chain.thread import read
from uwf.engine.run import order
from uwf.engine.run import plan as planning
from uwf.record import replace
from uwf.workflow import model
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
    workflow = model.from_payload(tx.get(thread.position.workflow).payload)
    try:
        plan = first_plan(tx, thread, workflow, supplement)
    except RouteError:
        return False
    hold_plan(tx, thread.id, plan, "what was added waits")
    return True


def first_plan(tx: Transaction, thread: Thread, workflow: Workflow, supplement: str) -> Plan:
    """The plan of the next step of `thread`, with `supplement`; of the next round's first where its graph has ended.

    Raises `RouteError` when nothing can be next.
    """
    verb = order.EXEC if thread.status == IDLE else order.RESUME
    found = planning.decide(tx, thread, workflow, verb, supplement)
    if not isinstance(found, Plan):
        ended = replace(thread, tags={**thread.tags, STATUS: COMPLETED})
        found = planning.decide(tx, ended, workflow, order.RESUME, supplement)
    assert isinstance(found, Plan), "a next round begins with a role"
    return found
