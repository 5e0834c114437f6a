"""`draining`, `paused`, `agent_paused`: the switches a person turns, and an agent that reached its limit turns itself.

Counters: `switch/drain`, `switch/pause`, `pause/<agent>`; each holds since when, why, and until when. Ends are times
of the wall clock, as the limits of an agent are. One that began later than now by more than its length is over: the
clock was ahead when it began. A pause that an agent's own words have set lets one step through every hour: words may
be misread.
"""

from __future__ import annotations

from uwf import clock
from uwf.errors import StoreError
from uwf.guard.contract import AttemptFailed, AttemptSucceeded, Guard, Status, StatusLine, refuse
from uwf.guard.counters import forgettable, hashed, unreadable
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.guard.contract import AttemptOutcome, Request
    from uwf.store.protocols import Counters, Store, Transaction

DRAIN, PAUSE, AGENT = "switch/drain", "switch/pause", "pause/"
KEPT_MS = 30 * 86_400_000
"""The pause of an agent is forgotten a month after its end."""
PROBE_MS = 3_600_000
"""So long a pause that was read from text holds before one step may try the agent."""
ON_LIMIT = WAIT, FALLBACK, ASK = "wait", "fallback", "ask"
"""What may become of a step whose agent has reached its limit: see `agents.NAME.on_limit`."""

FIRST_MS, LONGEST_MS = 300_000, 3_600_000
"""How long an agent is paused whose client tells of a limit and of no time, and how long at most, when it was in vain.
"""
QUOTA = "quota"
DRAINS, ALL_PAUSED = "no step begins while uwf drains", "everything is paused"
"""What refusals begin with, by which it is known what they have put off."""
_OFF = {DRAIN: "uwf guard drain off", PAUSE: "uwf guard pause off"}


class Switched(Record):
    """A switch that is on. `until_ms` None means until a person turns it off. From `probe_ms` on one step may try."""

    name: str
    since_ms: int
    until_ms: int | None
    why: str
    probe_ms: int | None = None


class Draining(Guard):
    """`draining`: running steps finish and none begins."""

    name = "drain"

    def enter(self, request: Request) -> None:
        refuse_while_draining(self._host.store)

    def status(self) -> Status:
        switched = state(self._host.store, DRAIN)
        return Status((_line("drain", switched),), {"drain": _facts(switched)})


class Paused(Guard):
    """`paused`: everything waits, for billing or by hand."""

    name = "pause"

    def enter(self, request: Request) -> None:
        refuse_while_paused(self._host.store)

    def status(self) -> Status:
        switched = state(self._host.store, PAUSE)
        return Status((_line("pause", switched),), {"pause": _facts(switched)})


class AgentPaused(Guard):
    """`agent_paused`: the agent said when its limit resets, or a person paused it."""

    name = "agent pause"

    def enter(self, request: Request) -> None:
        switched = state(self._host.store, of_agent(request.agent))
        if switched is None or self._may_probe(request.agent, switched):
            return
        import shlex

        raise refuse(
            "agent_paused",
            f"{is_paused(request.agent)}{_because(switched)}",
            retry_at_ms=_next_try_ms(switched),
            hint=shlex.join(("uwf", "guard", "pause", request.agent, "off")),
        )

    def ended(self, tx: Transaction, request: Request, outcome: AttemptOutcome) -> None:
        counter = of_agent(request.agent)
        if isinstance(outcome, AttemptFailed) and outcome.resets_ms is not None:
            probe_ms = clock.now_ms() + PROBE_MS
            pause_agent(
                tx,
                request.agent,
                until_ms=outcome.resets_ms,
                why=outcome.cause,
                probe_ms=probe_ms if probe_ms < outcome.resets_ms else None,
            )
        elif isinstance(outcome, AttemptFailed) and _is_limit_without_time(outcome):
            lasts_ms = _next_pause_ms(tx.counter(counter))
            until_ms = clock.now_ms() + lasts_ms
            pause_agent(tx, request.agent, until_ms=until_ms, why=outcome.cause)
        elif isinstance(outcome, AttemptSucceeded):
            switched = state(tx, counter)
            if switched is not None and _was_probed(switched):
                tx.set_counter(counter, None)  # what was read was not so, or is no longer
            elif switched is None and tx.counter(counter) is not None:
                tx.set_counter(counter, None)  # the next limit begins anew

    def _may_probe(self, agent: str, switched: Switched) -> bool:
        """Take the probe of this hour, if it is there to be taken."""
        if switched.probe_ms is None or clock.now_ms() < switched.probe_ms:
            return False
        with self._host.store.transaction("pause probe", durable=False) as tx:
            now = state(tx, of_agent(agent))
            if now is None or now.probe_ms is None or clock.now_ms() < now.probe_ms:
                return now is None
            _put(tx, of_agent(agent), replace(now, probe_ms=clock.now_ms() + PROBE_MS))
        return True

    def status(self) -> Status:
        paused = paused_agents(self._host.store)
        lines = tuple(
            StatusLine(f"agent {one.name}", "paused", note=_in_words(one)) for one in paused
        )
        return Status(lines, {"pausedAgents": [_facts(one) for one in paused]})


def _is_limit_without_time(outcome: AttemptFailed) -> bool:
    """Whether the client itself has told of a limit, and not until when: what was read from words pauses nobody."""
    return outcome.failure_class == QUOTA and outcome.is_told and outcome.resets_ms is None


def _next_pause_ms(before: Any) -> int:
    """Twice as long as the pause before, until the agent succeeds again."""
    try:
        last_ms = 0 if before is None else int(before["untilMs"]) - int(before["sinceMs"])
    except (TypeError, KeyError, ValueError):
        last_ms = 0
    return max(FIRST_MS, min(2 * last_ms, LONGEST_MS))


