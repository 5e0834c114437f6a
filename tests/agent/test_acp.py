"""What is said with an agent that speaks the Agent Client Protocol; with the real one by `scripts/test-agents`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from uwf import clock
from uwf.agent import APPROVAL, failure
from uwf.agent.acp import permission, talk
from uwf.agent.kinds.acp import AcpAgent, AcpOptions
from uwf.agent.protocol import (
    AgentEvent,
    AgentRequest,
    AgentResult,
    Answered,
    Asks,
    Denied,
    Model,
    Permitted,
    Session,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from uwf.agent.stop import Stop

PROGRAM = Path(__file__).parents[1] / "helpers" / "agents" / "protocol.py"

CAN = {"protocolVersion": 1, "agentCapabilities": {"sessionCapabilities": {"resume": {}}}}
MODES = {"availableModes": [{"id": "default"}, {"id": "plan"}]}
MODELS = [{"id": "m", "category": "model", "currentValue": "big", "options": [{"value": "small"}]}]
NEW = {"sessionId": "s1", "modes": MODES, "configOptions": MODELS}
USED = {"inputTokens": 100, "outputTokens": 7, "cachedReadTokens": 13, "cachedWriteTokens": 11}
FINE = {"stopReason": "end_turn", "usage": USED}


def chunk(text: str, id: str | None = "m1", kind: str = "message") -> dict[str, Any]:
    content = {"type": "text", "text": text}
    named = {} if id is None else {"messageId": id}
    return {"sessionUpdate": f"agent_{kind}_chunk", "content": content, **named}


def call(id: str = "t1", new: bool = False, **more: Any) -> dict[str, Any]:
    return {"sessionUpdate": "tool_call" if new else "tool_call_update", "toolCallId": id, **more}


TOUCH = {"kind": "execute", "title": "touch x", "rawInput": {"command": "touch x"}}
OPTIONS = [
    {"kind": "allow_always", "name": "Always", "optionId": "always"},
    {"kind": "allow_once", "name": "Allow", "optionId": "once"},
    {"kind": "reject_once", "name": "Reject", "optionId": "no"},
]


def asks(options: Any = OPTIONS, id: str = "t1", **more: Any) -> dict[str, Any]:
    return {"sessionId": "s1", "options": options, "toolCall": {"toolCallId": id, **TOUCH, **more}}


class StandIn:
    """A program in the place of an agent: by method, what it says meanwhile, what it asks, and what it replies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = [str(PROGRAM)]
        self.file = folder / "does.json"
        self.does: dict[str, Any] = {
            "initialize": {"result": CAN},
            "session/new": {"result": NEW},
            "session/prompt": {"updates": [chunk("fine")], "result": FINE},
        }
        self.events: list[AgentEvent] = []
        self.on_event: Callable[[AgentEvent], None] = self.events.append

    def prompted(self, *updates: Any, **more: Any) -> None:
        self.does["session/prompt"] = {"updates": updates, "result": FINE, **more}

    def ask(self, policy: str = "deny", lasts_s: float = 60.0, **asked: Any) -> AgentResult:
        self.file.write_text(json.dumps(self.does))
        argv = (sys.executable, "-S", *self.program, str(self.file))
        agent = AcpAgent("a", argv, AcpOptions(on_permission=policy, permission_lasts_s=lasts_s))
        request = AgentRequest(
            **{
                "prompt": "Do it.",
                "cwd": str(self.folder),
                "env": dict(os.environ),
                "session": None,
                "mark": os.urandom(16).hex(),
                "spool_dir": str(self.folder / "spool"),
                "timeout_s": 20.0,
                "grace_s": 0.1,
                **asked,
            }
        )
        stop = Stop()
        try:
            return agent.run(
                request, stop=stop, on_start=lambda _process: None, on_event=self.on_event
            )
        finally:
            stop.close()

    def of(self, kind: type[AgentEvent]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in Path(f"{self.file}.heard").read_text().splitlines()]

    @property
    def methods(self) -> list[str]:
        return [heard["method"] for heard in self.heard if "method" in heard]

    @property
    def answers(self) -> list[Any]:
        return [heard["result"]["outcome"] for heard in self.heard if "result" in heard]


