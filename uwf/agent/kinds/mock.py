"""An agent that plays a scenario, so that a workflow is tried before a token is spent. What one says is in
`uwf/agent/clients/scenario.py`.

Which answer is next is told by the environment of the run (the role, its visit, the attempt) and by how often this one
attempt has asked: so a process that takes over goes on where the one before was.
"""

from __future__ import annotations

import os
import select

from uwf import clock
from uwf.agent import failure
from uwf.agent.protocol import AgentFailure, AgentResult, ProcessFacts
from uwf.config_table import Table, key, text
from uwf.errors import UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from uwf.agent.clients.scenario import PlayedAnswer, Scenario
    from uwf.agent.protocol import AgentEvent, AgentRequest, Ended
    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner


def _file(value: Any) -> str:
    path = os.path.expanduser(text(value))
    if not os.path.isabs(path):
        raise ValueError(f"{value!r} is a relative path: relative to what? ~/… and /… are not")
    return path


class MockOptions(Table, at="agents.*"):
    """The file with what it says."""

    scenario: str | None = key(_file)


class MockAgent:
    """Plays the scenario of a file; in a trial one that was read already, without its delays."""

    Options = MockOptions
    streams = True
    own_variables = None

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        options: MockOptions,
        scenario: Scenario | None = None,
    ) -> None:
        self.name = name
        self.options = options
        self._waits = scenario is None
        self._scenario = scenario
        self._asked: dict[str, int] = {}

    def unavailable(self, cwd: str, path: str) -> str | None:
        """See `uwf.agent.protocol.Agent`."""
        try:
            self._loaded()
        except (OSError, ValueError, UwfError) as error:
            return str(error)
        return None

    def run(
        self,
        request: AgentRequest,
        *,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> AgentResult:
        """Say what stands there for this ask."""
        from uwf.agent.clients.event_lines import EventLines

        on_start(None)
        answer = self._next(request)
        if answer is None:
            role = request.env.get("UWF_ROLE", "")
            return AgentResult("", failure=self._failed(f"its scenario has no role {role}"))
        said = EventLines(self.name, on_event)
        ended = self._pause(answer.delay_s, request, stop) if self._waits else None
        if ended is not None:
            facts = ProcessFacts(ended)
            why = failure.of_process(self.name, facts, stdout="", stderr="", error="")
            return AgentResult("", failure=why)
        for turn in answer.turns:
            said.take(turn)
        why = None
        if answer.fails is not None:
            resets_s = answer.resets_s
            at_s = None if resets_s is None else clock.now_ms() / 1000 + resets_s
            words = {"message": "its scenario says so", **answer.fails}
            said.take({**words, "type": "failed", "resetsAt": at_s})
            why = said.why(self._failed("its scenario says so"))
        return AgentResult(
            answer.text, answer.text, session=said.session, usage=said.usage, failure=why
        )

    def _next(self, request: AgentRequest) -> PlayedAnswer | None:
        env = request.env
        self._asked[request.mark] = self._asked.get(request.mark, 0) + 1
        tries = int(env.get("UWF_ATTEMPT", 1)) + self._asked[request.mark] - 1
        visit = int(env.get("UWF_VISIT", 1))
        answers = self._loaded().answers(env.get("UWF_ROLE", ""), visit)
        return answers[min(tries, len(answers)) - 1] if answers else None

    def _loaded(self) -> Scenario:
        if self._scenario is None:
            from uwf.agent.clients import scenario

            if self.options.scenario is None:
                raise ValueError(f"agents.{self.name}.scenario is not set")
            self._scenario = scenario.load(self.options.scenario)
        return self._scenario

    def _failed(self, why: str) -> AgentFailure:
        message = f"agent {self.name} failed: {why}"
        return AgentFailure(failure.EXIT_CODE, failure.EXIT_CODE, message)

    @staticmethod
    def _pause(delay_s: float, request: AgentRequest, stop: Stop) -> Ended | None:
        """Wait as the scenario says; why that came to no end, if it did not."""
        limits: list[tuple[float, Ended]] = [(delay_s, "exit")]
        if request.timeout_s is not None:
            limits.append((request.timeout_s, "timeout"))
        if request.stall_timeout_s is not None:
            limits.append((request.stall_timeout_s, "stall"))
        first_s, why = min(limits, key=lambda limit: limit[0])
        poll = select.poll()
        poll.register(stop.fileno(), select.POLLIN)
        if stop.count or poll.poll(first_s * 1000):
            return "stopped"
        return None if why == "exit" else why