def refuse_while_draining(counters: Counters) -> None:
    """Raise `Refused` while no step may begin, since uwf drains."""
    switched = state(counters, DRAIN)
    if switched is not None:
        raise refuse(
            "draining",
            f"{DRAINS}{_because(switched)}",
            retry_at_ms=switched.until_ms,
            hint="uwf guard drain off",
        )


def refuse_while_paused(counters: Counters) -> None:
    """Raise `Refused` while no step may begin, since everything is paused."""
    switched = state(counters, PAUSE)
    if switched is not None:
        raise refuse(
            "paused",
            f"{ALL_PAUSED}{_because(switched)}",
            retry_at_ms=switched.until_ms,
            hint="uwf guard pause off",
        )


def turn_on(store: Store, counter: str, name: str, *, until_ms: int | None, why: str) -> None:
    """Turn a switch on; one that is on already takes the new end and reason."""
    with store.transaction("switch on") as tx:
        _put(tx, counter, Switched(name, clock.now_ms(), until_ms, why))


def turn_off(store: Store, counter: str) -> bool:
    """Turn a switch off, also one that cannot be read. False when it was off."""
    with store.transaction("switch off") as tx:
        try:
            was_on = _live(counter, tx.counter(counter)) is not None
        except StoreError:
            was_on = True
        tx.set_counter(counter, None)
    return was_on


def of_agent(agent: str) -> str:
    """The counter of the switch that pauses `agent`."""
    return AGENT + hashed(agent)


def is_paused(agent: str) -> str:
    """What a refusal begins with while `agent` is paused."""
    return f"agent {agent} is paused"


def pause_agent(
    tx: Transaction, agent: str, *, until_ms: int | None, why: str, probe_ms: int | None = None
) -> None:
    """Pause one agent, as part of a transaction. A pause that lasts longer, such as one by hand, stays as it is.

    With `probe_ms` one step may try it from then on, every `PROBE_MS`.
    """
    before = state(tx, of_agent(agent))
    if before is None or _ends_before(before.until_ms, until_ms):
        for name, value in forgettable(tx, AGENT):  # agents may be command lines of one use
            if _is_forgotten(name, value):
                tx.set_counter(name, None)
        _put(tx, of_agent(agent), Switched(agent, clock.now_ms(), until_ms, why, probe_ms))


def resume_agent(store: Store, agent: str) -> bool:
    return turn_off(store, of_agent(agent))


def state(counters: Counters, counter: str) -> Switched | None:
    """The switch, None while it is off or its time is over."""
    return _live(counter, counters.counter(counter))


def paused_agents(counters: Counters) -> list[Switched]:
    """The agents that are paused now."""
    found = (_live(name, value) for name, value in counters.counters(AGENT))
    return [switched for switched in found if switched is not None]


def _put(tx: Transaction, counter: str, switched: Switched) -> None:
    probe = {} if switched.probe_ms is None else {"probeMs": switched.probe_ms}
    tx.set_counter(counter, {**(_facts(switched) or {}), **probe})


def _live(counter: str, value: Any) -> Switched | None:
    if value is None:
        return None
    switched = _read(counter, value)
    return None if _is_over(switched) else switched


def _is_over(switched: Switched) -> bool:
    """Whether its end has come, or its beginning lies ahead by more than it was to last."""
    if switched.until_ms is None:
        return False
    now_ms, lasts_ms = clock.now_ms(), switched.until_ms - switched.since_ms
    return now_ms >= switched.until_ms or switched.since_ms - now_ms > lasts_ms


def _was_probed(switched: Switched) -> bool:
    """Whether a step was let through: one that began before the pause says nothing of it."""
    return switched.probe_ms is not None and switched.probe_ms - switched.since_ms > PROBE_MS


def _next_try_ms(switched: Switched) -> int | None:
    if switched.probe_ms is None or switched.until_ms is None:
        return switched.until_ms
    return min(switched.probe_ms, switched.until_ms)


def _read(counter: str, value: Any) -> Switched:
    try:
        probe_ms = value.get("probeMs")
        return Switched(value["name"], value["sinceMs"], value["untilMs"], value["why"], probe_ms)
    except (TypeError, KeyError, AttributeError):
        raise unreadable(counter, value, _OFF.get(counter, "uwf guard pause AGENT off")) from None


def _is_forgotten(counter: str, value: Any) -> bool:
    try:
        switched = _read(counter, value)
    except StoreError:
        return False  # it stops an agent, whose refusal says why
    return switched.until_ms is not None and switched.until_ms < clock.now_ms() - KEPT_MS


def _ends_before(end_ms: int | None, other_ms: int | None) -> bool:
    return end_ms is not None and (other_ms is None or end_ms < other_ms)


def _because(switched: Switched) -> str:
    return f": {switched.why}" if switched.why else ""


def _line(name: str, switched: Switched | None) -> StatusLine:
    if switched is None:
        return StatusLine(name, "off")
    return StatusLine(name, "on", note=_in_words(switched))


def _in_words(switched: Switched) -> str:
    until = "" if switched.until_ms is None else f" until {clock.iso(switched.until_ms)}"
    return f"since {clock.iso(switched.since_ms)}{until} {switched.why}".strip()


def _facts(switched: Switched | None) -> dict[str, Any] | None:
    if switched is None:
        return None
    return {
        "name": switched.name,
        "sinceMs": switched.since_ms,
        "untilMs": switched.until_ms,
        "why": switched.why,
    }
