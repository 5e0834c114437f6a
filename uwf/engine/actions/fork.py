"""A new thread out of what another one has done: they share the chain, and from there each goes its own way."""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.actions.lifecycle import new_id
from uwf.engine.chain import told, usage
from uwf.engine.chain import worktree as trees
from uwf.engine.chain.attempt import hold_plan
from uwf.engine.chain.nodes import Plan, Position, Start, Step
from uwf.engine.chain.tags import (
    ATTEMPTS,
    COMPLETED,
    CWD,
    FORKED_STEP,
    FORKED_THREAD,
    IDLE,
    OCCURRENCE,
    THREADS,
    TOLD,
    WORKFLOW,
    ThreadState,
    lasting,
    with_state,
)
from uwf.engine.chain.thread import Thread, into, move_head, read, runner
from uwf.engine.chain.word import A_PERSON, said_by
from uwf.engine.run.planning.rebind import last_state
from uwf.engine.run.planning.transitions import for_resume
from uwf.workflow import model
from uwf.workflow.route import RouteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.word import Speaker
    from uwf.store.protocols import Store, Transaction
    from uwf.store.values import Ref
    from uwf.workflow.model import Workflow


def fork(
    store: Store,
    node: str,
    source: str | None,
    supplement: str | None,
    cwd: str | None = None,
    home: str = "",
    speaker: Speaker = A_PERSON,
) -> Thread:
    """A new thread whose head is the chain node `node`; it shares all history up to there.

    `source` is the thread it was asked for, None when only a step was named. `supplement` is what the `speaker`
    tells the fork; where `node` is the head of the source, it is told as well what waits there, and a poke that has
    failed there is next. A fork for which something waits is idle, as that is the word to go on. `cwd` is the folder
    that its agents work in, None for that of the source: where that is a worktree, the fork gets one of its own under
    `home`, with the files as they were then.
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
        theirs = trees.of(tags, source, home)
        tags = trees.without(tags)
        if cwd is not None:
            tags[CWD] = cwd
        elif theirs is not None and old is not None:
            files = trees.files_at(tx, node, old.id) or theirs.base
            tags |= trees.of_fork(theirs, files, home, workflow.name, id).tags
        begins = with_state(tags, state, now_ms)
        ref = move_head(tx, id, node, lambda _: begins, expect=None, why=f"forked from {source}")
        points.at("fork: thread made")
        if old is not None and old.id == node:
            _take_along(tx, read(tx, old), id)
        if supplement is not None:
            told.tell(tx, id, said_by(speaker, supplement, now_ms))
        points.at("fork: told as well")
        if tx.ref(TOLD + id) is not None or tx.ref(ATTEMPTS + id) is not None:
            ref = _made_ready(tx, read(tx, ref), workflow)
        return read(tx, ref)


def _take_along(tx: Transaction, source: Thread, fork: str) -> None:
    """What waits for the `source` waits for its `fork` as well, and a poke that has failed there is next."""
    why = f"forked from {source.id}"
    told.copy(tx, source.id, fork, why)
    if source.pending is None:
        return
    if source.pending.plan.is_poke:
        hold_plan(tx, fork, source.pending.plan, why)
    else:
        told.tell_again(tx, fork, source.pending.words, why)


def _made_ready(tx: Transaction, fork: Thread, workflow: Workflow) -> Ref:
    """The ref of a `fork` that is to go on, where it has ended with the next round."""
    if fork.status == COMPLETED and fork.plan is None:
        try:
            plan = for_resume(tx, fork, workflow)
        except RouteError:
            return fork.ref  # nothing can be next: what waits does so for another workflow
        assert isinstance(plan, Plan), "a next round begins with a role"
        hold_plan(tx, fork.id, plan, "its next round")
    return move_head(
        tx, fork.id, fork.head, into(ThreadState(IDLE)), expect=fork.ref, why="it is to go on"
    )
