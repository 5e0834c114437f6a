"""Resuming after completion: round after round, with the whole chain behind."""

from __future__ import annotations

import pytest

from tests.helpers.fake_agent import crash, reply, suspend
from tests.helpers.flows import LOOP, OLDER, PAIR, role, schema, workflow
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.chain.nodes import Start
from uwf.errors import Refused
from uwf.record import replace


@pytest.mark.parametrize("verb", ["resume", "exec"])
def test_thread_can_be_resumed_after_every_end(each_rig: Rig, verb: str) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    for round in range(2, 7):
        end = rig.head(id)
        result = rig.run(id, verb, WROTE, supplement=f"feedback {round}")[-1]
        first = rig.steps(id)[-1]
        assert result.thread.status == "idle"
        assert rig.state(id) == {"status": "idle"}
        assert (first.prev, first.round, first.role) == (end, round, "writer")
        assert first.supplement == f"feedback {round}"
        rig.exec(id, APPROVED)
        assert rig.state(id)["status"] == "completed"
        row = rig.row(id)
        assert (row["rounds"], row["steps"]) == (round, 2 * round)
    assert [step.index for step in rig.steps(id)] == list(range(1, 13))
    assert [step.round for step in rig.steps(id)] == [n // 2 + 1 for n in range(12)]


def test_completed_thread_can_be_resumed_without_a_word(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, WROTE)
    assert "New information" not in rig.prompt
    assert rig.steps(id)[-1].round == 2


def test_resume_can_go_on_to_the_next_end(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    results = rig.run(id, "resume", WROTE, CHANGES, WROTE, APPROVED, count=None)
    assert len(results) == 4
    assert rig.state(id)["status"] == "completed"


def test_time_of_completion_is_that_of_the_last_round(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    first = int(rig.state(id)["completedAt"])
    rig.resume(id, WROTE)
    assert rig.row(id)["completedAt"] is None
    rig.exec(id, APPROVED)
    assert int(rig.state(id)["completedAt"]) > first


def test_later_rounds_begin_at_the_edge_resume(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, WROTE)
    assert "Go on. The last word was: Write a parser." in rig.prompt


@pytest.mark.parametrize(("flow", "instruction"), [(LOOP, "Walk."), (OLDER, "Ask.")])
def test_later_rounds_begin_at_new_or_any_where_there_is_no_resume(
    rig: Rig, flow: object, instruction: str
) -> None:
    assert flow in (LOOP, OLDER)
    end = reply("off") if flow is LOOP else reply("fine")
    id = rig.start(LOOP if flow is LOOP else OLDER)
    rig.exec(id, end)
    rig.resume(id, end)
    assert rig.prompt.endswith(f"## Your instruction now\n\n{instruction}")
    assert rig.row(id)["rounds"] == 2


def test_start_edge_sees_the_task_and_the_last_output(rig: Rig) -> None:
    flow = workflow(
        "issue",
        [role("one", schema(ok={}))],
        {
            "$START": {
                "new": ("one", "Issue {{ number }} of {{ repo }}: {{ _body }}"),
                "resume": ("one", "Issue {{ number }} again, was {{ result }}."),
            },
            "one": {"ok": ("$END", "")},
        },
    )
    task = "---\nnumber: 12\nrepo: shop\n---\nMend it."
    id = rig.start(flow, task=task)
    rig.exec(id, reply("ok", result="good", number=13))
    assert rig.prompt.endswith(f"Issue 12 of shop: {task}")
    rig.resume(id, reply("ok"))
    assert rig.prompt.endswith("Issue 13 again, was good.")


@pytest.mark.parametrize("task", ["--- no front matter", "---\n- a\n---\nx", "---\n: : [\n---\nx"])
def test_task_that_only_looks_like_front_matter_is_text(rig: Rig, task: str) -> None:
    id = rig.start(task=task)
    rig.exec(id, WROTE)
    assert f"## The task\n\n{task}\n\n" in rig.prompt


def test_chain_ends_at_the_one_start_node(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, WROTE)
    first = rig.steps(id)[0]
    assert first.prev == first.start
    start = Start.read(rig.store, first.prev)
    assert (start.thread, start.task) == (id, "Write a parser.")
    assert {step.start for step in rig.steps(id)} == {start.id}


def test_suspension_within_a_later_round_goes_on_in_it(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, suspend("tabs?"), supplement="feedback")
    rig.resume(id, WROTE, supplement="tabs")
    assert [step.round for step in rig.steps(id)] == [1, 1, 2, 2]
    assert rig.prompt.endswith("Go on. The last word was: Write a parser.")


def test_failure_at_the_beginning_of_a_round_is_not_the_end_of_it(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, crash(), supplement="feedback")
    assert "completedAt" not in rig.state(id)
    rig.resume(id, WROTE)
    assert rig.steps(id)[-1].round == 2
    assert rig.steps(id)[-1].supplement == "feedback"


def test_one_move_of_the_ref_re_enters_the_graph(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    before = rig.ref(id).version
    rig.run(id, "resume", "bad", "bad again", WROTE, supplement="feedback")
    whys = [move.why for move in rig.store.moves(f"@uwf/thread/{id}")][before:]
    assert whys == ["resumed for round 2", "step 3 writer done"]


def test_resuming_a_round_that_was_interrupted_is_exec(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    with pytest.raises(KeyboardInterrupt):
        rig.resume(id, KeyboardInterrupt(), supplement="feedback")
    assert rig.state(id) == {"status": "idle"}
    rig.exec(id, WROTE)
    assert rig.steps(id)[-1].supplement == "feedback"
    assert rig.steps(id)[-1].round == 2


def test_workflow_without_a_role_to_begin_with_is_refused(rig: Rig) -> None:
    id = rig.start(replace(PAIR, graph={**PAIR.graph, "$START": {}}))
    with pytest.raises(Refused, match="cannot begin"):
        rig.exec(id)


def test_why_it_had_ended_is_no_part_of_the_next_round(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    with rig.store.transaction("test") as tx:
        tags = {**rig.ref(id).tags, "endReason": "merged"}
        tx.set_ref(f"@uwf/thread/{id}", rig.head(id), tags=tags, why="migrated")
    assert rig.row(id)["endReason"] == "merged"
    rig.resume(id, WROTE)
    assert "endReason" not in rig.row(id)
