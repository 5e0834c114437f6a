"""What the engine tells while it works. Values only: a front door decides what of it is shown, and how."""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias


class AgentStarted(Record):
    """An agent was asked. `ask` counts from 1; a bad reply is asked again in the same attempt."""

    thread: str
    role: str
    agent: str
    index: int
    round: int
    ask: int


class TurnCame(Record):
    """An agent said something."""

    thread: str
    role: str
    text: str


class ReplyRefused(Record):
    """A reply was not valid and the agent is asked once more; `problems` say why."""

    thread: str
    role: str
    problems: tuple[str, ...]


class Retrying(Record):
    """An attempt failed for a reason that may pass; the next one begins after `delay_s` seconds."""

    thread: str
    role: str
    message: str
    delay_s: float


class Waiting(Record):
    """Nothing runs yet: `message` says what is in the way, `wait_s` how long it is waited for at most."""

    thread: str
    message: str
    wait_s: float


class Recovered(Record):
    """A dead predecessor's attempt was kept and its processes ended."""

    thread: str
    attempt: str
    ended_pids: tuple[int, ...]


if TYPE_CHECKING:
    Event: TypeAlias = AgentStarted | TurnCame | ReplyRefused | Retrying | Waiting | Recovered
