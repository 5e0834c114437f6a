"""What is made of the stream of Codex; against the real client it is tried by `scripts/test-agents`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.stand_in import StandIn
from uwf.agent import failure
from uwf.agent.clients.rollout import Rollout
from uwf.agent.kinds import codex
from uwf.agent.kinds.codex import CodexAgent, CodexOptions
from uwf.agent.protocol import (
    AgentEvent,
    AgentRequest,
    Denied,
    Model,
    Session,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from uwf.config import keys
from uwf.config.records import Config

STARTED = {"type": "thread.started", "thread_id": "abc"}
TURN = {"type": "turn.started"}
WAITS = {
    "type": "error",
    "message": "Reconnecting... waiting for network (Connection failed: error sending request)",
}


def message(text: str, id: str = "m1") -> dict[str, Any]:
    return item({"id": id, "type": "agent_message", "text": text})


def item(found: dict[str, Any], when: str = "completed") -> dict[str, Any]:
    return {"type": f"item.{when}", "item": found}


def ran(output: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": "t1",
        "type": "command_execution",
        "command": "touch x",
        "aggregated_output": output,
        "exit_code": 0,
        "status": "completed",
        **more,
    }


def ended(input: int = 104, output: int = 7, cached: int = 4) -> dict[str, Any]:
    used = {"input_tokens": input, "cached_input_tokens": cached, "output_tokens": output}
    return {"type": "turn.completed", "usage": {**used, "reasoning_output_tokens": 2}}


def failed(words: str) -> dict[str, Any]:
    return {"type": "turn.failed", "error": {"message": words}}


def make(name: str, argv: tuple[str, ...], options: CodexOptions | None = None) -> CodexAgent:
    return CodexAgent(name, argv, options or CodexOptions())


@pytest.fixture
def client(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path, make)


def test_a_run_is_told_as_it_goes(client: StandIn) -> None:
    client.will(
        STARTED,
        item({"id": "w", "type": "error", "message": "Model metadata not found"}),
        TURN,
        item({"id": "r1", "type": "reasoning", "text": "hm"}),
        message("I look."),
        item(ran(status="in_progress"), "started"),
        item(ran("a\nb\n")),
        item({"id": "f1", "type": "file_change", "changes": [{"path": "/x"}], "status": "failed"}),
        {"type": "of the future", "anything": [1]},
        "no JSON",
        message("Done \ud83d\ude00 \ud800.", "m2"),
        ended(),
    )
    came = client.ask(model="gpt-5", permissions="workspace-write", args=("-c", "x=1"))
    assert came.failure is None
    assert came.text == "Done 😀 \ufffd."
    assert came.session == "abc"
    assert client.of(Session) == [Session("abc")]
    assert client.of(Model) == [Model("gpt-5")]
    assert client.of(Thinking) == [Thinking("hm")]
    assert client.of(Text)[0] == Text("I look.\n")
    assert client.of(ToolCall) == [
        ToolCall("t1", "command_execution", {"command": "touch x"}),
        ToolCall("f1", "file_change", {"changes": [{"path": "/x"}]}),
    ]
    assert client.of(ToolResult) == [ToolResult("t1", "a\nb\n"), ToolResult("f1", "", True)]
    [asked] = client.asked
    assert asked["stdin"] == "Do it."
    assert asked["argv"] == (
        "exec --json --skip-git-repo-check --model gpt-5 --sandbox workspace-write -c x=1 -"
    ).split(" ")


def test_a_session_is_gone_on_with_and_forked(client: StandIn) -> None:
    for _ in range(2):
        client.will(STARTED, message("x"), ended())
    client.ask(session="abc", permissions="read-only")
    client.ask(session="abc", forks_session=True)
    first, second = (" ".join(asked["argv"]) for asked in client.asked)
    assert first.endswith("--sandbox read-only resume abc -")
    assert second.endswith("fork abc -")


def test_a_session_that_is_gone_begins_anew_with_the_same_prompt(client: StandIn) -> None:
    gone = "Error: thread/resume: thread/resume failed: no rollout found for thread id abc\n"
    client.will(stderr=gone, exit=1)
    client.will({**STARTED, "thread_id": "new"}, message("anew"), ended())
    came = client.ask(session="abc", counted={"input": 50, "cached": 0, "output": 5})
    assert (came.text, came.failure, came.session) == ("anew", None, "new")
    assert [asked["stdin"] for asked in client.asked] == ["Do it.", "Do it."]
    assert "abc" not in client.asked[1]["argv"]
    assert came.usage == {"tokens": 111}


@pytest.mark.parametrize("name", [None, 5, "", "a\0b", "s" * 300_000])
def test_a_session_that_it_could_not_be_handed_back_is_none(name: object) -> None:
    heard: list[AgentEvent] = []
    read = codex._Said("cx", heard.append, AgentRequest("", "", {}, None, "m", ""), {})
    read.take({**STARTED, "thread_id": name})
    assert read.session is None
    assert not [event for event in heard if isinstance(event, Session)]


def test_what_a_session_had_used_before_is_not_counted_again(client: StandIn) -> None:
    before = {"input": 104, "cached": 3, "output": 7}
    client.will(STARTED, message("x"), ended(210, 14, 7))
    client.will(STARTED, failed("x"), exit=1)
    client.will(STARTED, message("x"), ended(100, 7, 0))
    assert client.ask(session="abc", counted=before).usage == {"tokens": 113}
    assert client.of(Usage)[-1].counted == {"input": 210, "cached": 7, "output": 14}
    client.events.clear()
    assert client.ask(session="abc", counted=before).usage is None
    assert client.of(Usage) == [Usage({}, before)], "known also where the run is killed"
    assert client.ask(session="abc", counted=before).usage == {"tokens": 107}, "counts anew"


class Kept:
    """The file that Codex keeps of the session `abc` below `home`, and what it says of it."""

    def __init__(self, home: Path) -> None:
        self.env = {**os.environ, "CODEX_HOME": str(home)}
        self.file = home / "sessions/2026/11/29/rollout-2026-11-29T20-26-29-abc.jsonl"
        self.file.parent.mkdir(parents=True)

    def answer(self, output: int) -> list[str]:
        """A line of a stand-in that writes what the session has used with an answer: ten times as much went in."""
        used = {"input_tokens": 10 * output, "cached_input_tokens": 0, "output_tokens": output}
        said = {"usage": {"input_tokens": 1}, "thread_token_usage": used}
        lines = [{"type": "token_usage_record", "payload": said}, {"type": "event_msg"}]
        return [str(self.file), "".join(f"{json.dumps(line)}\n" for line in lines)]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "codex-home")


def counted(output: int) -> dict[str, float]:
    return {"input": 10 * output, "cached": 0, "output": output}


def test_what_a_run_has_used_that_was_killed_is_in_its_file(client: StandIn, kept: Kept) -> None:
    started = item(ran(status="in_progress"), "started")
    client.will(STARTED, kept.answer(10), kept.answer(20), started, killed=True)
    client.will(STARTED, kept.answer(35), killed=True)
    client.will(STARTED, kept.answer(40), message("x"), ended(250, 25, 0))
    counts: dict[str, float] | None = None
    for tokens in (220, 165, 55):
        came = client.ask(session=counts and "abc", counted=counts, env=kept.env)
        assert came.usage == {"tokens": tokens}
        assert client.of(Usage)[-1].amounts == came.usage
        counts = client.of(Usage)[-1].counted
    assert counts == counted(40)


def test_what_nobody_has_counted_of_its_session_is_counted_with_the_next_run(
    client: StandIn, kept: Kept
) -> None:
    """As where uwf was killed with its client. What a fork finds there was counted by another."""
    kept.file.write_text(kept.answer(30)[1])
    client.will(STARTED, kept.answer(37), message("x"), ended(70, 7, 0))
    assert client.ask(session="abc", counted=counted(10), env=kept.env).usage == {"tokens": 297}
    client.will({**STARTED, "thread_id": "fork"}, message("x"), ended(400, 40, 0))
    fork = {"session": "abc", "forks_session": True, "counted": counted(10)}
    assert client.ask(env=kept.env, **fork).usage == {"tokens": 33}
    client.will(STARTED, message("x"), ended(400, 40, 0))
    assert client.ask(session="abc", env=kept.env).usage == {"tokens": 33}, "never counted before"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 33),
        ("no JSON\n[1]\n", 33),
        ('{"type": "token_usage_record"}\n{"type": "token_usage_record", "payload": []}', 33),
        (json.dumps({"text": '"token_usage_record"', "type": "other"}) + "\n", 33),
        ('{"type": "token_usage_record", "payload": {"thread_token_usage": null}}\n', 33),
        ('{"type": "token_usage_record", "payload": {"thread_token_usage": {"of": 1}}}\n', 33),
    ],
)
def test_a_file_that_says_nothing_is_none(
    client: StandIn, kept: Kept, text: str, tokens: int
) -> None:
    kept.file.write_text(text)
    client.will(STARTED, message("x"), ended(130, 13, 0))
    came = client.ask(session="abc", counted=counted(10), env=kept.env)
    assert came.usage == {"tokens": tokens}


def test_the_newest_whole_line_counts_however_long_the_file(client: StandIn, kept: Kept) -> None:
    """Its end may be half a line; what stands after the count, and before it, may be longer than is read at once."""
    half = kept.answer(99)[1].splitlines()[0][:-20]
    long = json.dumps({"type": "response_item", "text": "x" * 700_000}) + "\n"
    kept.file.write_text(long + kept.answer(11)[1] + kept.answer(13)[1] + long + long + half)
    client.will(STARTED, message("x"), ended(10, 1, 0))
    came = client.ask(session="abc", counted=counted(10), env=kept.env)
    assert came.usage == {"tokens": 33}


def test_what_is_no_file_is_not_waited_for(client: StandIn, kept: Kept) -> None:
    os.mkfifo(kept.file)
    client.will(STARTED, message("x"), ended(130, 13, 0))
    assert client.ask(session="abc", counted=counted(10), env=kept.env).usage == {"tokens": 33}


def test_only_what_is_new_in_its_file_is_read(kept: Kept) -> None:
    """Also a line that was half there; and all of a file that is shorter than it was."""
    whole, long = kept.answer(13)[1], json.dumps({"text": "x" * 700_000}) + "\n"
    rollout = Rollout(kept.env, "/", "abc")
    for text, output in ((whole + long, 13), (whole + long + kept.answer(15)[1][:-80], 13)):
        kept.file.write_text(text)
        assert rollout.counts() == counted(output)
    kept.file.write_text("x" * len(whole) + "\n" + long + kept.answer(15)[1])
    assert rollout.counts() == counted(15)
    kept.file.write_text(kept.answer(2)[1])
    assert rollout.counts() == counted(2)


def test_its_home_is_where_it_finds_that(client: StandIn, kept: Kept, tmp_path: Path) -> None:
    """Relative to the folder that it works in, and not to that of uwf."""
    client.will(STARTED, kept.answer(10), killed=True)
    env = {**kept.env, "CODEX_HOME": "codex-home"}
    assert client.ask(env=env, cwd=str(tmp_path)).usage == {"tokens": 110}


def test_a_file_that_was_written_anew_counts_from_there(client: StandIn, kept: Kept) -> None:
    kept.file.write_text(kept.answer(5)[1])
    client.will(STARTED, kept.answer(8), message("x"), ended(30, 3, 0))
    came = client.ask(session="abc", counted=counted(10), env=kept.env)
    assert came.usage == {"tokens": 33}
    assert client.of(Usage)[-1].counted == counted(8)


def test_money_is_said_where_the_price_of_its_model_is(client: StandIn) -> None:
    prices = {"gpt-5": {"input": 1.25, "cached": 0.125, "output": 10.0}, "mini": {"input": 1.0}}
    for _ in range(3):
        client.will(STARTED, message("x"), ended(1_000_100, 1000, 100_100))
    known = client.ask(CodexOptions(prices), model="gpt-5")
    assert known.usage == {"tokens": 1_001_100, "usd": 1.1475125}
    for model in ("mini", "other"):
        assert client.ask(CodexOptions(prices), model=model).usage == {"tokens": 1_001_100}


def test_prices_are_read_from_the_configuration() -> None:
    text = b'[agents.c]\nkind = "codex"\n[agents.c.prices."gpt-5.1"]\ninput = 1.25\noutput = 10\n'
    config = Config.of(keys.check(keys.parse(text, "config.toml")))
    options = CodexOptions.of(config.agent_settings("c"))
    assert options.prices == {"gpt-5.1": {"input": 1.25, "output": 10.0}}
    assert config.agent("c").argv == ("codex",)


STATUS = "unexpected status {}: fake error, url: http://127.0.0.1:1/v1/responses"


@pytest.mark.parametrize(
    ("words", "failure_class", "is_hopeless"),
    [
        (STATUS.format("401 Unauthorized"), "authentication", False),
        (STATUS.format("403 Forbidden"), "authentication", False),
        (STATUS.format("404 Not Found"), "exit_code", True),
        (STATUS.format("413 Payload Too Large"), "exit_code", True),
        (STATUS.format("529 <unknown status code>"), "network", False),
        ("exceeded retry limit, last status: 429 Too Many Requests", "quota", False),
        ("exceeded retry limit, last status: 503 Service Unavailable", "network", False),
        ('{"type": "error", "error": {"type": "invalid_request_error"}}', "exit_code", True),
        ("We\u2019re currently experiencing high demand, which may", "network", False),
        ("stream disconnected before completion: stream closed", "network", False),
        ("Missing environment variable: `FAKE_KEY`.", "authentication", False),
        ("You are out of credits.", "quota", True),
        ("something new", "exit_code", False),
    ],
)
def test_a_failure_is_of_the_class_that_the_client_says(
    client: StandIn, words: str, failure_class: str, is_hopeless: bool
) -> None:
    again = {"type": "error", "message": f"Reconnecting... 1/1 ({words})"}
    client.will(STARTED, TURN, again, {"type": "error", "message": words}, failed(words), exit=1)
    came = client.ask()
    assert came.failure is not None
    assert (came.failure.failure_class, came.failure.said) == (failure_class, words)
    assert came.failure.is_hopeless == is_hopeless


def test_a_limit_says_until_when(client: StandIn) -> None:
    client.will(STARTED, failed("You've hit your usage limit. Try again in 2 hours."), exit=1)
    came = client.ask()
    assert came.failure is not None and came.failure.resets_ms is not None


@pytest.mark.parametrize(
    ("found", "permissions", "is_told"),
    [
        (ran("touch: cannot touch 'x': Read-only file system\n"), None, True),
        (ran("touch: cannot touch 'x': Read-only file system\n"), "danger-full-access", False),
        (ran("the words Read-only file system stand here\n"), "read-only", False),
        (ran(status="declined", exit_code=None), "read-only", True),
        (ran("make: failed\n", status="failed", exit_code=2), "read-only", False),
    ],
)
def test_what_the_sandbox_denies_is_told(
    client: StandIn, found: dict[str, Any], permissions: str | None, is_told: bool
) -> None:
    client.will(STARTED, item(found), message("x"), ended())
    assert client.ask(permissions=permissions).failure is None
    denied = [Denied("command_execution", {"command": "touch x"})] if is_told else []
    assert client.of(Denied) == denied


def waiting(tmp_path: Path, *then: dict[str, Any]) -> None:
    steps = [STARTED, item(ran(status="in_progress"), "started"), TURN]
    lines = "\n".join(f"print({json.dumps(line)!r}, flush=True)" for line in steps)
    rest = "\n".join(f"print({json.dumps(line)!r}, flush=True)" for line in then)
    again = f"for _ in range({4 if then else 10_000}):\n    print({json.dumps(WAITS)!r}, flush=True); time.sleep(0.1)"
    (tmp_path / "client.py").write_text(f"import time\n{lines}\n{again}\n{rest}\n")


def test_it_does_not_wait_for_its_network_without_end(
    client: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(tmp_path)
    for most_s, stall_s in ((0.3, None), (60.0, 0.3)):
        monkeypatch.setattr(codex, "MOST_WAIT_S", most_s)
        came = client.ask(stall_timeout_s=stall_s, grace_s=0.1)
        assert came.failure is not None
        assert came.failure.failure_class == failure.NETWORK
        assert "waiting for network" in came.failure.said
        assert came.session == "abc"
    waiting(tmp_path, message("fine"), ended())
    assert client.ask(stall_timeout_s=10.0).text == "fine"


@pytest.mark.parametrize(
    ("run", "said_so"),
    [
        ({"lines": [STARTED, TURN]}, "ended without a reply"),
        ({"lines": [STARTED, message("x"), ended()], "exit": 1}, "exited with code 1"),
        ({"lines": [], "exit": 2, "stderr": "error: invalid value 'x'\n"}, "code 2"),
        ({"lines": [{"type": "turn.failed"}, {"type": "item.completed", "item": 1}]}, "failed"),
        ({"lines": [{"type": "thread.started"}, item({"type": 1, "id": []})]}, "reply"),
    ],
)
def test_only_a_good_end_is_a_reply(client: StandIn, run: dict[str, Any], said_so: str) -> None:
    client.runs.append(run)
    came = client.ask()
    assert came.failure is not None
    assert said_so in came.failure.message


@pytest.mark.parametrize("is_beside", [True, False])
def test_the_program_for_node_before_it_is_passed_by(
    client: StandIn, tmp_path: Path, is_beside: bool
) -> None:
    modules = tmp_path / "node_modules" / "@openai"
    shim = modules / "codex" / "bin" / "codex.js"
    place = modules if is_beside else modules / "codex" / "node_modules" / "@openai"
    native = place / "codex-linux-x64" / "vendor" / "x86_64-unknown-linux-musl" / "bin" / "codex"
    for file, line in ((shim, "exit 9"), (native, f"echo '{json.dumps(failed('native'))}'")):
        file.parent.mkdir(parents=True)
        file.write_text(f"#!/bin/sh\n{line}\n")
        file.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "codex").symlink_to(shim)
    client.make = lambda name, _argv: make(name, ("codex",))
    came = client.ask(env={"PATH": f"{tmp_path}/bin:/bin:/usr/bin"})
    assert came.failure is not None and came.failure.said == "native"
    native.chmod(0o644)
    came = client.ask(env={"PATH": f"{tmp_path}/bin:/bin:/usr/bin"})
    assert came.failure is not None and "code 9" in came.failure.message
