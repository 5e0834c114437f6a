"""What is made of the stream of Claude Code; against the real client it is tried by `scripts/test-agents`."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.stand_in import StandIn
from uwf import clock
from uwf.agent import failure
from uwf.agent.clients import client as jsonlines
from uwf.agent.clients.claude_count import Count
from uwf.agent.kinds import claude
from uwf.agent.kinds.claude import ClaudeAgent, ClaudeOptions
from uwf.agent.protocol import (
    Denied,
    Model,
    NewsHeard,
    RateLimit,
    Session,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)

INIT = {"type": "system", "subtype": "init", "session_id": "s", "model": "big[1m]"}


def said(
    *blocks: Mapping[str, Any], id: str = "m1", input: int = 100, **more: Any
) -> dict[str, Any]:
    used = {"input_tokens": input, "output_tokens": 1, "cache_read_input_tokens": 10}
    return {"type": "assistant", "message": {"id": id, "content": blocks, "usage": used}, **more}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def ended(
    result: str = "fine", usd: float = 0.25, input: int = 100, output: int = 5, **more: Any
) -> dict[str, Any]:
    used = {"inputTokens": input, "outputTokens": output, "cacheReadInputTokens": 10}
    return {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "num_turns": 1,
        "result": result,
        "total_cost_usd": usd,
        "modelUsage": {"big": used},
        "permission_denials": [],
        **more,
    }


def make(name: str, argv: tuple[str, ...], options: ClaudeOptions | None = None) -> ClaudeAgent:
    return ClaudeAgent(name, argv, options or ClaudeOptions())


def prompt_of(asked: Mapping[str, Any]) -> Any:
    return json.loads(asked["stdin"])["message"]["content"]


@pytest.fixture
def client(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path, make)


def test_a_run_is_told_as_it_goes(client: StandIn) -> None:
    tool = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    got = {"type": "tool_result", "tool_use_id": "t1", "content": [text("a"), text("b")]}
    client.will(
        INIT,
        said({"type": "thinking", "thinking": "hm"}, text("I look.")),
        said(tool),
        {"type": "user", "message": {"content": [got]}},
        said(text("of a helper"), id="m2", parent_tool_use_id="t1"),
        {"type": "of the future", "anything": [1]},
        "no JSON",
        ended("Done \ud83d\ude00 \ud800."),
    )
    came = client.ask(model="opus", permissions="plan", usd_left=1.5, args=("--bare",))
    assert came.failure is None
    assert came.text == "Done 😀 \ufffd."
    assert client.of(Model) == [Model("big[1m]")]
    assert client.of(Thinking) == [Thinking("hm"), Thinking("of a helper")]
    assert client.of(Text) == [Text("I look.\n")]
    assert client.of(ToolCall) == [ToolCall("t1", "Bash", {"command": "ls"})]
    assert client.of(ToolResult) == [ToolResult("t1", "a\nb")]
    asked = client.asked[0]
    assert prompt_of(asked) == "Do it."
    [session] = client.of(Session)
    assert client.events[0] == session
    line = " ".join(asked["argv"])
    assert f"--session-id {session.id} --model opus --permission-mode plan" in line
    assert line.endswith("--max-budget-usd 1.5 --bare")


def test_what_is_set_for_it_is_handed_on(client: StandIn) -> None:
    client.will(INIT, ended())
    client.ask(ClaudeOptions(effort="high", tools=("Edit", "Bash(git *)"), max_turns=3))
    line = " ".join(client.asked[0]["argv"])
    assert "--effort high --allowedTools Edit,Bash(git *) --max-turns 3" in line


def test_many_messages_take_no_longer_each() -> None:
    read = claude._Said("cc", lambda _event: None, "s", Count({}, {}))
    began_s = time.perf_counter()
    for number in range(20_000):
        read.take(said(id=f"m{number}", input=number))
        read.take(said(id=f"m{number}", input=number))
    assert time.perf_counter() - began_s < 5  # a minute, were they added up each time
    assert read.usage == {"tokens": sum(range(20_000)) + 20_000 * 11}


def test_a_session_is_gone_on_with_and_forked(client: StandIn) -> None:
    client.will(INIT, ended())
    client.will(INIT, ended())
    client.ask(session="abc")
    assert client.of(Session) == []
    client.ask(session="abc", forks_session=True)
    first, second = (" ".join(asked["argv"]) for asked in client.asked)
    assert "--resume abc" in first and "--fork-session" not in first
    [forked] = client.of(Session)
    assert f"--resume abc --fork-session --session-id {forked.id}" in second


def test_a_session_that_is_gone_begins_anew_with_the_same_prompt(client: StandIn) -> None:
    gone = ["No conversation found with session ID: abc"]
    client.will(
        {"type": "result", "subtype": "error_during_execution", "is_error": True, "errors": gone},
        exit=1,
    )
    client.will(INIT, ended("anew"))
    came = client.ask(session="abc")
    assert (came.text, came.failure) == ("anew", None)
    assert [prompt_of(asked) for asked in client.asked] == ["Do it.", "Do it."]
    assert came.session == client.of(Session)[0].id != "abc"


def test_what_a_run_has_used_is_known_while_it_runs_and_exact_at_its_end(client: StandIn) -> None:
    client.will(INIT, said(text("a")), said(text("b"), id="m2", input=102), ended(input=202))
    came = client.ask()
    live = client.of(Usage)
    assert [used.amounts for used in live[:2]] == [{"tokens": 111}, {"tokens": 224}]
    assert came.usage == live[-1].amounts == {"tokens": 217, "usd": 0.25}


def streamed(id: str, output: int, model: str = "big", **more: Any) -> list[dict[str, Any]]:
    """A message piece by piece, and as a whole before its end, as Claude Code says it."""
    used = {"input_tokens": 100, "cache_read_input_tokens": 10, "output_tokens": 1}
    start = {"id": id, "model": model, "usage": used}
    events = [
        {"type": "message_start", "message": start},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": '"message_'}},
        {"type": "message_delta", "usage": {"output_tokens": output}},
    ]
    lines = [{"type": "stream_event", "event": event, **more} for event in events]
    whole = {**said(text("a"), id=id), **more}
    whole["message"]["model"] = model
    return [*lines[:2], whole, lines[2]]


def test_what_a_run_has_used_that_was_killed_is_known_by_its_messages(client: StandIn) -> None:
    """Its pieces are no turns. A helper's message comes within another's."""
    begins, *rest = streamed("m1", 7)
    client.will(INIT, begins, *streamed("h1", 30, parent_tool_use_id="t1"), *rest, killed=True)
    came = client.ask()
    assert came.usage == client.of(Usage)[-1].amounts == {"tokens": 117 + 140}
    assert client.of(Text) == [Text("a\n")]


def test_its_money_is_by_prices_until_it_says_it_itself(client: StandIn) -> None:
    prices = {"big": {"input": 5.0, "output": 25.0, "cache_read": 0.5}, "free": {"input": 0.0}}
    for end in ({"killed": True}, {}):
        client.will(INIT, *streamed("m1", 7), *([] if end else [ended(output=7)]), **end)
    client.will(INIT, *streamed("m1", 7), *streamed("m2", 7, model="free"), killed=True)
    options = ClaudeOptions(prices=prices)
    assert client.ask(options).usage == {"tokens": 117, "usd": 0.00068}
    assert client.ask(options).usage == {"tokens": 117, "usd": 0.25}
    assert client.ask(options).usage == {"tokens": 234}, "one price of what was used is not known"


def test_an_end_without_a_count_takes_back_nothing(client: StandIn) -> None:
    client.will(INIT, said(text("a")), ended(modelUsage=None, is_error=True, total_cost_usd=None))
    assert client.ask().usage == {"tokens": 111}


@pytest.mark.parametrize("counts_session", [False, True])
def test_costs_are_counted_once_whether_it_counts_the_run_or_the_session(
    client: StandIn, counts_session: bool
) -> None:
    before = {"input": 500, "output": 20, "cache_read": 40, "cache_write": 0, "usd": 1.25}
    if counts_session:
        used = {"inputTokens": 600, "outputTokens": 25, "cacheReadInputTokens": 50}
        client.will(INIT, said(text("a")), ended(usd=1.5, modelUsage={"big": used}))
    else:
        client.will(INIT, said(text("a")), ended())
    came = client.ask(session="abc", counted=before)
    assert came.usage == {"tokens": 115, "usd": 0.25}
    assert client.of(Usage)[-1].counted == {
        "input": 600,
        "output": 25,
        "cache_read": 50,
        "cache_write": 0,
        "usd": 1.5,
    }


@pytest.mark.parametrize(
    ("status", "word", "words", "failure_class", "is_hopeless"),
    [
        (401, "authentication_failed", "Failed to authenticate.", "authentication", False),
        (403, "authentication_failed", "Failed to authenticate.", "authentication", False),
        (404, "model_not_found", "There's an issue with the selected model", "exit_code", True),
        (400, "unknown", "API Error: 400 x", "exit_code", True),
        (413, None, "Request too large (max 32MB)", "exit_code", True),
        (429, "rate_limit", "API Error: Request rejected (429)", "quota", False),
        (500, "server_error", "API Error: 500", "network", False),
        (529, "overloaded", "API Error: 529", "network", False),
        (None, "server_error", "API Error: Unable to connect to API", "network", False),
        (None, "authentication_failed", "Not logged in · Please run /login", "authentication", 0),
        (None, None, "API Error: something new", "exit_code", False),
    ],
)
def test_a_failure_is_of_the_class_that_the_client_says(
    client: StandIn,
    status: int | None,
    word: str,
    words: str,
    failure_class: str,
    is_hopeless: bool,
) -> None:
    client.will(
        INIT,
        said(text(words), error=word) if word else said(text(words)),
        ended(words, is_error=True, api_error_status=status),
        exit=1,
    )
    came = client.ask()
    assert came.failure is not None
    assert (came.failure.failure_class, came.failure.said) == (failure_class, words)
    assert came.failure.is_hopeless == is_hopeless


def test_a_limit_says_until_when(client: StandIn) -> None:
    at_s = clock.now_ms() // 1000 + 3600
    limit = {"status": "rejected", "resetsAt": at_s, "rateLimitType": "five_hour"}
    words = "You've hit your session limit"
    client.will(
        INIT,
        {"type": "rate_limit_event", "rate_limit_info": limit},
        ended(words, is_error=True, api_error_status=429),
        exit=1,
    )
    came = client.ask()
    assert came.failure is not None
    assert came.failure.resets_ms == at_s * 1000
    assert client.of(RateLimit) == [RateLimit(True, at_s * 1000)]


@pytest.mark.parametrize("times", [1, 0.0009])
def test_a_limit_that_resets_in_years_or_has_is_one_without_a_time(times: float) -> None:
    heard: list[Any] = []
    read = claude._Said("cc", heard.append, "s", {})
    limit = {"status": "rejected", "resetsAt": clock.now_ms() * times}
    read.take({"type": "rate_limit_event", "rate_limit_info": limit})
    assert heard == [RateLimit(True, None)]


def test_its_own_limits_are_its_failure(client: StandIn) -> None:
    for subtype, said_so, code in (
        ("error_max_turns", "max_turns", failure.EXIT_CODE),
        ("error_max_budget_usd", "cost", failure.BUDGET),
    ):
        client.runs.clear()
        client.will(INIT, ended("", subtype=subtype, is_error=True), exit=1)
        came = client.ask()
        assert came.failure is not None and said_so in came.failure.message
        assert came.failure.code == code
        if code == failure.EXIT_CODE:  # which is no reason to leave the agent alone
            assert came.failure.failure_class == failure.MAX_TURNS


def test_a_tool_that_was_denied_is_told(client: StandIn) -> None:
    denied = {"tool_name": "Write", "tool_use_id": "t", "tool_input": {"file_path": "/x"}}
    client.will(INIT, ended("I could not.", permission_denials=[denied]))
    came = client.ask()
    assert came.failure is None
    assert client.of(Denied) == [Denied("Write", {"file_path": "/x"})]


@pytest.mark.parametrize(
    ("run", "said_so"),
    [
        ({"lines": [INIT]}, "ended without a reply"),
        ({"lines": [INIT, '{"type": "assistant", "mess']}, "a reply, within a line of 27 bytes"),
        ({"lines": [INIT, ended()], "exit": 1}, "exited with code 1"),
        ({"lines": [], "exit": 1, "stderr": "Error: Session ID x is already in use.\n"}, "code 1"),
        ({"lines": [INIT, ended(is_error=True)]}, "failed"),
        ({"lines": [INIT, ended(subtype="error_during_execution", is_error=True)]}, "failed"),
        ({"lines": ['{"type": "result"', "[" * 5000, "\x00"]}, "ended without a reply"),
        ({"lines": [{"type": "result", "modelUsage": [1], "is_error": None}]}, "failed"),
        (
            {"lines": [{"type": "assistant", "message": {"content": 1, "usage": {"x": []}}}]},
            "reply",
        ),
    ],
)
def test_only_a_good_end_is_a_reply(client: StandIn, run: dict[str, Any], said_so: str) -> None:
    client.runs.append(run)
    came = client.ask()
    assert came.failure is not None
    assert said_so in came.failure.message


def test_a_long_tool_is_no_silence_and_a_hanging_client_is(client: StandIn, tmp_path: Path) -> None:
    tool = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}
    done = {"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "t1"}]}}
    for lines, reply in (([said(tool)], "fine"), ([said(text("a"))], "")):
        script = tmp_path / "client.py"
        steps = "\n".join(f"print({json.dumps(line)!r}, flush=True)" for line in lines)
        end = "\n".join(f"print({json.dumps(line)!r}, flush=True)" for line in (done, ended()))
        script.write_text(f"import time\n{steps}\ntime.sleep(1)\n{end}\n")
        came = client.ask(stall_timeout_s=0.4, grace_s=0.1)
        assert came.text == reply
        assert (came.failure is None) == bool(reply)
        if came.failure is not None:
            assert came.failure.code == failure.STALL


def test_a_client_that_stays_after_its_end_is_ended(client: StandIn, tmp_path: Path) -> None:
    script = tmp_path / "client.py"
    script.write_text(f"import time\nprint({json.dumps(ended())!r}, flush=True)\ntime.sleep(60)\n")
    came = client.ask(linger_s=0.3, grace_s=0.1)
    assert (came.text, came.failure) == ("fine", None)


LISTENS = """
    import json, sys
    def say(line): print(json.dumps(line), flush=True)
    def takes_in(): say({"type": "user", "isReplay": True, "message": json.loads(line)["message"]})
    line = sys.stdin.readline()
    takes_in()
    heard = []
    if sys.argv[1] == "late": say(END)
    for line in sys.stdin:
        heard.append(json.loads(line)["message"]["content"])
        takes_in()
        if len(heard) == 2 or sys.argv[1] == "late": break
    say({**END, "result": " ".join(heard) or "alone"})
