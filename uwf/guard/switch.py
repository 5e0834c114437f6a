"""The switches a person turns, and agents turn for themselves: drain, pause of everything, pause of one agent.

Counters: `switch/drain`, `switch/pause`, `pause/<agent>`; each holds since when, why, and until when.
"""

from __future__ import annotations

from uwf import clock
from uwf.guard.contract import refuse
from uwf.guard.keys import key
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.guard.contract import Request
    from uwf.store.protocols import Counters, Store, Transaction

DRAIN, PAUSE, AGENT = "switch/drain", "switch/pause", "pause/"


class Switched(Record):
    """A switch that is on. `until_ms` None means until somebody turns it off."""

    name: str
    since_ms: int
    until_ms: int | None
    why: str


def turn_on(store: Store, counter: str, name: str, *, until_ms: int | None, why: str) -> None:
    """Turn a switch on; one that is on already takes the new end and reason."""
    with store.transaction(durable=False) as tx:
        _set(tx, counter, name, until_ms, why)


def turn_off(store: Store, counter: str) -> bool:
    """Turn a switch off. False when it was off."""
    with store.transaction(durable=False) as tx:
        was_on = _live(tx.counter(counter)) is not None
        tx.set_counter(counter, None)
    return was_on


def pause_agent(tx: Transaction, agent: str, *, until_ms: int | None, why: str) -> None:
    """Pause one agent, as part of a transaction."""
    _set(tx, AGENT + key(agent), agent, until_ms, why)


def resume_agent(store: Store, agent: str) -> bool:
    return turn_off(store, AGENT + key(agent))


def state(counters: Counters, counter: str) -> Switched | None:
    """The switch, None while it is off or its time is over."""
    return _live(counters.counter(counter))


def paused_agents(counters: Counters) -> list[Switched]:
    """The agents that are paused now."""
    found = (_live(value) for _, value in counters.counters(AGENT))
    return [switched for switched in found if switched is not None]


class Draining:
    """`draining`: running steps finish and none begins."""

    name = "drain"

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def enter(self, request: Request) -> None:
        switched = state(self._counters, DRAIN)
        if switched is not None:
            raise refuse(
                "draining",
                f"no step begins while uwf drains{_because(switched)}",
                hint="uwf guard drain off",
            )


class Paused:
    """`paused`: everything waits, for billing or by hand."""

    name = "pause"

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def enter(self, request: Request) -> None:
        switched = state(self._counters, PAUSE)
        if switched is not None:
            raise refuse(
                "paused",
                f"everything is paused{_because(switched)}",
                retry_at_ms=switched.until_ms,
                hint="uwf guard pause off",
            )


class AgentPaused:
    """`agent_paused`: the agent said when its limit resets, or a person paused it."""

    name = "agent pause"

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def enter(self, request: Request) -> None:
        switched = state(self._counters, AGENT + key(request.agent))
        if switched is not None:
            raise refuse(
                "agent_paused",
                f"agent {request.agent} is paused{_because(switched)}",
                retry_at_ms=switched.until_ms,
                hint=f"uwf guard pause {request.agent} off",
            )


def _set(tx: Transaction, counter: str, name: str, until_ms: int | None, why: str) -> None:
    value = {"name": name, "sinceMs": clock.now_ms(), "untilMs": until_ms, "why": why}
    tx.set_counter(counter, value)


def _live(value: dict[str, object] | None) -> Switched | None:
    if value is None:
        return None
    until = value["untilMs"]
    until_ms = until if isinstance(until, int) else None
    if until_ms is not None and clock.now_ms() >= until_ms:
        return None
    return Switched(str(value["name"]), int(str(value["sinceMs"])), until_ms, str(value["why"]))


def _because(switched: Switched) -> str:
    return f": {switched.why}" if switched.why else ""
