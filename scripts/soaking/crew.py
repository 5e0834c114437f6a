"""The agents of the world, as a kind of their own: they work for minutes of its time and for none of ours.

They fail in waves (a network that is down, a quota that is used up until a time), ask a person now and then, and else
do what they are told. Everything is decided by the time and the thread, so a world can be played again.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from uwf import clock
from uwf.agent import kinds
from uwf.agent.protocol import AgentFailure, AgentRequest, AgentResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uwf.agent.protocol import AgentEvent
    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner

KIND = "crew"
MIN, H = 60_000, 3_600_000

CONFIG = """\
default_agent = "crew"
[agents.crew]
kind = "crew"
command = "crew"
[retry]
attempts = 0  # inside of a step it would wait for real
"""


class Crew:
    """Agents without processes. `at_ms` is the time at which one works, on the clock that does not jump."""

    Options = None
    streams = False
    own_variables = None

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name

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
        on_start(None)
        failure = weather(round(clock.monotonic_s() * 1000), clock.now_ms())
        if failure is not None:
            return AgentResult("", failure=failure)
        lot = _lot(request.mark)
        usage = {"tokens": 1000.0 + lot, "usd": 0.01}
        if lot % 25 == 0:
            text = f"---\n$status: $SUSPEND\nreason: Which colour, {lot}?\n---\n"
        else:
            text = f"---\n$status: done\nnote: n{lot}\n---\nDone, {request.mark}.\n"
        return AgentResult(text, tail=text, usage=usage)


def weather(mono_ms: int, wall_ms: int) -> AgentFailure | None:
    """Twenty minutes of each fifth hour no network, half an hour of each seventh no quota."""
    if mono_ms % (5 * H) < 20 * MIN:
        return AgentFailure("exit_code", "network", "the connection was refused")
    into_ms = mono_ms % (7 * H) - 2 * H
    if 0 <= into_ms < 30 * MIN:
        resets_ms = wall_ms + 30 * MIN - into_ms
        return AgentFailure("exit_code", "quota", "usage limit reached", resets_ms=resets_ms)
    return None


def _lot(mark: str) -> int:
    """A number for one attempt."""
    return sum(mark.encode()) * 7919 % 1000


def join() -> None:
    """Let this process know the kind."""
    module = ModuleType(f"{kinds.__name__}.{KIND}")
    module.Crew = Crew  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    kinds.KINDS[KIND] = kinds.Kind("Crew")
    kinds.NAMES = tuple(kinds.KINDS)
