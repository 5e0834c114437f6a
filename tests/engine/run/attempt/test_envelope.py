"""What an agent may add to its reply for uwf itself: its session, and what it used."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.fake_agent import Said, reply
from tests.helpers.flows import TEXT, role, schema, workflow
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.progress import UsageLeftOut
from uwf.jsontext import document


def test_agent_is_asked_again_in_the_same_session(rig: Rig) -> None:
    rig.run(rig.start(), "exec", Said(reply("done"), session="s-1"), "no front matter", WROTE)
    assert [ask.session for ask in rig.agent.asks] == [None, "s-1", "s-1"]
    assert [ask.env.get("UWF_SESSION") for ask in rig.agent.asks] == [None, "s-1", "s-1"]


def test_session_in_a_bad_reply_counts(rig: Rig) -> None:
    rig.run(rig.start(), "exec", reply("done", session="s-2"), WROTE)
    assert rig.agent.asks[1].session == "s-2"


def test_session_is_handed_to_the_next_visit_of_the_same_role_only(rig: Rig) -> None:
    id = rig.start()
    rig.exec(
        id, Said(WROTE, session="of-writer"), Said(CHANGES, session="of-reviewer"), WROTE, CHANGES
    )
    sessions = [ask.session for ask in rig.agent.asks]
    assert sessions == [None, None, "of-writer", "of-reviewer"]


def test_session_lives_on_in_the_next_round(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(WROTE, session="of-writer"), APPROVED)
    rig.resume(id, WROTE)
    assert rig.agent.asks[-1].session == "of-writer"


@pytest.mark.parametrize("session", ["s-3", 12])
def test_session_field_is_no_part_of_the_output(rig: Rig, session: Any) -> None:
    id = rig.start()
    rig.exec(id, reply("done", file="a.py", session=session))
    step = rig.steps(id)[0]
    assert step.output == {"$status": "done", "file": "a.py"}
    assert step.session == str(session)


@pytest.mark.parametrize(
    "word",
    [
        *("20251114", "0017", "7e12", "0o21", "2.50", "0xBEEF", "true", "a-1"),
        *("31e4159", "-5e999", ".inf", ".NaN", "36893488147419103232", "True"),
    ],
)
def test_session_is_handed_back_as_it_was_written(rig: Rig, word: str) -> None:
    id = rig.start()
    rig.exec(id, f"---\n$status: done\nfile: a.py\nsession: {word}\n---\n", CHANGES, WROTE)
    assert rig.steps(id)[0].session == word
    assert rig.agent.asks[-1].session == word


@pytest.mark.parametrize("session", [None, "", [], {}, "a\0b", "two\nlines", "x" * 5_000])
def test_session_that_no_environment_can_hold_is_none(rig: Rig, session: Any) -> None:
    id = rig.start()
    rig.exec(id, reply("done", file="a.py", session=session), CHANGES, WROTE)
    assert rig.steps(id)[0].session is None
    assert rig.agent.asks[-1].session is None


def test_usage_is_kept_and_added_up(rig: Rig) -> None:
    id = rig.start()
    one = rig.exec(id, reply("done", file="a.py", usage={"tokens": 10, "usd": 0.5}))
    assert document(rig.views.result(one.event))["usage"] == {"tokens": 10, "usd": 0.5}
    rig.exec(id, Said(CHANGES, usage={"tokens": 5}))
    assert rig.row(id)["usage"] == {"tokens": 15, "usd": 0.5}
    assert "usage" not in rig.steps(id)[0].output


@pytest.mark.parametrize(
    "usage", [12, "much", {"tokens": "12"}, {"tokens": True}, {"tokens": 10**30}]
)
def test_usage_that_is_no_map_of_amounts_is_none(rig: Rig, usage: Any) -> None:
    id = rig.start()
    rig.exec(id, reply("done", file="a.py", usage=usage))
    assert rig.steps(id)[0].usage is None


@pytest.mark.parametrize("amount", [".nan", ".inf", "9007199254740993"])
def test_usage_beyond_counting_is_none(rig: Rig, amount: str) -> None:
    id = rig.start()
    rig.exec(id, f"---\n$status: done\nfile: a.py\nusage: {{tokens: {amount}}}\n---\n")
    assert rig.steps(id)[0].usage is None


def test_what_of_the_usage_is_a_number_counts_and_the_rest_is_named(rig: Rig) -> None:
    id = rig.start()
    used = {"tokens": 340, "usd": 0.07, "service_tier": "batch", "cached": None, "cost": True}
    rig.exec(id, reply("done", file="a.py", usage=used))
    assert rig.steps(id)[0].usage == {"tokens": 340, "usd": 0.07}
    told = [event for event in rig.events if isinstance(event, UsageLeftOut)]
    assert told == [UsageLeftOut(id, "writer", ("service_tier", "cached", "cost"))]


def test_envelope_fields_that_the_schema_has_are_output(rig: Rig) -> None:
    shape = schema(done={"session": TEXT, "usage": TEXT})
    flow = workflow(
        "own",
        [role("one", shape)],
        {"$START": {"new": ("one", "Go.")}, "one": {"done": ("$END", "")}},
    )
    id = rig.start(flow)
    rig.exec(id, reply("done", session="s-4", usage="light"))
    step = rig.steps(id)[0]
    assert step.output == {"$status": "done", "session": "s-4", "usage": "light"}
    assert (step.session, step.usage) == ("s-4", None)
