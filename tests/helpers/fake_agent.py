"""An agent in this process: it says what a test told it to say, and remembers what it was asked."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from uwf.agent import failure
from uwf.agent.protocol import AgentRequest, AgentResult, ProcessFacts, Text
from uwf.agent.stop import Stop
from uwf.record import Record
from uwf.store.owner import Owner

if TYPE_CHECKING:
    from uwf.agent.protocol import AgentEvent, AgentFailure, Ended

NO_PID = 1 << 30
"""No process has it: it is beyond what any system gives out."""


class Said(Record):
    """One answer. `turns` come as they are said; what `text` has beyond them is the answer's tail."""

    text: str = ""
    turns: tuple[str, ...] = ()
    events: tuple[AgentEvent, ...] = ()  # what it does before it says anything
    ended: Ended = "exit"
    exit_code: int = 0
    stderr: str = ""
    session: str | None = None
    usage: dict[str, float] | None = None
    error: str = ""
    is_of_machine: bool = False
    failure: AgentFailure | None = None  # by its own word
    stderr_bytes: int | None = None  # how much there was, when `stderr` is only the end of it


Answers = str | Said | BaseException | Callable[[AgentRequest], Any]


def reply(status: str, body: str = "", **fields: Any) -> str:
    """A reply as a careful agent writes it."""
    front = {"$status": status, **fields}
    lines = [f"{name}: {json.dumps(value)}" for name, value in front.items()]
    return "\n".join(["---", *lines, "---", body])


def suspend(reason: str, **fields: Any) -> str:
    """A reply that asks for a person."""
    return reply("$SUSPEND", reason=reason, **fields)


def crash(stderr: str = "boom", exit_code: int = 7, **said: Any) -> Said:
    """An agent that fails."""
    return Said(exit_code=exit_code, stderr=stderr, **said)


class FakeAgent:
    """Gives the answers of `will_say` in turn. One that is an exception is raised in place of an answer."""

    streams = False
    own_variables = None

    def __init__(self) -> None:
        self.name = "fake"
        # None: it ends before it is spawned.
        self.process: Owner | None = Owner(NO_PID, "no-boot:1")
        self.asks: list[AgentRequest] = []
        self._answers: deque[Answers] = deque()

    def will_say(self, *answers: Answers) -> None:
        self._answers.extend(answers)

    def forget(self) -> None:
        """Answers that nobody has asked for are not waited for any longer."""
        self._answers.clear()

    @property
    def waiting(self) -> int:
        """How many answers nobody has asked for yet."""
        return len(self._answers)

    def unavailable(self, cwd: str, path: str) -> str | None:
        return None

    def run(
        self,
        request: AgentRequest,
        *,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> AgentResult:
        self.asks.append(request)
        assert self._answers, f"nobody told the agent what to say to:\n{request.prompt}"
        said = self._answers.popleft()
        if self.process is None:
            assert isinstance(said, Said)
            return self._result(said)
        on_start(self.process)
        if callable(said):
            said = said(request)
        if isinstance(said, BaseException):
            raise said
        if isinstance(said, str):
            said = Said(said)
        for event in said.events:
            on_event(event)
        for turn in said.turns:
            on_event(Text(turn))
        if said.ended == "stopped":
            stop.request()
        return self._result(said)

    def _result(self, said: Said) -> AgentResult:
        streamed = "".join(said.turns)
        text = said.text or streamed
        assert text.startswith(streamed), "the turns are the beginning of the reply"
        stderr_bytes = said.stderr_bytes
        if stderr_bytes is None:
            stderr_bytes = len(said.stderr.encode())
        facts = ProcessFacts(
            ended=said.ended,
            exit_code=said.exit_code if said.ended == "exit" else None,
            duration_ms=5,
            stdout_bytes=len(text.encode()),
            stderr_bytes=stderr_bytes,
        )
        return AgentResult(
            text=text,
            tail=text[len(streamed) :],
            stderr=said.stderr,
            session=said.session,
            usage=said.usage,
            failure=said.failure
            or failure.of_process(
                self.name,
                facts,
                stdout=text,
                stderr=said.stderr,
                error=said.error,
                is_of_machine=said.is_of_machine,
            ),
            process=facts,
        )
