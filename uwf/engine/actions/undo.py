"""Back to where a thread was, by the log of its ref. An undo is a move of its own: the log is never rewritten."""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.chain import told, usage, wake
from uwf.engine.chain.nodes import Position
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import (
    ATTEMPTS,
    CANCELLED,
    STATUS,
    SUSPENDED,
    SUSPENDED_ROLE,
    THREADS,
    UNDONE_TO,
    WORKFLOW,
    lasting,
    with_state,
)
from uwf.engine.chain.thread import move_head, read
from uwf.engine.run.planning.rebind import last_state
from uwf.errors import StateError
from uwf.workflow import model as workflow_model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.word import Word
    from uwf.store.protocols import Store
    from uwf.store.values import Move

UNDO = "undo to version "
"""How the reason of an undo begins in the log; the version it went back to follows."""


def undo(
    store: Store, thread: Thread, with_files: Callable[[str], Mapping[str, str]] | None = None
) -> Thread:
    """The thread with its head moved back to where the log says it was before. The caller holds the thread's lock.

    A thread that was just cancelled becomes what it was. Undoing again goes back further. The moves stay in
    the log, and so do the steps that were left; what they used stays spent. What they were told waits again, and what
    waited for a step that has not come about does so still. `with_files` is given the node it goes back to, and says
    with which tags the files of its worktree go back as well.
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
    then = lasting(goal.tags)
    state = {key: tag for key, tag in goal.tags.items() if key not in then}
    if goal.new != thread.head and state.get(STATUS) == SUSPENDED:
        state = _without_attempt(store, goal.new, state)
    if goal.new != thread.head:
        position = Position.read(store, goal.new)
        state |= usage.left_behind(store, thread, position)
        if position.step != thread.position.step:
            state[UNDONE_TO] = str(position.index)
        state = wake.without(state) | _timer_after(moves, thread)
    if with_files is not None:
        state |= with_files(goal.new)
    with store.transaction("undo") as tx:
        ref = move_head(
            tx,
            thread.id,
            goal.new,
            lambda now: {**lasting(now), **state},
            expect=thread.ref,
            why=f"{UNDO}{goal.version}",
        )
        points.at("undo: head moved")
        if goal.new != thread.head:
            told.tell_again(
                tx, thread.id, _told_after(tx, thread, goal.new), "what was told it was undone"
            )
            points.at("undo: told again")
            if tx.ref(ATTEMPTS + thread.id) is not None:
                tx.delete_ref(ATTEMPTS + thread.id, why="it was about a head that was undone")
        return read(tx, ref)


def _timer_after(moves: list[Move], thread: Thread) -> dict[str, str]:
    """The timer that a thread keeps whose head is undone: none that the undone step itself has asked for."""
    timer = wake.run_ended(wake.kept(thread.tags))
    arrived = next(move for move in moves if move.new == thread.head)
    is_own = timer.get(wake.WAKE_WHY, "").startswith(f"{wake.TIMER}: ")
    return {} if is_own and wake.run_ended(wake.kept(arrived.tags)) == timer else timer


def _told_after(nodes: Nodes, thread: Thread, goal: str) -> list[Word]:
    """What was told to the steps of `thread` that are no steps of `goal`, and to its attempt, but not to a step that
    stays. The remark of a poke that became a step is undone with it.
    """
    stay = {step.id: step for step in steps_back(nodes, goal)}
    known = {word for step in stay.values() for word in step.told}
    left = [step for step in steps_back(nodes, thread.head) if step.id not in stay]
    found = [word for step in reversed(left) for word in step.words]
    if thread.pending is not None:
        found += thread.pending.words
    return [word for word in dict.fromkeys(found) if word not in known]


def _without_attempt(store: Store, head: str, state: dict[str, str]) -> dict[str, str]:
    """The state of a thread that was suspended at `head`, now that the attempt it had there is gone.

    A rebind carries a suspension along. When that was about a poke that failed, another role is next without it.
    """
    position = Position.read(store, head)
    if position.kind != "rebind":
        return state
    workflow = workflow_model.from_payload(store.get(position.workflow).payload)
    then_state = last_state(store, position, workflow)
    if then_state.next_role == state.get(SUSPENDED_ROLE):
        return state
    return with_state({WORKFLOW: workflow.name}, then_state, clock.now_ms())


def _effective(moves: list[Move], at: int) -> int:
    """The move whose state the ref has at `moves[at]`: an undo stands for the move it went back to."""
    while moves[at].why.startswith(UNDO):
        version = int(moves[at].why.removeprefix(UNDO))
        at = next(n for n in range(at) if moves[n].version == version)
    return at


def _before(moves: list[Move], at: int) -> int | None:
    """The move that had led to the state before `moves[at]`, None at the beginning."""
    head, n = moves[at].new, at
    while n >= 0 and moves[n].new == head and moves[n].tags.get(STATUS) == CANCELLED:
        n -= 1  # of several, the later ones have set a label or a title
    if 0 <= n < at and moves[n].new == head:
        return n
    n = at
    while n >= 0 and moves[n].new == head:
        # What an undo had left behind lies before it, and does not count.
        n = _effective(moves, n) - 1
    if n < 0 or moves[n].new is None:
        return None
    n = _effective(moves, n)
    while n > 0 and moves[n - 1].new == moves[n].new:
        n = _effective(moves, n - 1)  # the first of several with one head has brought it there
    return n
