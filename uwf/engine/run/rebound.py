"""What another workflow makes of a chain: where it leaves its thread then, and what a role is told anew.

Only reads; `rebind` writes. Apart from `decide`, since a step needs none of it unless a rebind came before.
"""

from __future__ import annotations

from uwf.engine.chain.nodes import Plan, Position, Step
from uwf.engine.chain.tags import IDLE, ThreadState
from uwf.engine.run import plan as decide
from uwf.record import replace
from uwf.workflow import model as workflow_model
from uwf.workflow import route
from uwf.workflow.model import SUSPEND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.thread import Thread
    from uwf.workflow.model import Workflow


def standing(nodes: Nodes, place: Position, workflow: Workflow) -> ThreadState:
    """Where the chain alone leaves a thread whose head is `place`, whatever its tags say.

    Raises `RouteError` when the last status leads nowhere in `workflow`.
    """
    if place.step is None or place.role is None or place.status is None:
        return ThreadState(IDLE, route.entry_target(workflow, round=1))
    return decide.after(workflow, place.role, place.status, decide.variables(nodes, place))


def last_standing(nodes: Nodes, place: Position, workflow: Workflow) -> ThreadState:
    """The `standing` at `place`; where a rebind left none, the one before it.

    A rebind may bring a workflow in which the last status leads nowhere, where that had no more to be followed. Then
    the thread stands where it stood before the rebind.
    """
    try:
        return standing(nodes, place, workflow)
    except route.RouteError:
        if place.kind != "rebind":
            raise
    before = Position.read(nodes, nodes.get(place.id).payload["prev"])
    workflow = workflow_model.from_payload(nodes.get(before.workflow).payload)
    return last_standing(nodes, before, workflow)


def told_anew(nodes: Nodes, thread: Thread, plan: Plan, workflow: Workflow) -> Plan:
    """`plan` with what `workflow` tells its role now, and where; as it is when no edge leads to that role any more.

    Raises `RouteError` when one does, but cannot be rendered.
    """
    place = Position.read(nodes, plan.base)
    try:
        target = _target(workflow, place, plan.round)
        # Who asked is told what it was told when it asked.
        while target == SUSPEND and place.step is not None:
            place = Position.read(nodes, Step.read(nodes, place.step).prev)
            target = _target(workflow, place, plan.round)
    except route.RouteError:
        return plan
    if target != plan.role:
        return plan
    there = replace(thread, head=place.id, position=place, attempt=None)
    begins = place.step is None or plan.round > place.round
    found = (
        decide.enter(nodes, there, workflow, plan.round, None)
        if begins
        else decide.go_on(nodes, there, workflow, None)
    )
    assert isinstance(found, Plan), "the edge leads to a role"
    return replace(plan, instruction=found.instruction, cwd=found.cwd)


def _target(workflow: Workflow, place: Position, round: int) -> str:
    """Where `place` leads in `round`: a role, `$END` or `$SUSPEND`. Raises `RouteError`: nowhere."""
    if place.role is None or place.status is None or round > place.round:
        return route.entry_target(workflow, round)
    if place.status == SUSPEND:
        return SUSPEND
    return route.target(workflow, place.role, place.status)
