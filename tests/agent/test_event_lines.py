"""What a command says beside its reply, by `$UWF_EVENTS`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agent.supervised import Supervised
from uwf import clock
from uwf.agent.clients.event_lines import EventLines
from uwf.agent.kinds.command import CommandAgent
from uwf.agent.process.fifo import MOST_LINE_BYTES, Fifo
from uwf.agent.protocol import (
    AgentEvent,
    AgentFailure,
    AgentRequest,
    AgentResult,
    Denied,
    Model,
    RateLimit,
    Session,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)


class Wrapper:
    """Runs shell scripts as agents and keeps their events."""

    def __init__(self, supervised: Supervised) -> None:
        self._supervised = supervised
        self.spool = supervised.folder / "spool"
        self.events: list[AgentEvent] = []
        self.heard: Callable[[AgentEvent], object] = bool

    def __call__(self, script: str, **options: Any) -> AgentResult:
        request = AgentRequest(
            **{
                "prompt": "",
                "cwd": str(self._supervised.folder),
                "env": dict(os.environ),
                "session": None,
                "mark": self._supervised.mark,
                "spool_dir": str(self.spool),
                "timeout_s": 20.0,
                "grace_s": 0.2,
                **options,
            }
        )
        stop = self._supervised.stop
        agent = CommandAgent("w", ["sh", "-c", script])
        return agent.run(request, stop=stop, on_start=lambda _process: None, on_event=self._event)

    def _event(self, event: AgentEvent) -> None:
        self.events.append(event)
        self.heard(event)

    def of(self, kind: type[AgentEvent]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def wrapper(supervised: Supervised) -> Wrapper:
    return Wrapper(supervised)


def says(**said: Any) -> str:
    """The command with which a script says it; each opens the path anew, and cuts what stands there."""
    return f"printf '%s\\n' '{json.dumps(said)}' > \"$UWF_EVENTS\"\n"


def test_each_kind_of_line_is_an_event(wrapper: Wrapper) -> None:
    script = "".join(
        says(**said)
        for said in (
            {"type": "session", "session": "s-1"},
            {"type": "model", "model": "small"},
            {"type": "thinking", "text": "hm"},
            {"type": "text", "text": "I look.\n"},
            {"type": "tool", "name": "Bash", "arguments": {"command": "ls"}, "id": "t"},
            {"type": "tool_result", "text": "a b", "id": "t", "isError": True},
            {"type": "usage", "tokens": 7},
            {"type": "denied", "tool": "Write", "arguments": {"file": "x"}},
            {"type": "rate_limit", "reached": False, "resetsAt": 0},
            {"type": "usage", "tokens": 12, "usd": 0.5, "no": True, "words": "x", "below": -1},
        )
    )
    came = wrapper(f"{script}sleep 0.4\necho the reply")
    assert wrapper.events == [
        Session("s-1"),
        Model("small"),
        Thinking("hm"),
        Text("I look.\n"),
        ToolCall("t", "Bash", {"command": "ls"}),
        ToolResult("t", "a b", True),
        Usage({"tokens": 7}),
        Denied("Write", {"file": "x"}),
        RateLimit(False),
        Usage({"tokens": 12, "usd": 0.5}),
    ]
    assert (came.text, came.tail, came.failure) == ("the reply\n", "", None)
    assert (came.session, came.usage) == ("s-1", {"tokens": 12, "usd": 0.5})


def test_it_is_heard_while_the_wrapper_runs(wrapper: Wrapper, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    wrapper.heard = lambda _event: heard.touch()
    came = wrapper(f"{says(type='text', text='x')}while [ ! -e {heard} ]; do sleep 0.01; done")
    assert came.failure is None


def test_what_stood_on_stdout_before_comes_before(wrapper: Wrapper) -> None:
    came = wrapper(f"echo one; sleep 0.1; {says(type='thinking', text='hm')} echo two")
    assert wrapper.events == [Text("one\n"), Thinking("hm")]
    assert (came.text, came.tail) == ("one\ntwo\n", "two\n")


@pytest.mark.parametrize(
    "script",
    [
        ":",
        'exec 9>"$UWF_EVENTS"; sleep 0.05 &',
        'head -c 5000 /dev/zero > "$UWF_EVENTS"',
        'printf \'\\377\\376[1]\\n{"type": 1}\\n"text"\\n{}\\nnull\\n{"type": "of the future"}\' > "$UWF_EVENTS"',
        says(type="text", text=["x"]) + says(type="tool", name=3) + says(type="session", session=4),
        says(type="session", session="a\nb") + says(type="usage", tokens="x") + says(type="usage"),
        'rm "$UWF_EVENTS"; echo nothing > "$UWF_EVENTS"',
        '(sleep 0.2; echo late > "$UWF_EVENTS") >/dev/null 2>&1 &',
        'test -p "$UWF_EVENTS"',
    ],
)
def test_what_is_no_event_harms_nothing(wrapper: Wrapper, script: str) -> None:
    came = wrapper(f"{script}\necho fine")
    assert (came.text, came.failure, wrapper.events) == ("fine\n", None, [])
    assert os.listdir(wrapper.spool) == []


def test_a_line_needs_no_end_at_the_end(wrapper: Wrapper) -> None:
    came = wrapper(
        'printf \'{"type": "session"\' > $UWF_EVENTS; printf \', "session": "s"}\' > $UWF_EVENTS'
    )
    assert came.session == "s"


def test_a_flood_is_heard_and_held_by_nobody(wrapper: Wrapper) -> None:
    line = json.dumps({"type": "usage", "tokens": 1, "pad": "x" * 10_000})
    script = f"""
        python3 -c 'import os, sys
