"""What happens to a reply: accepted, asked again, or kept as a failed attempt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.fake_agent import Said, reply, suspend
from tests.helpers.flows import OLDER, role, schema, workflow
from tests.helpers.rig import WROTE, Rig
from uwf.agent.protocol import AgentRequest
from uwf.engine.progress import ReplyRejected, StepStarted
from uwf.workflow.model import Edge

BAD = reply("done", "I forgot the file.")
NO_FRONT = "I did it."


def test_output_and_body_are_kept(each_rig: Rig) -> None:
    id = each_rig.start()
    result = each_rig.exec(id, reply("done", "Some *text*.\n\nMore.", file="a.py", lines=12))
    step = each_rig.steps(id)[-1]
    assert (result.role, result.step) == ("writer", step.id)
    assert step.output == {"$status": "done", "file": "a.py", "lines": 12}
    assert (step.status, step.body) == ("done", "Some *text*.\n\nMore.")
    assert (step.agent, step.index, step.round, step.visit) == ("fake", 1, 1, 1)
    assert step.duration_ms >= 0
    assert step.attempts == ()


@pytest.mark.parametrize("bad", [BAD, NO_FRONT, "", reply("nonsense"), reply("done", file=["a"])])
def test_bad_reply_is_asked_again(rig: Rig, bad: str) -> None:
    id = rig.start()
    result = rig.run(id, "exec", bad, WROTE)[-1]
    assert result.step is not None
    assert len(rig.agent.asks) == 2
    assert rig.steps(id)[0].attempts == ()


@pytest.mark.parametrize("answers", [("", WROTE), (f"\n{WROTE}",)])
def test_prompt_that_an_agent_prints_is_no_reply(rig: Rig, answers: tuple[str, ...]) -> None:
    """The examples in it would be valid ones."""
    id = rig.start()

    def echo(answer: str) -> Callable[[AgentRequest], str]:
        return lambda ask: ask.prompt + answer

    rig.run(id, "exec", *map(echo, answers))
    assert len(rig.agent.asks) == len(answers)
    assert rig.steps(id)[0].body == "I wrote it."


def test_asking_again_says_what_was_wrong_and_shows_the_reply(rig: Rig) -> None:
    rig.run(rig.start(), "exec", BAD, WROTE)
    first, second = (ask.prompt for ask in rig.agent.asks)
    assert second.startswith(first)
    added = second.removeprefix(first)
    assert "## Your last reply was not accepted" in added
    assert "`file`" in added
    assert "I forgot the file." in added


def test_reply_with_fences_is_shown_whole(rig: Rig) -> None:
    rig.run(rig.start(), "exec", "````\n```\ncode\n```\n````", WROTE)
    assert "`````\n````\n```\ncode\n```\n````\n`````" in rig.prompt


def test_long_bad_reply_is_shown_in_part(rig: Rig) -> None:
    rig.run(rig.start(), "exec", "x" * 5_000, WROTE)
    assert f"{'x' * 4_000}\n(… 1000 more characters)" in rig.prompt


def test_agent_is_asked_three_times_at_most(rig: Rig) -> None:
    id = rig.start()
    result = rig.run(id, "exec", BAD, NO_FRONT, BAD)[-1]
    assert result.step is None
    assert result.failure is not None
    assert result.failure.code == "bad_reply"
    assert "not valid, asked 3 times" in result.failure.message
    assert "`file`" in result.failure.message
    assert rig.state(id)["status"] == "suspended"
    asked = [event.ask for event in rig.events if isinstance(event, StepStarted)]
    assert asked == [1, 2, 3]


def test_each_refusal_is_told_and_kept_as_a_turn(each_rig: Rig) -> None:
    id = each_rig.start()
    each_rig.run(id, "exec", BAD, NO_FRONT, WROTE)
    refusals = [event for event in each_rig.events if isinstance(event, ReplyRejected)]
    assert len(refusals) == 2
    turns = each_rig.step(each_rig.head(id))["turns"]
    assert [(turn["from"], turn["text"]) for turn in turns] == [
        ("agent", BAD),
        ("uwf", "\n".join(refusals[0].problems)),
        ("agent", NO_FRONT),
        ("uwf", "\n".join(refusals[1].problems)),
        ("agent", WROTE),
    ]


def test_any_role_may_suspend_with_a_reason(rig: Rig) -> None:
    id = rig.start()
    result = rig.exec(id, suspend("tabs or spaces?", nextCheckIn="30m"))
    assert result.failure is None
    step = rig.steps(id)[0]
    assert step.status == "$SUSPEND"
    assert step.output["nextCheckIn"] == "30m"


@pytest.mark.parametrize("reason", [None, "", "  \n", 12, ["a"]])
def test_suspending_without_a_reason_is_a_bad_reply(rig: Rig, reason: Any) -> None:
    fields = {} if reason is None else {"reason": reason}
    id = rig.start()
    rig.run(id, "exec", reply("$SUSPEND", **fields), suspend("why not?"))
    assert "needs a `reason`" in rig.prompt
    assert rig.state(id)["suspendMessage"] == "why not?"


@pytest.mark.parametrize(
    "field", ["x: !!float .nan", "x: !!int 99999999999999999999999", 'x: "\\ud800"']
)
def test_what_no_store_can_keep_is_a_bad_reply(rig: Rig, field: str) -> None:
    for status in ("done\nfile: a.py", "$SUSPEND\nreason: why"):
        id = rig.start()
        rig.run(id, "exec", f"---\n$status: {status}\n{field}\n---\n", suspend("well"))
        assert "## Your last reply was not accepted" in rig.prompt


def test_long_reason_is_cut_in_the_tag_and_whole_in_the_step(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, suspend("y" * 3_000))
    assert rig.state(id)["suspendMessage"] == "y" * 2_000
    assert rig.steps(id)[0].output["reason"] == "y" * 3_000


def test_status_without_an_edge_is_a_bad_reply(rig: Rig) -> None:
    flow = workflow("gap", [role("one", schema(a={}, b={}))], {"$START": {"new": ("one", "Go.")}})
    flow.graph["one"] = {"a": Edge("$END", "")}
    id = rig.start(flow)
    rig.run(id, "exec", reply("b"), reply("a"))
    assert "'b'" in rig.prompt
    assert "no edge" in rig.prompt
    assert rig.state(id)["status"] == "completed"


def test_reply_that_leaves_the_next_prompt_empty_is_a_bad_reply(rig: Rig) -> None:
    flow = workflow(
        "empty",
        [role("one", schema(ok={})), role("two", schema(ok={}))],
        {
            "$START": {"new": ("one", "Go.")},
            "one": {"ok": ("two", "{{ words }}")},
            "two": {"ok": ("$END", "")},
        },
    )
    id = rig.start(flow)
    rig.run(id, "exec", reply("ok"), reply("ok", words="Go on."))
    assert "renders empty: '{{ words }}'" in rig.prompt
    assert rig.thread(id).position.index == 1


def test_older_suspend_edge_suspends_with_its_rendered_prompt(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start(OLDER)
    rig.exec(id, reply("question", text="how deep?"))
    assert rig.state(id) == {
        "status": "suspended",
        "suspendedRole": "asker",
        "suspendMessage": "Please answer: how deep?",
    }
    rig.resume(id, reply("fine"), supplement="very")
    assert rig.prompt.endswith("## Your instruction now\n\nAsk.")
    assert "very" in rig.prompt
    assert rig.state(id)["status"] == "completed"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Failed to authenticate. API Error: 401 no", "authentication"),
        ("Out of credits", "quota"),
        ("API Error: 413 the request is too large", "bad_reply"),
        ("413 Payload Too Large", "bad_reply"),
        ("403 Forbidden", "authentication"),
    ],
)
def test_message_of_a_client_is_told_and_not_asked_again(rig: Rig, said: str, code: str) -> None:
    result = rig.run(rig.start(), "exec", said)[-1]
    assert len(rig.agent.asks) == 1
    assert result.failure is not None
    assert result.failure.code == code
    assert said in result.failure.message


def test_error_alone_on_stderr_is_told_and_not_asked_again(rig: Rig) -> None:
    result = rig.run(rig.start(), "exec", Said(stderr="Error: Incorrect API key provided\n"))[-1]
    assert len(rig.agent.asks) == 1
    assert result.failure is not None
    assert result.failure.code == "authentication"
    assert "Incorrect API key provided" in result.failure.message


def test_printed_prompt_before_a_message_changes_nothing(rig: Rig) -> None:
    result = rig.run(
        rig.start(),
        "exec",
        lambda ask: ask.prompt.replace("\n", "\r\n") + "\r\nInvalid API key\r\n",
    )[-1]
    assert len(rig.agent.asks) == 1
    assert result.failure is not None
    assert result.failure.code == "authentication"