"""


@pytest.mark.parametrize("when", ["early", "late"])
def test_what_is_said_meanwhile_is_heard_while_it_works(
    client: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr(jsonlines, "TICK_S", 0.1)
    script = textwrap.dedent(LISTENS).replace("END", repr(ended()))
    (tmp_path / "client.py").write_text(script)
    news = iter(["one", "two", None, None])
    argv = (sys.executable, "-S", str(tmp_path / "client.py"), when)
    client.argv = argv
    came = client.ask(news=lambda: next(news, None))
    if when == "early":
        assert (came.text, len(client.of(NewsHeard))) == ("one two", 2)
    else:
        assert came.text in ("one", "alone")
        assert len(client.of(NewsHeard)) == (came.text == "one")


def test_a_long_stream_is_not_kept(client: StandIn, tmp_path: Path) -> None:
    script = tmp_path / "client.py"
    line = json.dumps({"type": "stream_event", "event": "x" * 1000})
    script.write_text(f"for _ in range(20_000): print({line!r})\nprint({json.dumps(ended())!r})\n")
    came = client.ask(output_limit_bytes=1 << 20)
    assert (came.text, came.failure) == ("fine", None)
    assert came.process is not None and came.process.stdout_bytes > 20_000_000


def test_one_endless_line_is_more_than_its_limit(client: StandIn, tmp_path: Path) -> None:
    script = tmp_path / "client.py"
    script.write_text("while True: print('x' * 10_000, end='')\n")
    came = client.ask(output_limit_bytes=1 << 20, grace_s=0.1)
    assert came.failure is not None and came.failure.code == failure.OUTPUT_LIMIT
