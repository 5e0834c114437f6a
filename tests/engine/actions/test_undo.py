"""Undo: the head moves back to where its log says it was before."""

from __future__ import annotations

import pytest

from tests.helpers.fake_agent import crash, reply, suspend
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig, everything
from uwf.engine.chain.tags import THREADS, UNDONE
from uwf.errors import StateError
from uwf.record import replace
from uwf.store.values import Ref
from uwf.workflow.model import Edge

SHORTER = reply("done", "Shorter.", file="b.py")


def stand(ref: Ref) -> tuple[str, dict[str, str]]:
    """Where a thread stands; what it has used does not come into it."""
    return ref.id, {key: tag for key, tag in ref.tags.items() if not key.startswith(UNDONE)}


def test_step_is_taken_back(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    before = rig.ref(id)
    rig.exec(id, WROTE)
    undone = rig.head(id)
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(before)
    assert rig.ref(id).version == before.version + 2
    assert rig.store.has(undone)


def test_thread_goes_on_from_where_it_was(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    rig.undo(id)
    rig.exec(id, APPROVED)
    assert [step.status for step in rig.steps(id)] == ["done", "approved"]


def test_undo_again_goes_back_further(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    was = [rig.ref(id)]
    for answer in (WROTE, CHANGES, WROTE):
        rig.exec(id, answer)
        was.append(rig.ref(id))
    for before in reversed(was[:-1]):
        rig.undo(id)
        assert stand(rig.ref(id)) == stand(before)
    with pytest.raises(StateError) as refused:
        rig.undo(id)
    assert refused.value.code == "nothing_to_undo"


def test_fresh_thread_has_nothing_to_undo(rig: Rig) -> None:
    id = rig.start()
    before = everything(rig.store)
    with pytest.raises(StateError) as refused:
        rig.undo(id)
    assert refused.value.code == "nothing_to_undo"
    assert everything(rig.store) == before


def test_undo_after_other_steps_than_those_undone(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    first = rig.ref(id)
    rig.exec(id, CHANGES)
    rig.undo(id)
    rig.exec(id, APPROVED)
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(first)
    rig.undo(id)
    assert rig.thread(id).position.kind == "start"


def test_poke_is_taken_back(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    before = rig.ref(id)
    rig.poke(id, "shorter", SHORTER)
    rig.poke(id, "shorter still", SHORTER)
    once = rig.store.moves(THREADS + id)[-2]
    rig.undo(id)
    assert rig.head(id) == once.new
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(before)


def test_round_that_was_begun_is_taken_back_to_the_end(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    end = rig.ref(id)
    rig.resume(id, WROTE, supplement="more")
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(end)
    assert rig.state(id)["completedAt"] == end.tags["completedAt"]
    rig.exec(id, WROTE)
    assert (rig.steps(id)[-1].round, rig.steps(id)[-1].supplement) == (2, "more")


def test_step_after_a_suspension_is_taken_back_to_the_question(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, suspend("which?"))
    before = rig.ref(id)
    rig.resume(id, CHANGES, supplement="that one")
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(before)
    assert rig.state(id)["suspendMessage"] == "which?"


def test_step_after_failures_is_taken_back_to_before_the_first(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    before = rig.ref(id)
    rig.exec(id, crash())
    rig.resume(id, CHANGES)
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(before)


def test_try_beside_a_head_that_is_undone_is_gone(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.exec(id, crash())
    rig.undo(id)
    assert rig.attempt(id) is None
    assert rig.state(id) == {"status": "idle"}
    rig.exec(id, WROTE)
    assert rig.steps(id)[-1].supplement is None
    assert rig.steps(id)[-1].attempts == ()


@pytest.mark.parametrize("how", ["failed", "stopped", "held"])
def test_what_waits_beside_a_head_that_is_undone_goes_to_who_is_next(
    each_rig: Rig, how: str
) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    if how == "failed":
        rig.exec(id, crash(), supplement="use tabs")
    elif how == "stopped":
        rig.stopped(id, supplement="use tabs")
    else:
        rig.exec(id, WROTE)
        rig.exec(id, crash(), supplement="use tabs")
        rig.undo(id)
    rig.undo(id)
    assert rig.state(id) == {"status": "idle"}
    assert rig.row(id)["currentRole"] == "reviewer"
    rig.exec(id, CHANGES)
    assert rig.agent.asks[-1].env["UWF_ATTEMPT"] == "1"
    assert rig.prompt.endswith("Review a.py. The writer says: I wrote it.")
    assert rig.steps(id)[-1].supplement == "use tabs"


def test_what_waits_goes_back_to_a_question_with_its_message(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, suspend("which?"))
    before = rig.ref(id)
    rig.resume(id, CHANGES)
    rig.exec(id, crash(), supplement="use tabs")
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(before)
    rig.resume(id, APPROVED, supplement="that one")
    assert rig.steps(id)[-1].supplement == "use tabs\n\nthat one"


def test_what_waits_goes_back_to_the_end_and_is_told_in_the_next_round(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    end = rig.ref(id)
    rig.resume(id, WROTE)
    rig.exec(id, crash(), supplement="use tabs")
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(end)
    assert (rig.row(id)["currentRole"], rig.row(id)["round"]) == (None, 1)
    rig.rebind(id, rig.put_workflow(replace(PAIR, name="other")))
    assert rig.state(id)["status"] == "completed"
    rig.resume(id, WROTE, supplement="and no globals")
    step = rig.steps(id)[-1]
    assert (step.round, step.supplement) == (2, "use tabs\n\nand no globals")


def test_remark_of_a_failed_poke_goes_with_the_step_to_be_taken_again(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    rig.poke(id, "be kinder", crash())
    rig.undo(id)
    rig.exec(id, CHANGES)
    assert rig.steps(id)[-1].supplement == "be kinder"
    assert rig.steps(id)[-1].replaces is None


def test_what_nobody_can_be_told_waits_for_somebody(rig: Rig) -> None:
    silent = replace(PAIR, graph={**PAIR.graph, "$START": {"new": Edge("writer", "{{ nothing }}")}})
    id = rig.start(silent)
    rig.exec(id, crash(), rebind=rig.put_workflow(PAIR), supplement="use tabs")
    rig.undo(id)
    assert rig.attempt(id) is None
    rig.exec(id, WROTE, rebind=rig.put_workflow(PAIR))
    assert rig.steps(id)[-1].supplement == "use tabs"


def test_cancelled_thread_becomes_what_it_was(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, suspend("which?"))
    before = rig.ref(id)
    rig.cancel(id, "a mistake")
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(before)
    rig.cancel(id)
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(before)
    rig.undo(id)
    assert [step.role for step in rig.steps(id)] == ["writer"]


def test_cancelled_thread_keeps_its_pending_try(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.exec(id, crash(), supplement="more")
    rig.cancel(id)
    rig.undo(id)
    assert rig.state(id)["suspendedRole"] == "reviewer"
    rig.resume(id, APPROVED)
    assert rig.steps(id)[-1].supplement == "more"


def test_rebind_is_taken_back_with_its_workflow(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    before = rig.ref(id)
    other = rig.put_workflow(replace(PAIR, name="other"))
    rig.rebind(id, other)
    rig.exec(id, CHANGES)
    rig.undo(id)
    assert rig.ref(id).tags["workflow"] == "other"
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(before)
    assert rig.row(id)["workflowName"] == "pair"


def test_labels_set_since_are_kept(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    with rig.store.transaction("test") as tx:
        tags = {**rig.ref(id).tags, "label.team": "red"}
        tx.set_ref(THREADS + id, rig.head(id), tags=tags, why="labelled")
    rig.undo(id)
    assert rig.row(id)["labels"] == {"team": "red"}


def test_limit_of_steps_does_not_stand_in_the_way(rig: Rig) -> None:
    rig = Rig(rig.store, rig.engine.home, max_steps=2)
    id = rig.start()
    rig.run(id, "exec", WROTE, CHANGES, count=None)
    assert rig.state(id)["status"] == "suspended"
    rig.undo(id)
    assert [step.role for step in rig.steps(id)] == ["writer"]
    assert rig.state(id) == {"status": "idle"}


def test_fork_has_nothing_of_its_own_to_undo(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    fork = rig.fork(rig.head(id), id, "try again")
    with pytest.raises(StateError):
        rig.undo(fork)
    rig.exec(fork, WROTE)
    rig.undo(fork)
    assert rig.head(fork) == rig.head(id)


def test_undo_is_a_move_of_the_log(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.undo(id)
    moves = rig.store.moves(THREADS + id)
    assert [move.why for move in moves] == ["started", "step 1 writer done", "undo to version 1"]
    assert moves[-1].old == moves[-2].new


def test_failure_after_an_undo_does_not_turn_the_next_undo_around(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    rig.undo(id)
    rig.exec(id, crash())
    rig.undo(id)
    assert rig.steps(id) == []
    with pytest.raises(StateError):
        rig.undo(id)


def test_suspension_that_a_rebind_carried_goes_with_its_try(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.poke(id, "shorter", crash())
    for name in ("other", "third"):
        other = rig.put_workflow(replace(PAIR, name=name))
        rig.rebind(id, other)
    rig.undo(id)
    assert rig.state(id) == {"status": "idle"}
    assert rig.row(id)["workflowName"] == "other"
    assert rig.row(id)["currentRole"] == "reviewer"
    rig.exec(id, CHANGES)


def test_suspension_that_a_rebind_carried_stays_where_it_is_still_true(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, suspend("which?"))
    for name in ("other", "third"):
        other = rig.put_workflow(replace(PAIR, name=name))
        rig.rebind(id, other)
    rig.undo(id)
    assert rig.state(id)["suspendMessage"] == "which?"
    rig.resume(id, APPROVED)


def test_undone_cancellation_does_not_hide_how_the_head_was_reached(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    before = rig.ref(id)
    rig.exec(id, crash())
    rig.cancel(id)
    rig.undo(id)
    rig.resume(id, crash())
    rig.poke(id, "shorter", SHORTER)
    rig.undo(id)
    assert stand(rig.ref(id)) == stand(before)