out = open(os.environ["UWF_EVENTS"], "w")
for _ in range(3000): print(sys.argv[1], file=out)
for _ in range(50): out.write("y" * 100_000)
print(file=out)
print(chr(123) + chr(34) + "type" + chr(34) + ": " + chr(34) + "session" + chr(34) + ", "
      + chr(34) + "session" + chr(34) + ": " + chr(34) + "s" + chr(34) + chr(125), file=out)' '{line}'
    """
    came = wrapper(script, output_limit_bytes=1000)
    assert came.failure is None
    assert len(wrapper.of(Usage)) == 3000
    assert came.session == "s"


def test_a_line_that_is_too_long_is_not_kept() -> None:
    lines: list[bytes] = []
    fifo = Fifo("/nowhere", lines.append)
    for chunk in (b"a\n", b"x" * MOST_LINE_BYTES, b"x" * 9, b"xx\nb\n", b"c"):
        fifo.take(chunk)
    fifo.finish()
    fifo.finish()
    assert lines == [b"a", b"b", b"c"]


def test_where_no_pipe_can_be_made_the_wrapper_writes_to_nowhere(wrapper: Wrapper) -> None:
    came = wrapper(f"{says(type='text', text='x')}echo $UWF_EVENTS", spool_dir="/dev/null/x")
    assert (came.text, came.failure) == ("/dev/null\n", None)


def test_a_tool_and_a_word_are_no_silence(wrapper: Wrapper) -> None:
    word = says(type="thinking", text=".")
    tool = says(type="tool", name="Bash", id="t")
    ends = says(type="tool_result", id="t")
    for script in (
        f"{word}sleep 0.3; {word}sleep 0.3; echo fine",
        f"{tool}sleep 0.6; {ends}echo fine",
    ):
        assert wrapper(script, stall_timeout_s=0.45).text == "fine\n"
    came = wrapper(f"{word}sleep 9", stall_timeout_s=0.2)
    assert came.failure is not None and came.failure.code == "stall"


def test_what_was_said_before_a_kill_is_known(wrapper: Wrapper) -> None:
    said = says(type="session", session="s") + says(type="usage", usd=0.1)
    came = wrapper(f"{said}sleep 9", timeout_s=0.3)
    assert came.failure is not None and came.failure.code == "timeout"
    assert (came.session, came.usage) == ("s", {"usd": 0.1})


AT_S = 1_800_000_000


@pytest.mark.parametrize(
    ("said", "failure_class", "resets_ms", "is_hopeless"),
    [
        ({"class": "quota", "resetsAt": AT_S}, "quota", AT_S * 1000, False),
        ({"class": "quota", "resetsAt": AT_S * 1000}, "quota", None, False),
        ({"class": "network", "resetsAt": AT_S}, "network", None, False),
        ({"class": "network", "status": 401}, "network", None, False),
        ({"status": 429, "resetsAt": AT_S}, "quota", AT_S * 1000, False),
        ({"status": 401}, "authentication", None, False),
        ({"status": 404}, "exit_code", None, True),
        ({"status": 503, "class": "unknown to us"}, "network", None, False),
        ({"status": 200}, "exit_code", None, False),
        ({"status": "401"}, "exit_code", None, False),
        ({"message": "invalid api key"}, "authentication", None, False),
        ({"class": "out_of_memory", "message": "invalid api key"}, "out_of_memory", None, False),
    ],
)
def test_a_failure_is_of_the_class_that_is_said(
    wrapper: Wrapper,
    monkeypatch: pytest.MonkeyPatch,
    said: dict[str, Any],
    failure_class: str,
    resets_ms: int,
    is_hopeless: bool,
) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: AT_S * 1000 - 3_600_000)
    came = wrapper(f"{says(type='failed', **{'message': 'It broke.', **said})}echo x >&2; exit 3")
    failed = came.failure
    assert failed is not None
    assert failed.said == said.get("message", "It broke.")
    found = (failed.failure_class, failed.resets_ms, failed.is_hopeless)
    assert found == (failure_class, resets_ms, is_hopeless)


def test_a_failure_counts_only_with_an_exit_code() -> None:
    said = EventLines("w", lambda _event: None)
    said.take({"type": "failed", "class": "network", "message": "no"})
    assert said.why(None) is None
    timeout = AgentFailure("timeout", "timeout", "it took too long")
    assert said.why(timeout) is timeout
    broke = AgentFailure("exit_code", "exit_code", "exited with code 1", "bad")
    found = said.why(broke)
    assert found is not None and (found.failure_class, found.said) == ("network", "no")


def test_it_costs_nothing_to_wait(wrapper: Wrapper) -> None:
    began = time.process_time()
    wrapper("sleep 0.5")
    assert time.process_time() - began < 0.1
