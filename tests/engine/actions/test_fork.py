"""Forking: a new thread that shares all history up to a node."""

from __future__ import annotations

import pytest

from tests.helpers.fake_agent import Said, crash, reply, suspend
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig, everything
from uwf.errors import InputError
from uwf.record import replace


def test_fork_at_the_start_begins_anew(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    start = rig.head(id)
    rig.exec(id, WROTE)
    fork = rig.fork(start, id)
    assert (rig.head(fork), rig.steps(fork)) == (start, [])
    rig.exec(fork, WROTE)
    assert rig.steps(fork)[0].prev == start
    assert f"thread `{fork}`: round 1, step 1." in rig.prompt


def test_fork_at_a_step_goes_on_from_there(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, CHANGES, WROTE)
    old = rig.ref(id)
    at = rig.steps(id)[0]
    fork = rig.fork(at.id, id)
    rig.exec(fork, APPROVED)
    assert rig.ref(id) == old
    assert [step.status for step in rig.steps(fork)] == ["done", "approved"]
    assert rig.steps(fork)[0].id == at.id
    assert rig.steps(fork)[1].thread == fork


def test_fork_is_newer_than_what_it_came_from(rig: Rig) -> None:
    id = rig.start()
    fork = rig.fork(rig.head(id), id)
    assert fork > id
    assert rig.row(fork)["startedAt"] > rig.row(id)["startedAt"]


def test_fork_at_a_suspended_step_waits_for_an_answer(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, suspend("which?"))
    fork = rig.fork(rig.head(id), id)
    assert rig.state(fork) == rig.state(id)
    rig.resume(fork, APPROVED, supplement="that one")
    assert rig.state(fork)["status"] == "completed"
    assert rig.state(id)["status"] == "suspended"


def test_fork_at_a_suspended_step_with_a_word_is_ready_to_go(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, suspend("which?"))
    fork = rig.fork(rig.head(id), id, "that one")
    assert rig.state(fork) == {"status": "idle"}
    assert rig.row(fork)["currentRole"] == "reviewer"
    rig.exec(fork, APPROVED)
    assert rig.prompt.count("that one") == 1
    assert rig.steps(fork)[-1].supplement == "that one"


def test_fork_at_a_completed_head_is_completed(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    fork = rig.fork(rig.head(id), id)
    assert rig.state(fork)["status"] == "completed"
    assert int(rig.state(fork)["completedAt"]) >= int(rig.state(id)["completedAt"])
    rig.resume(fork, WROTE)
    assert rig.steps(fork)[-1].round == 2


def test_fork_at_a_completed_head_with_a_word_begins_the_next_round(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    fork = rig.fork(rig.head(id), id, "also dates")
    assert rig.state(fork) == {"status": "idle"}
    assert (rig.row(fork)["round"], rig.row(fork)["currentRole"]) == (2, "writer")
    rig.exec(fork, WROTE)
    assert (rig.steps(fork)[-1].round, rig.steps(fork)[-1].supplement) == (2, "also dates")


def test_fork_at_the_start_with_a_word(rig: Rig) -> None:
    id = rig.start()
    fork = rig.fork(rig.head(id), id, "in Rust")
    rig.exec(fork, WROTE)
    assert rig.steps(fork)[0].supplement == "in Rust"


def test_fork_of_a_cancelled_thread_goes_on(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.cancel(id, "no time")
    fork = rig.fork(rig.head(id), id)
    assert rig.state(fork) == {"status": "idle"}
    assert "endReason" not in rig.row(fork)
    rig.exec(fork, APPROVED)
    assert rig.row(id)["status"] == "cancelled"


def test_fork_after_a_failure_tries_anew(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, crash())
    fork = rig.fork(rig.head(id), id)
    assert rig.state(fork) == {"status": "idle"}
    assert rig.row(fork)["error"] is None
    rig.exec(fork, APPROVED)
    assert rig.agent.asks[-1].env["UWF_ATTEMPT"] == "1"
    assert rig.row(id)["error"] is not None


@pytest.mark.parametrize("word", [None, "and no globals"])
def test_fork_is_told_what_waits_beside_the_head(each_rig: Rig, word: str | None) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    rig.exec(id, crash(), supplement="use tabs")
    rig.cancel(id)
    old = everything(rig.store)
    fork = rig.fork(rig.head(id), id, word)
    assert old.items() <= everything(rig.store).items()
    assert rig.state(fork) == {"status": "idle"}
    assert rig.row(fork)["currentRole"] == "reviewer"
    rig.exec(fork, APPROVED)
    said = "use tabs" if word is None else f"use tabs\n\n{word}"
    assert (rig.steps(fork)[-1].supplement, rig.steps(fork)[-1].attempts) == (said, ())
    assert rig.agent.asks[-1].env["UWF_ATTEMPT"] == "1"


def test_fork_before_the_head_is_not_told_what_waits_there(rig: Rig) -> None:
    id = rig.start()
    start = rig.head(id)
    rig.exec(id, WROTE)
    rig.exec(id, crash(), supplement="use tabs")
    fork = rig.fork(start, id)
    rig.exec(fork, WROTE)
    assert rig.steps(fork)[-1].supplement is None


def test_fork_goes_on_with_a_poke_that_failed(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.poke(id, "look closer", crash())
    fork = rig.fork(rig.head(id), id)
    rig.exec(fork, CHANGES)
    assert rig.steps(fork)[-1].supplement == "look closer"
    assert rig.steps(fork)[-1].replaces == rig.head(id)
    assert [step.status for step in rig.steps(fork)] == ["done", "changes"]


def test_fork_begins_the_round_that_failed_to_begin(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, crash(), supplement="a review came")
    fork = rig.fork(rig.head(id), id)
    assert rig.state(fork) == {"status": "idle"}
    rig.exec(fork, WROTE)
    assert (rig.steps(fork)[-1].round, rig.steps(fork)[-1].supplement) == (2, "a review came")


def test_fork_before_a_rebind_has_the_workflow_of_then(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    step = rig.head(id)
    rig.rebind(id, rig.put_workflow(replace(PAIR, name="other")))
    before, after = rig.fork(step, id), rig.fork(rig.head(id), id)
    assert (rig.row(before)["workflowName"], rig.row(after)["workflowName"]) == ("pair", "other")
    rig.exec(before, CHANGES)
    rig.exec(after, CHANGES)


def test_fork_of_a_fork_names_its_own_origin(rig: Rig) -> None:
    id = rig.start(labels={"repo": "shop"})
    rig.exec(id, WROTE)
    first = rig.fork(rig.head(id), id)
    rig.exec(first, CHANGES)
    second = rig.fork(rig.head(first), first)
    assert rig.row(second)["forkedFrom"] == {"thread": first, "step": rig.head(first)}
    assert rig.row(second)["labels"] == {"repo": "shop"}


def test_fork_of_a_bare_step_comes_from_the_thread_that_made_it(rig: Rig) -> None:
    id = rig.start(labels={"repo": "shop"})
    start = rig.head(id)
    rig.exec(id, WROTE)
    fork = rig.fork(rig.head(id))
    rig.exec(fork, CHANGES)
    assert rig.row(fork)["forkedFrom"]["thread"] == id
    again = rig.fork(rig.head(fork))
    assert rig.row(again)["forkedFrom"]["thread"] == fork
    assert rig.row(rig.fork(start))["forkedFrom"]["thread"] == id


def test_session_is_handed_on_to_the_fork(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(WROTE, session="s-1"), CHANGES)
    fork = rig.fork(rig.head(id), id)
    rig.exec(fork, WROTE)
    assert rig.agent.asks[-1].session == "s-1"


@pytest.mark.parametrize("kind", ["workflow", "prompt", "text"])
def test_object_that_is_no_node_of_a_chain_is_refused(rig: Rig, kind: str) -> None:
    id = rig.start()
    rig.exec(id, reply("done", "x" * 2_000, file="f"))
    other = next(each for each in rig.store.ids() if rig.store.get(each).kind == kind)
    with pytest.raises(InputError) as refused:
        rig.fork(other)
    assert refused.value.code == "not_a_chain"
