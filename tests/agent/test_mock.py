"""An agent that plays a file: the answer that is next, and what is wrong with a file."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from uwf.agent.clients import scenario
from uwf.agent.kinds import make
from uwf.agent.kinds.mock import MockAgent, MockOptions
from uwf.agent.protocol import AgentEvent, AgentRequest, AgentResult, Session, Text, ToolCall, Usage
from uwf.agent.stop import Stop
from uwf.yaml12 import YamlInvalid

SCENARIO = """\
writer:
  - reply: {$status: written, title: "A: tale", n: [1, null, 0.5]}
    body: Once upon a time.
    turns: [I think., {type: tool, name: Bash, arguments: {command: ls}}]
    usage: {tokens: 1200, usd: 0.03}
    session: s-1
  - - fails: {class: quota, message: used up, resets_in: 1h}
    - text: no front matter
    - reply: {$status: written}
    - fails: network
"""


class Player:
    def __init__(self, agent: MockAgent) -> None:
        self.agent = agent
        self.events: list[AgentEvent] = []
        self.stop = Stop()

    def __call__(
        self, visit: int = 1, attempt: int = 1, role: str = "writer", mark: str = "", **more: Any
    ) -> AgentResult:
        env = {"UWF_ROLE": role, "UWF_VISIT": str(visit), "UWF_ATTEMPT": str(attempt)}
        mark = mark or f"{time.monotonic_ns()}"
        request = AgentRequest("Do it.", "/", env, None, mark, "/", **more)
        started: list[object] = []
        came = self.agent.run(
            request, stop=self.stop, on_start=started.append, on_event=self.events.append
        )
        assert started == [None]
        return came


def player(tmp_path: Path, text: str = SCENARIO) -> Player:
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    agent = make("mock", "m", (), {"scenario": str(file)})
    assert isinstance(agent, MockAgent)
    return Player(agent)


def test_an_answer_is_played_with_all_it_has(tmp_path: Path) -> None:
    plays = player(tmp_path)
    came = plays()
    assert came.text == (
        '---\n"$status": "written"\n"title": "A: tale"\n"n": [1, null, 0.5]\n---\nOnce upon a time.\n'
    )
    assert (came.tail, came.failure) == (came.text, None)
    assert (came.session, came.usage) == ("s-1", {"tokens": 1200, "usd": 0.03})
    assert plays.events == [
        Text("I think."),
        ToolCall("", "Bash", {"command": "ls"}),
        Usage({"tokens": 1200, "usd": 0.03}),
        Session("s-1"),
    ]


def test_each_try_at_a_visit_has_the_next_answer_and_the_last_stays(tmp_path: Path) -> None:
    plays = player(tmp_path)
    first = plays(visit=2).failure
    assert first is not None
    assert (first.failure_class, first.said) == ("quota", "used up")
    assert first.resets_ms is not None
    assert 3500 < first.resets_ms / 1000 - time.time() < 3700
    assert plays(visit=2, attempt=2, mark="a").text == "no front matter"
    assert "written" in plays(visit=2, attempt=2, mark="a").text, "asked again in one attempt"
    assert "written" in plays(visit=3, attempt=3).text, "the last visit is all further ones"
    for attempt in (4, 9):
        last = plays(visit=2, attempt=attempt).failure
        assert last is not None and last.failure_class == "network"


def test_a_role_that_does_not_stand_there_fails(tmp_path: Path) -> None:
    failed = player(tmp_path)(role="judge").failure
    assert failed is not None and "no role judge" in failed.message


@pytest.mark.parametrize("why", ["stopped", "timeout", "stall"])
def test_a_delay_can_be_cut_short(tmp_path: Path, why: str) -> None:
    plays = player(tmp_path, "writer: [{text: x, delay: 9s}]")
    limits = {"timeout": {"timeout_s": 0.1}, "stall": {"stall_timeout_s": 0.1}, "stopped": {}}[why]
    if why == "stopped":
        threading.Timer(0.1, plays.stop.request).start()
    began_s = time.monotonic()
    failed = plays(**limits).failure
    assert failed is not None and failed.code == why
    assert time.monotonic() - began_s < 5
    assert player(tmp_path, "writer: [{text: x, delay: 10ms}]")().failure is None


def test_in_a_trial_nobody_waits() -> None:
    found = scenario.read("writer: [{text: x, delay: 1h}]", "s.yaml")
    assert Player(MockAgent("m", (), MockOptions(), found))().text == "x"


@pytest.mark.parametrize(
    ("text", "place", "wrong"),
    [
        ("[]", 1, "a scenario names roles"),
        ("writer: {}", 1, "a role has a list of visits"),
        ("writer: []", 1, "a role has a list of visits"),
        ("writer: [[]]", 1, "one for each try"),
        ("writer: [x]", 1, "an answer has a reply"),
        ("writer:\n- {body: x}", 2, "one of: reply, text, fails"),
        ("writer:\n- {text: x, fails: network}", 2, "one of: reply, text, fails"),
        ("writer:\n- text: x\n  dealy: 2s", 3, "did you mean delay?"),
        ("writer:\n- text: x\n  delay: soon", 3, "'soon' is not"),
        ("writer:\n- text: x\n  usage: {tokens: many}", 3, "usage has numbers"),
        ("writer:\n- text: x\n  session: 7", 3, "a session is"),
        ("writer:\n- text: x\n  turns: [3]", 3, "a turn is a text"),
        ("writer:\n- text: x\n  turns:\n  - {type: tol}", 4, "a turn is a text"),
        ("writer:\n- text: x\n  turns: x", 3, "turns are a list"),
        ("writer:\n- text: 3", 2, "text is a text"),
        ("writer:\n- reply: x", 2, "a reply has fields"),
        ("writer:\n- reply: {}\n  body: 3", 3, "body is a text"),
        ("writer:\n- fails: boredom", 2, "a failure is one of"),
        ("writer:\n- fails: {resets_in: 3}", 2, "3 is not"),
        ("writer:\n- fails: [x]", 2, "fails is a class"),
        ("a: b: c", 1, ""),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, text: str, place: int, wrong: str
) -> None:
    with pytest.raises(YamlInvalid) as told:
        scenario.read(text, "s.yaml")
    assert f"s.yaml, line {place}, column" in told.value.message
    assert wrong in told.value.message
    plays = player(tmp_path, text)
    assert f"line {place}" in str(plays.agent.unavailable("/", ""))


def test_what_cannot_be_read_is_no_agent(tmp_path: Path) -> None:
    assert "is not set" in str(make("mock", "m", (), {}).unavailable("/", ""))
    gone = make("mock", "m", (), {"scenario": f"{tmp_path}/gone.yaml"})
    assert "gone.yaml" in str(gone.unavailable("/", ""))
