"""A deliberate change of the workflow a thread is bound to: an event in its chain, and nothing else does it."""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.chain import attempt as tries
from uwf.engine.chain.tags import ATTEMPTS, COMPLETED, THREADS
from uwf.engine.chain.thread import Thread
from uwf.engine.run import plan as decide
from uwf.engine.run import rebound
from uwf.engine.run.publish import tags_now
from uwf.errors import StateError
from uwf.quantities import one
from uwf.record import replace
from uwf.store.codec import Link
from uwf.workflow import model as workflow_model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Store


def bound(store: Store, thread: Thread, workflow_id: str) -> Thread:
    """`thread` as it will stand once it is bound to the workflow object `workflow_id`; nothing is written.

    Raises `StateError` when the role that would run next, or the last step's status, is unknown to it, or when the
    next round of a completed thread has no beginning in it. Binding to the workflow it already has changes nothing.
    A plan that waits beside the head is told anew, if an edge of the new workflow leads to its role.
    """
    decide.refuse_cancelled(thread)
    if workflow_id == thread.position.workflow:
        return thread
    node = store.get(workflow_id)
    if node.kind != "workflow":
        raise StateError(
            f"object {workflow_id[:12]} is {one(node.kind)}, not a workflow",
            hint="uwf workflow list",
            code="not_a_workflow",
        )
    old = workflow_model.from_payload(store.get(thread.position.workflow).payload)
    new = workflow_model.from_payload(node.payload)
    role = decide.next_role(thread, old)
    if role is not None and role not in new.roles:
        raise StateError(
            f"thread {thread.id} stands before role {role}, which workflow {new.name} does not have "
            f"(it has: {', '.join(new.roles)}); the file must keep that role",
            hint=f"uwf thread exec {thread.id} --workflow FILE",
            code="role_gone",
        )
    attempt, plan = thread.attempt, thread.plan
    if attempt is not None and plan is not None:
        plan = rebound.told_anew(store, thread, plan, new)
        attempt = replace(attempt, running=None, failure=None, plan=plan, before=attempt.last_end)
    elif thread.status == COMPLETED:
        decide.for_resume(store, thread, new, None)  # raises when the next round cannot begin
    else:
        # raises when the last status has no edge any more
        rebound.standing(store, thread.position, new)
    place = replace(thread.position, workflow=workflow_id)
    return replace(
        thread, position=place, attempt=attempt, tags={**thread.tags, "workflow": new.name}
    )


def rebind(store: Store, thread: Thread, workflow_id: str) -> None:
    """Bind `thread`, whose lock the caller holds, to the workflow object `workflow_id`. Raises as `bound` does."""
    there = bound(store, thread, workflow_id)
    if workflow_id == thread.position.workflow:
        return
    plan, name = there.plan, there.tags["workflow"]
    with store.transaction("rebind") as tx:
        head = tx.put(
            "rebind",
            {
                "prev": Link(thread.head),
                "workflow": Link(workflow_id),
                "from": Link(thread.position.workflow),
                "at": clock.now_ms(),
            },
        )
        tx.set_ref(
            THREADS + thread.id,
            head,
            expect=thread.head,
            tags={**tags_now(tx, thread), "workflow": name},
            why=f"rebound to workflow {name} {workflow_id[:12]}",
        )
        points.at("rebind: head moved")
        if plan is not None and thread.attempt is not None:
            base = plan.base if plan.is_poke else head
            plan = replace(plan, base=base, expect=head, workflow=workflow_id)
            start = tries.AttemptStart(
                thread.id, plan, thread.attempt.number, "", "", thread.attempt.last_end
            )
            begun = tries.put_start(tx, start, None, clock.now_ms(), None)
            tx.set_ref(ATTEMPTS + thread.id, begun, why="the plan goes on after the rebind")
        elif thread.attempt is not None:
            tx.delete_ref(ATTEMPTS + thread.id, why="it was about an older head")
