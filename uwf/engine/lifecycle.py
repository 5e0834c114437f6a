"""What may be done with a whole thread: start, fork, cancel, undo. Each is one transaction."""

from __future__ import annotations

import os
from types import MappingProxyType

from uwf import clock, points
from uwf.engine import decide, rebound, spending, tries
from uwf.engine.commit import STATE_TAGS, tags_for
from uwf.engine.model import (
    ATTEMPTS,
    CANCELLED,
    COMPLETED,
    IDLE,
    SUSPENDED,
    THREADS,
    THREADS_END,
    Place,
    Plan,
    Start,
    Step,
    pack_text,
)
from uwf.engine.thread import END_REASON, FORKED_STEP, FORKED_THREAD, LABEL, Thread, read
from uwf.errors import InputError, StateError
from uwf.record import Record, replace
from uwf.store.codec import Link
from uwf.workflow import model as workflow_model
from uwf.workflow.route import RouteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.engine.redact import Redactor
    from uwf.store.protocols import Move, Ref, Store, Transaction
    from uwf.workflow.model import Workflow


class Begin(Record):
    """What a thread is started with."""

    workflow: Workflow
    task: str
    cwd: str
    labels: dict[str, str]
    priority: int = 0
    budget: Mapping[str, float] = MappingProxyType({})


def start(store: Store, begin: Begin, redactor: Redactor) -> Thread:
    """A new thread, idle before its first step. Its workflow is stored with it."""
    if not os.path.isdir(begin.cwd):
        raise InputError(
            f"the working directory {begin.cwd} does not exist", hint=f"mkdir -p {begin.cwd}"
        )
    points.at("start: begun")
    with store.transaction() as tx:
        id = new_id(tx)
        workflow = tx.put("workflow", workflow_model.to_payload(begin.workflow))
        head = tx.put(
            "start",
            {
                "thread": id,
                "workflow": Link(workflow),
                "task": pack_text(tx, redactor.text(begin.task)),
                "cwd": begin.cwd,
                "startedAt": clock.now_ms(),
            },
        )
        tags = {"status": IDLE, "workflow": begin.workflow.name}
        tags |= {
            LABEL + redactor.text(key): redactor.text(value) for key, value in begin.labels.items()
        }
        tags |= spending.tags_of(begin.budget)
        if begin.priority:
            tags["priority"] = str(begin.priority)
        ref = tx.set_ref(THREADS + id, head, tags=tags, expect=None, why="started")
        points.at("start: written")
        thread = read(tx, ref)
    points.at("start: done")
    return thread


def fork(store: Store, node: str, source: str | None, supplement: str | None) -> Thread:
    """A new thread whose head is the chain node `node`; it shares all history up to there.

    `source` is the thread it was asked for, None when only a step was named. `supplement` goes to whoever runs
    next; on a chain that has ended it begins the next round. So does what waits beside `node` in the source: a person's
    words that a try there was told, and that have not become part of a step.
    """
    place = Place.read(store, node)
    workflow = workflow_model.from_payload(store.get(place.workflow).payload)
    begun = Start.read(store, place.start)
    if source is None:
        source = begun.thread if place.step is None else Step.read(store, place.step).thread
    now_ms = clock.now_ms()
    standing = rebound.last_standing(store, place, workflow)
    with store.transaction() as tx:
        id = new_id(tx)
        old = tx.ref(THREADS + source)
        tags = {} if old is None else spending.inherited(tx, kept_tags(old.tags), old.id, node)
        tags |= {"workflow": workflow.name, FORKED_THREAD: source, FORKED_STEP: str(node)}
        tags = tags_for(tags, standing, now_ms)
        ref = tx.set_ref(THREADS + id, node, tags=tags, expect=None, why=f"forked from {source}")
        points.at("fork: written")
        thread = read(tx, ref)
        waiting = _waiting(tx, old, node)
        said = decide.both(None if waiting is None else waiting.supplement, supplement)
        if said is not None:
            if waiting is None or waiting.round > place.round:
                plan = _first_plan(tx, thread, workflow, said)
            else:
                plan = replace(waiting, supplement=said)
            tries.hold_plan(tx, id, plan, None, "forked with a supplement")
            points.at("fork: plan held")
            standing = decide.Standing(IDLE, plan.role)
            ref = tx.set_ref(
                THREADS + id,
                node,
                tags=tags_for(tags, standing, now_ms),
                expect=node,
                why="forked with a supplement",
            )
            thread = read(tx, ref)
    points.at("fork: done")
    return thread


def cancel(store: Store, thread: Thread, reason: str | None) -> None:
    """End a thread for good. The caller holds its lock. Raises `StateError` when it has ended already."""
    refuse_ended(thread)
    tags = tags_for(thread.tags, decide.Standing(CANCELLED), clock.now_ms())
    if reason:
        tags[END_REASON] = reason
    with store.transaction() as tx:
        tx.set_ref(
            THREADS + thread.id,
            thread.head,
            expect=thread.head,
            tags=tags,
            why=f"cancelled: {reason}" if reason else "cancelled",
        )
        points.at("cancel: written")
    points.at("cancel: done")


def refuse_ended(thread: Thread) -> None:
    """Raise `StateError` for a thread that is completed or cancelled."""
    if thread.status in (COMPLETED, CANCELLED):
        raise StateError(
            f"thread {thread.id} is {thread.status}: there is nothing to cancel",
            hint=f"uwf thread show {thread.id}",
            code=thread.status,
        )