@pytest.fixture
def agent(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


def test_a_run_is_told_as_it_goes(agent: StandIn) -> None:
    agent.prompted(
        chunk("hm", kind="thought"),
        chunk(""),
        chunk("I "),
        chunk("look."),
        call(new=True, title="Terminal", kind="execute", rawInput={}, status="pending"),
        call(rawInput={"command": "ls"}, _meta={"claudeCode": {"toolName": "Bash"}}),
        call(status="completed", rawOutput="a\nb"),
        call("t2", new=True, title="Read", kind="read"),
        call("t2", status="failed", content=[{"type": "content", "content": {"text": "no"}}]),
        {"sessionUpdate": "usage_update", "cost": {"amount": 0.25, "currency": "USD"}},
        {"sessionUpdate": "of the future", "anything": [1]},
        chunk("Do", "m2"),
        chunk("ne \ud83d\ude00 \ud800.", "m2"),
    )
    came = agent.ask()
    assert came.failure is None
    assert (came.text, came.session) == ("Done 😀 \ufffd.", "s1")
    assert came.usage == {"tokens": 131, "usd": 0.25} == agent.of(Usage)[-1].amounts
    assert agent.of(Session) == [Session("s1")]
    assert agent.of(Model) == [Model("big")]
    assert agent.of(Thinking) == [Thinking("hm")]
    assert agent.of(Text) == [Text("I look."), Text("\nDone 😀 \ufffd.")]
    assert agent.of(ToolCall) == [
        ToolCall("t1", "Bash", {"command": "ls"}),
        ToolCall("t2", "read", {"title": "Read"}),
    ]
    assert agent.of(ToolResult) == [ToolResult("t1", "a\nb"), ToolResult("t2", "no", True)]
    assert agent.methods == ["initialize", "session/new", "session/prompt"]
    assert agent.heard[1]["params"] == {"cwd": str(agent.folder), "mcpServers": []}
    assert agent.heard[2]["params"]["prompt"] == [{"type": "text", "text": "Do it."}]


def test_its_mode_and_its_model_are_set(agent: StandIn) -> None:
    agent.ask(permissions="plan", model="small")
    assert agent.methods[2:] == [
        "session/set_mode",
        "session/set_config_option",
        "session/prompt",
    ]
    assert agent.heard[2]["params"] == {"sessionId": "s1", "modeId": "plan"}
    assert agent.heard[3]["params"] == {"sessionId": "s1", "configId": "m", "value": "small"}
    assert agent.of(Model) == [Model("small")]


def test_tokens_in_the_words_of_gemini_count_where_the_protocol_says_none(agent: StandIn) -> None:
    own = {"quota": {"token_count": {"input_tokens": 120, "output_tokens": 7}}}
    for said, tokens in (({"_meta": own}, 127), ({"_meta": own, "usage": USED}, 131)):
        agent.prompted(chunk("x"), result={"stopReason": "end_turn", **said})
        assert agent.ask().usage == {"tokens": tokens}
    agent.prompted(chunk("x"), result={"stopReason": "end_turn", "_meta": {"quota": [1]}})
    assert agent.ask().usage is None


@pytest.mark.parametrize(
    ("method", "asked", "said_so"),
    [
        ("session/set_mode", {"permissions": "x"}, "takes no mode 'x'; it has default, plan"),
        ("session/set_config_option", {"model": "x"}, "takes no model 'x'; it has small"),
        ("session/new", {}, "agent a failed"),
        ("initialize", {}, "agent a failed"),
    ],
)
def test_what_it_refuses_to_be_set_is_told(
    agent: StandIn, method: str, asked: Any, said_so: str
) -> None:
    error = {"code": -32603, "message": "Internal error", "data": {"details": "Invalid x"}}
    agent.does[method] = {"error": error}
    came = agent.ask(**asked)
    assert came.failure is not None
    assert said_so in came.failure.message and "Invalid x" in came.failure.said


def test_an_agent_of_another_version_or_without_models_or_a_session_is_not_asked(
    agent: StandIn,
) -> None:
    agent.does["session/new"] = {"result": {"sessionId": "s1"}}
    came = agent.ask(model="small")
    assert came.failure is not None and "cannot be told a model" in came.failure.message
    agent.does["session/new"] = {"result": {"sessionId": "a\0b"}}
    came = agent.ask()
    assert came.failure is not None and "has named no session" in came.failure.message
    agent.does["initialize"] = {"result": {"protocolVersion": 2}}
    came = agent.ask()
    assert came.failure is not None and "version 2" in came.failure.message
    assert came.failure.is_hopeless


LOADS = {"protocolVersion": 1, "agentCapabilities": {"loadSession": True}}
FORKS = {"protocolVersion": 1, "agentCapabilities": {"sessionCapabilities": {"fork": {}}}}


@pytest.mark.parametrize(
    ("can", "forks", "method"),
    [
        (CAN, False, "session/resume"),
        (LOADS, False, "session/load"),
        (FORKS, True, "session/fork"),
        (CAN, True, "session/new"),
        ({"protocolVersion": 1}, False, "session/new"),
    ],
)
def test_a_session_is_gone_on_with_as_it_can(
    agent: StandIn, can: Any, forks: bool, method: str
) -> None:
    agent.does["initialize"] = {"result": can}
    old = chunk("of an earlier prompt", "old")
    agent.does[method] = {"updates": [old], "result": {"sessionId": "s2"} if forks else {}}
    if method == "session/new":
        agent.does[method]["result"] = NEW
    came = agent.ask(session="s0", forks_session=forks)
    assert agent.methods[1] == method
    assert came.text == "fine"
    assert Text("of an earlier prompt") not in agent.events
    goes_on = method in ("session/resume", "session/load")
    assert came.session == ("s0" if goes_on else "s2" if method == "session/fork" else "s1")
    assert bool(agent.of(Session)) != goes_on
    if method != "session/new":
        assert agent.heard[1]["params"]["sessionId"] == "s0"


def test_a_session_that_is_gone_begins_anew_with_the_same_prompt(agent: StandIn) -> None:
    agent.does["session/resume"] = {"error": {"code": -32002, "message": "Resource not found: s0"}}
    came = agent.ask(session="s0")
    assert (came.text, came.session, came.failure) == ("fine", "s1", None)
    agent.does["session/resume"] = {"error": {"code": -32000, "message": "Authentication required"}}
    came = agent.ask(session="s0")
    assert came.failure is not None and came.failure.failure_class == "authentication"


@pytest.mark.parametrize(
    ("kind", "words", "failure_class", "is_hopeless"),
    [
        ("authentication_failed", "Failed to authenticate. API Error: 401", "authentication", 0),
        ("rate_limit", "API Error: Request rejected (429)", "quota", False),
        ("server_error", "API Error: 500", "network", False),
        ("model_not_found", "There's an issue with the selected model", "exit_code", True),
        (None, "Prompt is too long", "exit_code", True),
        (None, "Credit balance is too low", "quota", True),
        (None, "something new", "exit_code", False),
    ],
)
def test_a_failure_is_of_the_class_that_it_says(
    agent: StandIn, kind: str | None, words: str, failure_class: str, is_hopeless: bool
) -> None:
    data = {} if kind is None else {"data": {"errorKind": kind}}
    error = {"code": -32603, "message": f"Internal error: {words}", **data}
    agent.does["session/prompt"] = {"updates": [chunk(words)], "error": error}
    came = agent.ask()
    assert came.failure is not None
    assert (came.failure.failure_class, came.failure.said) == (failure_class, words)
    assert came.failure.is_hopeless == is_hopeless


@pytest.mark.parametrize(
    ("does", "said_so"),
    [
        ({"result": {"stopReason": "max_tokens"}}, "max_tokens"),
        ({"result": {"stopReason": "refusal"}}, "refusal"),
        ({"result": {"stopReason": "cancelled"}}, "cancelled"),
        ({"result": None}, "none"),
    ],
)
def test_only_the_end_of_its_turn_is_a_reply(agent: StandIn, does: Any, said_so: str) -> None:
    agent.does["session/prompt"] = does
    came = agent.ask()
    assert came.failure is not None and said_so in came.failure.message


def test_how_it_goes_behind_its_reply_is_its_own_matter(agent: StandIn) -> None:
    agent.does["exit"] = 1
    assert agent.ask().failure is None
    agent.does["stays"] = 60
    assert agent.ask(linger_s=0.2).failure is None


def test_one_that_ends_before_or_hangs_has_failed(agent: StandIn) -> None:
    agent.does["initialize"] = {"result": CAN, "after": 60}
    came = agent.ask(stall_timeout_s=0.2)
    assert came.failure is not None and came.failure.code == failure.STALL
    agent.does["initialize"] = {"result": CAN}
    agent.does["session/prompt"] = {"after": 60}
    agent.does["at_end"] = {"id": 3, "result": {"stopReason": "cancelled"}}
    came = agent.ask(stall_timeout_s=0.5, grace_s=2.0)
    assert came.failure is not None and came.failure.code == failure.STALL, "whatever it says then"
    agent.program = ["-c", "print('no module x'); raise SystemExit(3)"]
    came = agent.ask()
    assert came.failure is not None and "code 3" in came.failure.message


def test_what_this_client_does_not_offer_is_refused(agent: StandIn) -> None:
    agent.prompted(chunk("fine"), asks=[{"path": "/etc/passwd"}], asks_as="fs/read_text_file")
    assert agent.ask("allow").text == "fine"
    [refused] = [heard["error"] for heard in agent.heard if "error" in heard]
    assert refused["code"] == -32601


@pytest.mark.parametrize(
    ("policy", "options", "option"),
    [
        ("allow", OPTIONS, "once"),
        ("allow", OPTIONS[:1], "always"),
        ("deny", OPTIONS, "no"),
        ("deny", OPTIONS[:2], None),
        ("allow", OPTIONS[2:], "no"),
    ],
)
def test_what_it_asks_for_is_decided_by_policy(
    agent: StandIn, policy: str, options: Any, option: str | None
) -> None:
    agent.prompted(call(new=True, **TOUCH), asks=[asks(options)])
    agent.ask(policy)
    chosen = {"outcome": "cancelled"}
    if option is not None:
        chosen = {"outcome": "selected", "optionId": option}
    assert agent.answers == [chosen]
    is_denied = option not in ("once", "always")
    assert agent.of(Denied) == ([Denied("execute", TOUCH["rawInput"])] if is_denied else [])
    assert agent.of(ToolCall) == [ToolCall("t1", "execute", {"command": "touch x"})]


def question(agent: StandIn, **asked: Any) -> Asks:
    agent.events.clear()
    came = agent.ask("ask", **asked)
    assert came.failure is not None, "it was not asked"
    assert came.failure.code == APPROVAL
    assert "touch x" in came.failure.message
    [found] = agent.of(Asks)
    assert isinstance(found, Asks) and found.hash[:16] in came.failure.message
    return found


def test_a_person_is_asked_with_all_of_it_and_the_prompt_is_called_off(agent: StandIn) -> None:
    agent.prompted(asks=[asks(), asks(id="t2", title="rm -r x")])
    found = question(agent)
    assert found.lasts_ms == 60_000
    assert agent.answers == [{"outcome": "cancelled"}] * 2
    assert "session/cancel" in agent.methods
    assert not agent.of(Denied)


def test_one_that_does_not_call_off_is_ended(
    agent: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "CANCEL_S", 0.2)
    agent.prompted(asks=[asks()], after=60)
    question(agent)


def test_a_yes_is_for_the_very_bytes_once_and_not_for_ever(agent: StandIn) -> None:
    agent.prompted(chunk("fine"), asks=[asks()])
    hash, soon = question(agent).hash, clock.now_ms() + 60_000
    agent.events.clear()
    assert agent.ask("ask", answer=Answered(hash, soon)).failure is None
    assert agent.answers[-1] == {"outcome": "selected", "optionId": "once"}
    assert agent.of(Permitted) == [Permitted(hash)]
    assert question(agent, answer=Answered(hash, clock.now_ms() - 1)).hash == hash
    assert question(agent, answer=Answered("0" * 64, soon)).hash == hash
    assert question(agent, answer=Answered(hash, soon), cwd="/").hash != hash
    agent.prompted(asks=[asks(), asks(id="t2")])
    assert question(agent, answer=Answered(hash, soon)).hash == hash, "it was used"
    for other in ({"rawInput": {"command": "touch x", "more": 1}}, {"title": "x touch x"}):
        agent.prompted(asks=[asks(**other)])
        assert question(agent, answer=Answered(hash, soon)).hash != hash
    agent.prompted(asks=[asks(OPTIONS[:1])])
    assert question(agent, answer=Answered(hash, soon)).hash == hash, "only for ever"


def test_a_no_denies_it(agent: StandIn) -> None:
    agent.prompted(chunk("fine"), asks=[asks()])
    hash = question(agent).hash
    agent.events.clear()
    assert agent.ask("ask", answer=Answered(hash, None)).failure is None
    assert agent.answers[-1] == {"outcome": "selected", "optionId": "no"}
    assert agent.of(Denied) == [Denied("execute", {"command": "touch x"})]


def test_a_yes_that_cannot_be_recorded_is_not_used(agent: StandIn) -> None:
    agent.prompted(asks=[asks()])
    hash = question(agent).hash
    heard = len(agent.heard)

    def on_event(event: AgentEvent) -> None:
        if isinstance(event, Permitted):
            raise OSError("the disk is full")

    agent.on_event = on_event
    with pytest.raises(OSError):
        agent.ask("ask", answer=Answered(hash, clock.now_ms() + 60_000))
    assert not any("result" in said for said in agent.heard[heard:])


def test_what_is_no_request_is_not_permitted(agent: StandIn) -> None:
    for params in ({}, asks([{"kind": "allow_once"}]), {**asks(), "toolCall": {"title": "x"}}):
        agent.prompted(chunk("fine"), asks=[params])
        agent.ask("allow")
    assert [heard["error"]["code"] for heard in agent.heard if "error" in heard] == [-32602] * 3
    assert agent.answers == []


def test_what_a_call_was_said_to_do_before_is_part_of_the_question(agent: StandIn) -> None:
    bare = {"sessionId": "s1", "options": OPTIONS, "toolCall": {"toolCallId": "t1"}}
    agent.prompted(call(new=True, **TOUCH), asks=[bare])
    hash = question(agent).hash
    agent.prompted(asks=[asks()])
    assert question(agent).hash == hash


def test_without_the_library_it_says_how_to_install_it(
    agent: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = AcpAgent("a", (sys.executable,), AcpOptions())
    assert found.unavailable("/", os.environ["PATH"]) is None
    monkeypatch.setattr(permission, "is_installed", lambda: False)
    assert "pip install 'uwf[acp]'" in (found.unavailable("/", "") or "")


def test_a_question_hides_nothing(agent: StandIn) -> None:
    title = "ls\x1b[2K\u202e\nrm"
    agent.prompted(asks=[asks(title=title, rawInput={"command": "touch x\u202e\x9b"})])
    came = agent.ask("ask")
    assert came.failure is not None
    words, shown = came.failure.message.split("\n")
    assert words.endswith("ls\\u001b[2K\\u202e\\nrm")
    assert json.loads(shown) == {"command": "touch x\u202e\x9b"}
    assert all(each.isprintable() for each in words + shown)


def test_what_is_said_is_told_in_bursts(agent: StandIn) -> None:
    agent.prompted(*[chunk("word ") for _ in range(30_000)])
    came = agent.ask()
    assert came.text == "word " * 30_000
    assert len(agent.of(Text)) == 3
    assert "".join(text.text for text in agent.of(Text)) == came.text
    came = agent.ask(output_limit_bytes=100_000)
    assert came.failure is not None and "more than 100000 bytes" in came.failure.message
