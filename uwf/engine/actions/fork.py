"""A new thread out of what another one has done: they share the chain, and from there each goes its own way."""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.actions.lifecycle import new_id
from uwf.engine.actions.supplement import first_plan, waiting_at
from uwf.engine.chain import attempt, usage
from uwf.engine.chain.nodes import Position, Start, Step
from uwf.engine.chain.tags import (
    FORKED_STEP,
    FORKED_THREAD,
    IDLE,
    THREADS,
    ThreadState,
    lasting,
    with_state,
)
from uwf.engine.chain.thread import Thread, read
from uwf.engine.run import plan as decide
from uwf.engine.run import rebound
from uwf.record import replace
from uwf.workflow import model as workflow_model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Store


def fork(store: Store, node: str, source: str | None, supplement: str | None) -> Thread:
    """A new thread whose head is the chain node `node`; it shares all history up to there.

    `source` is the thread it was asked for, None when only a step was named. `supplement` goes to whoever runs
    next; on a chain that has ended it begins the next round. So does what waits beside `node` in the source: a person's
    words that a try there was told, and that have not become part of a step.
    """
    place = Position.read(store, node)
    workflow = workflow_model.from_payload(store.get(place.workflow).payload)
    begun = Start.read(store, place.start)
    if source is None:
        source = begun.thread if place.step is None else Step.read(store, place.step).thread
    now_ms = clock.now_ms()
    standing = rebound.last_standing(store, place, workflow)
    with store.transaction("fork") as tx:
        id = new_id(tx)
        old = tx.ref(THREADS + source)
        tags = {} if old is None else usage.inherited(tx, lasting(old.tags), old.id, node)
        tags |= {"workflow": workflow.name, FORKED_THREAD: source, FORKED_STEP: str(node)}
        tags = with_state(tags, standing, now_ms)
        ref = tx.set_ref(THREADS + id, node, tags=tags, expect=None, why=f"forked from {source}")
        points.at("fork: thread made")
        thread = read(tx, ref)
        waiting = waiting_at(tx, old, node)
        said = decide.both(None if waiting is None else waiting.supplement, supplement)
        if said is not None:
            if waiting is None or waiting.round > place.round:
                plan = first_plan(tx, thread, workflow, said)
            else:
                plan = replace(waiting, supplement=said)
            attempt.hold_plan(tx, id, plan, "forked with a supplement")
            points.at("fork: plan held")
            standing = ThreadState(IDLE, plan.role)
            ref = tx.set_ref(
                THREADS + id,
                node,
                tags=with_state(tags, standing, now_ms),
                expect=node,
                why="forked with a supplement",
            )
            thread = read(tx, ref)
    return thread
