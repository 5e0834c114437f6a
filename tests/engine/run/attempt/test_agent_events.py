"""What an agent says while it runs counts from that moment: turns of every kind, its session, what it used."""

from __future__ import annotations

import pytest

from tests.helpers.dying import die
from tests.helpers.fake_agent import Said, crash
from tests.helpers.rig import CHANGES, WROTE, Rig
from uwf import clock
from uwf.agent.protocol import RateLimit, Session, Thinking, ToolCall, ToolResult, Usage
from uwf.engine.chain.nodes import unpack_text
from uwf.engine.progress import Turn
from uwf.engine.query.steps import turns
from uwf.errors import Refused
from uwf.guard.pause import paused_agents


def kinds(rig: Rig, last: str | None) -> list[tuple[str, str]]:
    """The kind and the text of each turn up to `last`, oldest first."""
    found: list[tuple[str, str]] = []
    while last is not None:
        payload = rig.store.get(last).payload
        found.insert(0, (payload["kind"], unpack_text(rig.store, payload["text"])))
        last = payload["prev"]
    return found


def test_turns_are_kept_with_their_kind_in_the_order_they_came(rig: Rig) -> None:
    id = rig.start()
    look = ToolCall("1", "read", {"path": "ä.py"})
    events = (Thinking("Where is it?"), look, ToolResult("1", "x = 1"))
    rig.exec(id, Said(WROTE, turns=("---\n",), events=events))
    turns = kinds(rig, rig.steps(id)[0].turns)
    assert [kind for kind, _ in turns] == ["thinking", "tool", "tool_result", "text", "text"]
    assert turns[1][1] == 'read {"path": "ä.py"}'
    assert "".join(text for kind, text in turns if kind == "text") == WROTE
    told = [event.kind for event in rig.events if isinstance(event, Turn)]
    assert told == ["thinking", "tool", "tool_result", "text"]


def test_half_a_character_in_a_tool_call_breaks_nothing(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(WROTE, events=(ToolCall("1", "read", {"path": "\ud800x"}),)))
    assert kinds(rig, rig.steps(id)[0].turns)[0][1] == 'read {"path": "\ufffdx"}'


def test_secret_in_a_tool_call_is_not_kept(make_rig: object) -> None:
    rig: Rig = make_rig(secrets=[("API_KEY", "hunter2hunter2")])  # type: ignore[operator]
    id = rig.start()
    call = ToolCall("1", "curl", {"header": "hunter2hunter2"})
    rig.exec(id, Said(WROTE, turns=("---\n",), events=(call,)))
    assert kinds(rig, rig.steps(id)[0].turns)[0][1] == 'curl {"header": "[redacted:API_KEY]"}'


def test_session_that_was_said_goes_on_after_a_stop(rig: Rig) -> None:
    id = rig.start()
    rig.stopped(id, says=(Session("s-1"),))
    rig.exec(id, WROTE)
    assert rig.agent.asks[-1].session == "s-1"


def test_usage_that_was_said_counts_for_an_attempt_that_failed(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, crash(events=(Usage({"usd": 0.5}), Usage({"usd": 0.75}))))
    rig.resume(id, WROTE)
    assert rig.row(id)["spent"]["usd"] == 0.75


def test_usage_of_two_asks_in_one_attempt_adds_up(rig: Rig) -> None:
    id = rig.start()
    bad = Said("no front matter", events=(Usage({"tokens": 10}),))
    rig.exec(id, bad, Said(WROTE, events=(Usage({"tokens": 5}),)), count=1)
    assert rig.steps(id)[0].usage == {"tokens": 15}


def test_limit_that_was_said_pauses_the_agent_until_it_resets(rig: Rig) -> None:
    id = rig.start()
    later_ms = clock.now_ms() + 3_600_000
    with pytest.raises(Refused) as refused:
        rig.exec(id, crash(events=(RateLimit(True, later_ms),)))
    assert refused.value.retry_at_ms is not None and refused.value.retry_at_ms > later_ms
    (paused,) = paused_agents(rig.store)
    assert paused.until_ms == later_ms


def test_limit_that_is_not_reached_any_more_pauses_nothing(rig: Rig) -> None:
    id = rig.start()
    later_ms = clock.now_ms() + 3_600_000
    rig.exec(id, crash(events=(RateLimit(True, later_ms), RateLimit(False))))
    assert paused_agents(rig.store) == []
    rig.resume(id, WROTE)
    rig.exec(id, CHANGES)


def test_kill_loses_neither_session_nor_usage(rig: Rig) -> None:
    id = rig.start()
    said = (Session("s-9"), Usage({"tokens": 500}), Usage({"tokens": 700}))
    die(rig, id, "exec", "half", says=said)
    settled = rig.settle(id)
    assert settled is not None
    assert rig.row(id)["spent"]["tokens"] == 700
    rig.exec(id, WROTE)
    assert rig.agent.asks[-1].session == "s-9"
    assert [turn.kind for turn in turns.up_to(rig.store, ended_turns(rig, settled.attempt))] == [
        "text"
    ]


def ended_turns(rig: Rig, ended: str) -> str:
    return str(rig.store.get(ended).payload["turns"])


def test_turns_are_shown_with_their_kind(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(WROTE, turns=("---\n",), events=(Thinking("Hm."),)))
    shown = turns.of_thread(rig.store, rig.ref(id))
    assert [turn.kind for turn in shown] == ["thinking", "text", "text"]


def test_turn_of_a_store_without_kinds_is_text(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    old = rig.steps(id)[0].turns
    assert old is not None
    payload = {**rig.store.get(old).payload}
    del payload["kind"]
    with rig.store.transaction("turn") as tx:
        turn = tx.put("turn", payload)
    assert [each.kind for each in turns.up_to(rig.store, turn)] == ["text"]
