"""The agent that is a command line, through the protocol that all agents share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.supervised import AGENTS, Supervised
from uwf.agent.clients.bursts import TURN_BYTES, Bursts
from uwf.agent.kinds.command import CommandAgent
from uwf.agent.protocol import Agent, AgentEvent, AgentRequest, AgentResult, Text
from uwf.store.owner import Owner


class Asked:
    """Runs a command agent and keeps its turns."""

    def __init__(self, supervised: Supervised) -> None:
        self._supervised = supervised
        self.turns: list[str] = []

    def __call__(
        self, *argv: str | os.PathLike[str], prompt: str = "", **options: Any
    ) -> AgentResult:
        agent: Agent = CommandAgent("tester", [os.fspath(word) for word in argv])
        folder = str(self._supervised.folder)
        request = AgentRequest(
            prompt=prompt,
            cwd=folder,
            env={**os.environ, "UWF_ROLE": "reviewer"},
            session=None,
            mark=self._supervised.mark,
            spool_dir=folder,
            **options,
        )
        return agent.run(
            request, stop=self._supervised.stop, on_start=self._start, on_event=self._event
        )

    def _start(self, process: Owner | None) -> None:
        assert process is not None
        self._supervised.started.append(process)

    def _event(self, event: AgentEvent) -> None:
        assert isinstance(event, Text)
        self.turns.append(event.text)


@pytest.fixture
def asked(supervised: Supervised) -> Iterator[Asked]:
    yield Asked(supervised)


def test_prompt_goes_in_and_reply_comes_out(asked: Asked) -> None:
    answer = asked("cat", prompt="---\n$status: done\n---\nGrüße\n")
    assert answer.text == "---\n$status: done\n---\nGrüße\n"
    assert (answer.process.ended, answer.process.exit_code) == ("exit", 0)
    assert (answer.stderr, answer.session, answer.usage) == ("", None, None)
    assert asked.turns == []
    assert answer.tail == answer.text


def test_pid_is_told_before_the_reply(asked: Asked, supervised: Supervised) -> None:
    answer = asked("sh", "-c", "echo $$")
    assert [process.pid for process in supervised.started] == [int(answer.text)]


def test_environment_of_the_ask_reaches_the_agent(asked: Asked) -> None:
    assert asked("sh", "-c", "echo $UWF_ROLE").text == "reviewer\n"


def test_failure_keeps_reply_stderr_and_code(asked: Asked) -> None:
    answer = asked(AGENTS / "crash.sh", "9")
    assert (answer.text, answer.stderr) == ("I was about to\n", "cannot go on\n")
    assert answer.process.exit_code == 9


def test_bytes_that_are_no_text_are_replaced(asked: Asked) -> None:
    answer = asked("sh", "-c", r"printf 'a\377b\303'; printf '\376' >&2")
    assert answer.text == "a\ufffdb\ufffd"
    assert answer.stderr == "\ufffd"
    assert answer.tail == answer.text


def test_bursts_are_turns_and_what_comes_with_the_end_is_the_tail(asked: Asked) -> None:
    script = "printf one; sleep 0.4; printf two; sleep 0.4; printf three"
    answer = asked("sh", "-c", script)
    assert asked.turns == ["one", "two"]
    assert (answer.tail, answer.text) == ("three", "onetwothree")


def test_character_cut_by_a_pause_is_not_broken(asked: Asked) -> None:
    asked(AGENTS / "bursts.sh", "0.4", r"a\303", r"\244b")
    assert asked.turns == ["a", "äb"]


def test_long_burst_is_several_turns(asked: Asked) -> None:
    answer = asked(sys.executable, "-S", AGENTS / "flood.py", "1e6")
    assert "".join(asked.turns) + answer.tail == answer.text
    assert len(asked.turns) > 5
    assert max(map(len, asked.turns)) <= 2 * TURN_BYTES


def test_turns_so_far_are_kept_at_a_timeout(asked: Asked) -> None:
    answer = asked(AGENTS / "bursts.sh", "9", "half of it", timeout_s=0.5)
    assert answer.process.ended == "timeout"
    assert "".join(asked.turns) + answer.tail == answer.text == "half of it"


def test_limits_of_the_ask_hold(asked: Asked) -> None:
    flood = (sys.executable, "-S", AGENTS / "flood.py", "inf")
    assert asked(*flood, output_limit_bytes=100_000).process.ended == "output_limit"
    assert asked("sleep", "9", stall_timeout_s=0.1).process.ended == "stall"
    assert asked(AGENTS / "deaf.sh", timeout_s=0.1, grace_s=0).process.escalation == "kill"


def test_agent_that_cannot_run_says_why(asked: Asked) -> None:
    answer = asked("no-such-agent")
    assert answer.process.ended == answer.failure.code == "spawn_failed"
    assert "no-such-agent" in answer.failure.message


@given(st.lists(st.binary(max_size=12) | st.none(), max_size=20))
def test_turns_and_tail_joined_are_the_reply(events: list[bytes | None]) -> None:
    said: list[str] = []
    turns = Bursts(said.append)
    for event in events:
        if event is None:
            turns.flush()
        else:
            turns.add(event)
    reply = b"".join(filter(None, events)).decode(errors="replace")
    assert "".join(said) + turns.rest() == reply
    assert all(said)
