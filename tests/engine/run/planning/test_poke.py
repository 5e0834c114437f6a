"""Poking: the head step again, with a remark; the new step replaces the head."""

from __future__ import annotations

import pytest

from tests.helpers.fake_agent import Said, crash, reply, suspend
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.chain.word import of_thread
from uwf.errors import Interrupted, PersonNeeded

SHORTER = reply("done", "Shorter.", file="b.py")


def test_new_step_takes_the_place_of_the_head(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    old = rig.steps(id)[-1]
    result = rig.poke(id, "be kinder", reply("changes", "Please.", remarks="longer"))
    new = rig.steps(id)[-1]
    assert (result.role, result.step) == ("reviewer", new.id)
    assert (new.prev, new.replaces) == (old.prev, old.id)
    assert (new.index, new.round, new.visit) == (old.index, old.round, old.visit)
    assert len(rig.steps(id)) == 2
    assert rig.store.has(old.id)


def test_poked_role_has_its_instruction_and_the_remark(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    rig.poke(id, "be kinder", CHANGES)
    assert rig.prompt.endswith("Review a.py. The writer says: I wrote it.")
    assert "## New information\n\n### From a person, of your reply\n\nbe kinder" in rig.prompt
    assert rig.steps(id)[-1].supplement == "be kinder"


def test_poked_role_sees_the_reply_it_is_to_improve(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    rig.poke(id, "be kinder", CHANGES)
    told = rig.prompt[rig.prompt.index("## The story so far (newest first)") :]
    own = told.index("### Step 2: reviewer → changes\n\n- remarks: too long\n\nNot yet.")
    assert own < told.index("### Step 1: writer → done")
    assert "round 1, step 2. You have taken this step already" in rig.prompt
    assert "for the first time" not in rig.prompt


def test_poked_role_that_begins_the_thread_sees_its_reply(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.poke(id, "shorter", SHORTER)
    assert "### Step 1: writer → done\n\n- file: a.py\n\nI wrote it." in rig.prompt
    rig.poke(id, "shorter still", SHORTER)
    assert "- file: b.py\n\nShorter." in rig.prompt
    assert "I wrote it." not in rig.prompt


def test_poked_role_that_was_there_before_sees_what_came_since_and_its_reply(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, reply("done", "First.", file="a.py"), CHANGES, WROTE)
    rig.poke(id, "shorter", SHORTER)
    told = rig.prompt[rig.prompt.index("## What happened since your last visit (newest first)") :]
    assert told.index("### Step 3: writer") < told.index("### Step 2: reviewer")
    assert "### Step 1" not in told


def test_poked_role_that_began_a_round_sees_its_reply_and_the_round_before(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, SHORTER)
    rig.poke(id, "even shorter", WROTE)
    told = rig.prompt[rig.prompt.index("## The story of round 1 (newest first)") :]
    assert told.index("### Step 3: writer") < told.index("### Step 2: reviewer")


def test_poked_role_goes_on_in_the_session_of_its_reply(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(WROTE, session="s-1"))
    rig.poke(id, "shorter", SHORTER)
    assert rig.agent.asks[-1].session == "s-1"
    assert rig.steps(id)[-1].session == "s-1"
    rig.poke(id, "shorter still", Said(SHORTER, session="s-2"))
    rig.poke(id, "and kinder", SHORTER)
    assert rig.agent.asks[-1].session == "s-2"


def test_what_the_head_was_told_before_is_said_again(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, WROTE, supplement="it fails on Mondays")
    rig.poke(id, "shorter", SHORTER)
    assert rig.steps(id)[-1].supplement == "it fails on Mondays\n\nshorter"
    rig.poke(id, "even shorter", SHORTER)
    news = rig.prompt.partition("## New information\n\n### From a person, ")[2]
    assert (
        "Z\n\nit fails on Mondays\n\n### From a person, of your reply\n\nshorter\n\neven shorter"
        in news
    )


def test_next_role_sees_only_the_new_step(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.poke(id, "shorter", SHORTER)
    rig.exec(id, CHANGES)
    assert "Review b.py. The writer says: Shorter." in rig.prompt
    assert "I wrote it." not in rig.prompt


def test_poke_of_a_suspended_step_may_answer_it(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, suspend("which?"))
    rig.poke(id, "decide yourself", APPROVED)
    assert rig.state(id)["status"] == "completed"
    assert [step.status for step in rig.steps(id)] == ["done", "approved"]


def test_poke_of_a_completed_thread_may_open_it_again(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.poke(id, "look closer", CHANGES)
    assert rig.state(id) == {"status": "idle"}
    assert rig.row(id)["rounds"] == 1
    rig.exec(id, WROTE)
    assert [step.status for step in rig.steps(id)] == ["done", "changes", "done"]


def test_failing_poke_leaves_the_head_and_resume_pokes_again(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    before = rig.head(id)
    result = rig.poke(id, "be kinder", crash("no network"))
    assert result.failure is not None
    assert rig.head(id) == before
    assert rig.state(id)["suspendedRole"] == "reviewer"
    rig.resume(id, APPROVED, supplement="and quicker")
    new = rig.steps(id)[-1]
    assert (new.replaces, new.index) == (before, 2)
    assert new.supplement == "and quicker\n\nbe kinder"
    assert len(new.attempts) == 1
    assert rig.state(id)["status"] == "completed"


def test_second_poke_after_a_failing_one_keeps_the_first_remark(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.poke(id, "shorter", crash())
    rig.poke(id, "and kinder", SHORTER)
    assert rig.steps(id)[-1].supplement == "shorter\n\nand kinder"
    assert len(rig.steps(id)[-1].attempts) == 1


def test_stopped_poke_goes_on_as_a_poke(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    before = rig.head(id)
    with pytest.raises(Interrupted):
        rig.poke(id, "shorter", Said(ended="stopped"))
    rig.stop.signum = None
    assert rig.row(id)["currentRole"] == "writer"
    rig.exec(id, SHORTER)
    assert rig.steps(id)[-1].replaces == before
    assert len(rig.steps(id)) == 1


def test_poke_after_another_role_failed_has_neither_its_session_nor_its_number(
    rig: Rig,
) -> None:
    id = rig.start()
    rig.exec(id, Said(WROTE, session="of-writer"))
    rig.exec(id, Said(ended="timeout", session="of-reviewer"))
    rig.poke(id, "shorter", SHORTER)
    assert rig.agent.asks[-1].session != "of-reviewer"
    assert rig.agent.asks[-1].env["UWF_ATTEMPT"] == "1"


def test_attempts_of_the_role_after_a_poked_step_are_not_lost(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    failed = rig.exec(id, crash("no network"))
    rig.poke(id, "shorter", SHORTER)
    assert rig.steps(id)[-1].attempts == (failed.attempt,)


def test_answer_that_a_failed_resume_was_given_is_said_again(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, suspend("tabs?"))
    rig.resume(id, crash(), supplement="tabs")
    rig.poke(id, "shorter", SHORTER)
    assert rig.steps(id)[-1].supplement == "tabs\n\nshorter"


def test_what_waits_for_another_role_is_told_and_stands_in_the_story(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.exec(id, crash(), supplement="mind the tabs")
    rig.poke(id, "shorter", crash())
    rig.resume(id, SHORTER)
    assert rig.steps(id)[-1].supplement == "mind the tabs\n\nshorter"
    rig.exec(id, CHANGES)
    assert "> mind the tabs" in rig.prompt


def test_what_an_agent_remarks_is_told_under_its_name_through_failures_and_further_pokes(
    rig: Rig,
) -> None:
    id, other = rig.start(), of_thread("01OTHER")
    rig.exec(id, WROTE)
    rig.run(id, "poke", crash(), supplement="be kinder", speaker=other)
    rig.run(id, "poke", crash(), supplement="be kinder", speaker=other)
    rig.resume(id, SHORTER)
    assert "### From thread 01OTHER (bot), " in rig.prompt and "\n\n> be kinder\n" in rig.prompt
    assert rig.prompt.count("be kinder") == 1
    assert "### From a person" not in rig.prompt
    rig.poke(id, "shorter", SHORTER)
    assert "\n\n> be kinder\n\n### From a person, of your reply\n\nshorter" in rig.prompt
    [step] = rig.steps(id)
    assert (step.supplement, [word.who for word in step.told]) == ("shorter", ["thread 01OTHER"])


def test_no_agent_asks_for_more_attempts_by_its_remarks(rig: Rig) -> None:
    id, other = rig.start(), of_thread("01OTHER")
    rig.exec(id, WROTE)
    for remark in "abc":
        rig.run(id, "poke", crash(f"no way {remark}"), supplement=remark, speaker=other)
    with pytest.raises(PersonNeeded):
        rig.run(id, "poke", supplement="d", speaker=other)
    rig.poke(id, "e", SHORTER)
