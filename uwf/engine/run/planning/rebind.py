"""Another workflow for a thread: what a chain comes to under it, and the node that puts the change on record.

A rebind is a deliberate event in the chain, and nothing else changes the workflow of a thread. It is written with the
start of the attempt that follows it (see `publish`), so a refusal changes nothing.
"""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain.nodes import Plan, Position, Step
from uwf.engine.chain.tags import COMPLETED, CWD, IDLE, WORKFLOW, ThreadState
from uwf.engine.run.planning import transitions
from uwf.errors import StateError
from uwf.quantities import one
from uwf.record import Record, replace
from uwf.store.codec import Link, decode, encode, id_of
from uwf.workflow import model, route
from uwf.workflow.model import SUSPEND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.cache import NodeCache
    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.thread import Thread
    from uwf.workflow.model import Workflow


class Rebind(Record):
    """A rebind that is not on record yet: its encoded node, its id, and the workflow that the thread gets by it.

    It carries that workflow encoded: until the rebind is on record nothing refers to the stored one, and a collection
    of garbage may take it while the run waits to be admitted.
    """

    data: bytes
    id: str
    workflow: str
    workflow_data: bytes
    name: str


def bound(cache: NodeCache, thread: Thread, workflow_id: str) -> tuple[Thread, Rebind | None]:
    """`thread` as it will stand once it is bound to the workflow object `workflow_id`, and the rebind to write.

    Nothing is written; `cache` knows the new node. Raises `StateError` when the role that would run next, or the last
    step's status, is unknown to the workflow, or when the next round of a completed thread has no beginning in it.
    Binding to the workflow that it already has changes nothing. A pending plan says what the new workflow says, if an
    edge of that leads to its role.
    """
    transitions.refuse_cancelled(thread)
    if workflow_id == thread.position.workflow:
        return thread, None
    node = cache.get(workflow_id)
    if node.kind != "workflow":
        raise StateError(
            f"object {workflow_id[:12]} is {one(node.kind)}, not a workflow",
            hint="uwf workflow list",
            code="not_a_workflow",
        )
    new = cache.workflow(workflow_id)
    role = transitions.next_role(thread, cache.workflow(thread.position.workflow))
    if role is not None and role not in new.roles:
        raise StateError(
            f"thread {thread.id} stands before role {role}, which workflow {new.name} does not have "
            f"(it has: {', '.join(new.roles)}); the file must keep that role",
            hint=f"uwf thread exec {thread.id} --workflow FILE",
            code="role_gone",
        )
    pending = thread.pending
    plan = None if pending is None else replan(cache, thread, pending.plan, new)
    if plan is None and thread.status == COMPLETED:
        transitions.for_resume(cache, thread, new)  # raises when the next round cannot begin
    elif plan is None:
        state_at(cache, thread.position, new)  # raises when the last status has no edge any more
    rebind = _make(cache, thread, workflow_id, encode("workflow", node.payload), new.name)
    if pending is not None and plan is not None:
        base = plan.base if plan.is_poke else rebind.id
        plan = replace(plan, base=base, expect=rebind.id, workflow=workflow_id)
        pending = replace(pending, state=None, plan=plan, before=pending.last_end)
    there = replace(thread.position, id=rebind.id, kind="rebind", workflow=workflow_id)
    tags = {**thread.tags, WORKFLOW: new.name}
    return replace(thread, head=rebind.id, position=there, tags=tags, attempt=pending), rebind


def _make(
    cache: NodeCache, thread: Thread, workflow_id: str, workflow_data: bytes, name: str
) -> Rebind:
    data = encode(
        "rebind",
        {
            "prev": Link(thread.head),
            "workflow": Link(workflow_id),
            "from": Link(thread.position.workflow),
            "at": clock.now_ms(),
        },
    )
    id = id_of(data)
    cache.keep(id, decode(data))
    return Rebind(data, id, workflow_id, workflow_data, name)


def state_at(nodes: Nodes, position: Position, workflow: Workflow) -> ThreadState:
    """Where the chain alone leaves a thread whose head is at `position`, whatever its tags say.

    Raises `RouteError` when the last status leads nowhere in `workflow`.
    """
    if position.step is None or position.role is None or position.status is None:
        return ThreadState(IDLE, route.entry_target(workflow, round=1))
    output = transitions.variables(nodes, position)
    return transitions.after(workflow, position.role, position.status, output)


def last_state(nodes: Nodes, position: Position, workflow: Workflow) -> ThreadState:
    """The `state_at` a position; where a rebind left none, the one before it.

    A rebind may bring a workflow in which the last status leads nowhere, where that had no more to be followed. Then
    the thread stands where it stood before the rebind.
    """
    try:
        return state_at(nodes, position, workflow)
    except route.RouteError:
        if position.kind != "rebind":
            raise
    before = Position.read(nodes, nodes.get(position.id).payload["prev"])
    workflow = model.from_payload(nodes.get(before.workflow).payload)
    return last_state(nodes, before, workflow)


def is_outdated(nodes: Nodes, thread: Thread, workflow: Workflow) -> bool:
    """Whether the role that asked for a person did so under another workflow than the thread has now."""
    position = thread.position
    if thread.plan is not None or position.step is None:
        return False
    if not transitions.has_asked(position, workflow):
        return False
    return bool(nodes.get(position.step).payload["workflow"] != position.workflow)


def replan(nodes: Nodes, thread: Thread, plan: Plan, workflow: Workflow) -> Plan:
    """`plan` with what `workflow` tells its role now, and where; as it is when no edge leads to that role any more.

    Raises `RouteError` when one does, but cannot be rendered.
    """
    position = Position.read(nodes, plan.base)
    try:
        target = _target(workflow, position, plan.round)
        # A role that asked is told what it was told when it asked.
        while target == SUSPEND and position.step is not None:
            position = Position.read(nodes, Step.read(nodes, position.step).prev)
            target = _target(workflow, position, plan.round)
    except route.RouteError:
        return plan
    if target != plan.role:
        return plan
    there = replace(thread, head=position.id, position=position, attempt=None)
    begins = position.step is None or plan.round > position.round
    found = (
        transitions.enter(nodes, there, workflow, plan.round)
        if begins
        else transitions.go_on(nodes, there, workflow)
    )
    assert isinstance(found, Plan), "the edge leads to a role"
    return replace(plan, instruction=found.instruction, cwd=found.cwd)


def placed(nodes: Nodes, thread: Thread, plan: Plan, workflow: Workflow) -> Plan:
    """`plan` in the folder that `thread` has by now: it was made, or its step was, when the thread had another one.

    Where the graph does not say any more where in it the role works, it works in the folder itself.
    """
    try:
        there = replan(nodes, thread, replace(plan, cwd=""), workflow).cwd
    except route.RouteError:
        there = ""
    return replace(plan, cwd=there or thread.tags[CWD])


def _target(workflow: Workflow, position: Position, round: int) -> str:
    """Where `position` leads in `round`: a role, `$END` or `$SUSPEND`. Raises `RouteError`: nowhere."""
    if position.role is None or position.status is None or round > position.round:
        return route.entry_target(workflow, round)
    if position.status == SUSPEND:
        return SUSPEND
    return transitions.target_at(position, workflow)