def undo(store: Store, thread: Thread) -> str | None:
    """Move the head back to where the log says it was before. The caller holds the thread's lock.

    A thread that was just cancelled becomes what it was. Undoing again goes back further. The moves stay in
    the log, and so do the steps that were left; what they used stays spent. What a person had added for a step that
    has not come about waits for whatever is next then; where nothing can be, it is returned.
    """
    moves = store.moves(THREADS + thread.id)
    at = _effective(moves, len(moves) - 1)
    before = _before(moves, at)
    if before is None:
        raise StateError(
            f"thread {thread.id} has nothing to undo: its head never was anywhere else",
            hint=f"uwf ref log {THREADS}{thread.id}",
            code="nothing_to_undo",
        )
    goal = moves[before]
    assert goal.new is not None
    kept, then = kept_tags(thread.tags), kept_tags(goal.tags)
    state = {key: tag for key, tag in goal.tags.items() if key not in then}
    if goal.new != thread.head and state.get("status") == SUSPENDED:
        state = _without_try(store, goal.new, state)
    if goal.new != thread.head:
        kept |= spending.left_behind(store, thread, Place.read(store, goal.new))
    lost = None
    with store.transaction() as tx:
        ref = tx.set_ref(
            THREADS + thread.id,
            goal.new,
            expect=thread.head,
            tags={**kept, **state},
            why=f"{UNDO}{goal.version}",
        )
        points.at("undo: head moved")
        if goal.new != thread.head and tx.ref(ATTEMPTS + thread.id) is not None:
            lost = None if thread.plan is None else thread.plan.supplement
            tx.delete_ref(ATTEMPTS + thread.id, why="it was about a head that was undone")
            if lost is not None and _hold_words(tx, read(tx, ref), lost):
                lost = None
            points.at("undo: attempt dropped")
    points.at("undo: done")
    return lost


def _hold_words(tx: Transaction, thread: Thread, supplement: str) -> bool:
    """Let `supplement` wait for what is next in `thread`, whose status stays. False when nothing can be."""
    workflow = workflow_model.from_payload(tx.get(thread.place.workflow).payload)
    try:
        plan = _first_plan(tx, thread, workflow, supplement)
    except RouteError:
        return False
    tries.hold_plan(tx, thread.id, plan, None, "what was added waits")
    return True


def _waiting(tx: Transaction, source: Ref | None, node: str) -> Plan | None:
    """The plan with a person's words that waits beside `node`, when that is the head of the thread `source`."""
    if source is None or source.id != node:
        return None
    plan = read(tx, source).plan
    return None if plan is None or plan.supplement is None else plan


def kept_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that do not come with where a thread stands: its labels, its priority, where it came from."""
    return {key: tag for key, tag in tags.items() if key not in (*STATE_TAGS, "workflow")}


UNDO = "undo to version "


def _without_try(store: Store, head: str, state: dict[str, str]) -> dict[str, str]:
    """The state of a thread that was suspended at `head`, now that the try it had there is gone.

    A rebind carries a suspension along. When that was about a poke that failed, another role is next without it.
    """
    place = Place.read(store, head)
    if place.kind != "rebind":
        return state
    workflow = workflow_model.from_payload(store.get(place.workflow).payload)
    standing = rebound.last_standing(store, place, workflow)
    if standing.next_role == state.get("suspendedRole"):
        return state
    return tags_for({"workflow": workflow.name}, standing, clock.now_ms())


def _effective(moves: list[Move], at: int) -> int:
    """The move whose state the ref has at `moves[at]`: an undo stands for the move it went back to."""
    while moves[at].why.startswith(UNDO):
        version = int(moves[at].why.removeprefix(UNDO))
        at = next(n for n in range(at) if moves[n].version == version)
    return at


def _before(moves: list[Move], at: int) -> int | None:
    """The move that had led to the state before `moves[at]`, None at the beginning."""
    if at > 0 and moves[at].tags.get("status") == CANCELLED and moves[at - 1].new == moves[at].new:
        return at - 1
    head, n = moves[at].new, at
    while n >= 0 and moves[n].new == head:
        # What an undo had left behind lies before it, and does not count.
        n = _effective(moves, n) - 1
    if n < 0 or moves[n].new is None:
        return None
    n = _effective(moves, n)
    while n > 0 and moves[n - 1].new == moves[n].new:
        n = _effective(moves, n - 1)  # the first of several with one head has brought it there
    return n


def _first_plan(tx: Transaction, thread: Thread, workflow: Workflow, supplement: str) -> Plan:
    decided = (
        decide.for_exec(tx, thread, workflow, supplement)
        if thread.status == IDLE
        else decide.for_resume(tx, thread, workflow, supplement)
    )
    if isinstance(decided, decide.Standing):
        decided = decide.for_resume(
            tx, replace(thread, tags={**thread.tags, "status": COMPLETED}), workflow, supplement
        )
    assert isinstance(decided, Plan)
    return decided


def new_id(tx: Transaction) -> str:
    """A ULID later than every thread's so far, also when the clock has jumped back."""
    now_ms = clock.now_ms()
    newest = tx.refs(THREADS, high=THREADS_END, newest_first=True, limit=1)
    if newest:
        last = newest[0].name.removeprefix(THREADS)
        if clock.is_ulid(last):
            now_ms = max(now_ms, clock.ulid_ms(last) + 1)
    return clock.ulid(now_ms)
