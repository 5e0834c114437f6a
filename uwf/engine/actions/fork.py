"""A new thread out of what another one has done: they share the chain, and from there each goes its own way."""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.actions.lifecycle import new_id
from uwf.engine.actions.waiting_words import first_plan, waiting_at
from uwf.engine.chain import told, usage
from uwf.engine.chain.attempt import hold_plan
from uwf.engine.chain.nodes import Position, Start, Step
from uwf.engine.chain.tags import (
    CWD,
    FORKED_STEP,
    FORKED_THREAD,
    IDLE,
    OCCURRENCE,
    THREADS,
    WORKFLOW,
    ThreadState,
    lasting,
    with_state,
)
from uwf.engine.chain.thread import Thread, move_head, read, runner
from uwf.engine.run.planning.rebind import last_state
from uwf.engine.run.planning.transitions import both
from uwf.record import replace
from uwf.workflow import model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Store


def fork(
    store: Store, node: str, source: str | None, supplement: str | None, cwd: str | None = None
) -> Thread:
    """A new thread whose head is the chain node `node`; it shares all history up to there.

    `source` is the thread it was asked for, None when only a step was named. `supplement` goes to the role that
    is next; on a chain that has ended it begins the next round. So do the words
    that wait beside `node` in the source: an attempt there was told them, and they have not become part of a step.
    `cwd` is the folder that its agents work in, None for that of the source.
    """
    position = Position.read(store, node)
    workflow = model.from_payload(store.get(position.workflow).payload)
    begun = Start.read(store, position.start)
    if source is None:
        source = begun.thread if position.step is None else Step.read(store, position.step).thread
    now_ms = clock.now_ms()
    state = last_state(store, position, workflow)
    with store.transaction("fork") as tx:
        id = new_id(tx)
        runner(
            store, id
        )  # as for a thread that is started: what cannot be asked for its lock is not begun
        old = tx.ref(THREADS + source)
        tags = {} if old is None else usage.inherited(tx, lasting(old.tags), old.id, node)
        tags.pop(OCCURRENCE, None)  # no schedule has begun this one
        tags |= {WORKFLOW: workflow.name, FORKED_THREAD: source, FORKED_STEP: str(node)}
        if cwd is not None:
            tags[CWD] = cwd
        begins = with_state(tags, state, now_ms)
        ref = move_head(tx, id, node, lambda _: begins, expect=None, why=f"forked from {source}")
        points.at("fork: thread made")
        if old is not None and old.id == node:
            told.copy(tx, source, id, f"forked from {source}")
        points.at("fork: told as well")
        thread = read(tx, ref)
        waiting = waiting_at(tx, old, node)
        said = both(None if waiting is None else waiting.supplement, supplement)
        if said is None:
            return thread
        if waiting is None or waiting.round > position.round:
            plan = first_plan(tx, thread, workflow, said)
        else:
            plan = replace(waiting, supplement=said)
        why = "forked with a supplement"
        hold_plan(tx, id, plan, why)
        points.at("fork: plan held")
        goes_on = with_state(tags, ThreadState(IDLE, plan.role), now_ms)
        return read(tx, move_head(tx, id, node, lambda _: goes_on, expect=ref, why=why))
