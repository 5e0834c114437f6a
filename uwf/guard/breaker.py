"""Circuit breakers: an agent that keeps failing is left alone for a while, then tried by exactly one step.

One breaker per agent and one per agent and failure class. Closed, it opens after `threshold` failures in a row;
open, it lets nobody pass for `cooldown`; then it is half-open: one probe runs, across all processes, and its
success closes the breaker while its failure opens it again (M. Nygard, "Release It!", 2007).

Only failures that speak about the agent count. Those that may as well be the fault of what the thread asked for
(an exit code, say) count once a thread, so that one bad thread never stops healthy ones.

State is a counter each, `breaker/<agent>` and `breaker/<agent>/<class>`: no process has a view of its own.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf.guard.contract import refuse
from uwf.guard.keys import key
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uwf.guard.contract import Release, Request
    from uwf.store.protocols import Counters, Store, Transaction

PREFIX = "breaker/"
EVENTS = "event/breaker"
CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"
SURE = ("spawn_failed", "authentication", "network", "quota")
"""Classes that can only be about the agent: each failure counts."""
LIKELY = ("exit_code", "signal", "stall", "out_of_memory")
"""Classes that may be about the thread's content: each thread counts once."""


class Rules(Record):
    """When to open, and for how long."""

    threshold: int = 3
    cooldown_s: float = 1800.0


class Breaker(Record):
    """One breaker as it stands. `threads` are those whose failures in a row it has counted."""

    agent: str
    failure_class: str | None
    state: str
    failures: int
    threads: tuple[str, ...]
    opened_ms: int | None
    cause: str
    probe_pid: int | None
    probe_started: str | None

    @property
    def name(self) -> str:
        """How a person calls it: the agent, or the agent and the class."""
        return self.agent if self.failure_class is None else f"{self.agent}/{self.failure_class}"


class Circuit:
    """`circuit_open`: refuses while a breaker of the agent is open; lets one probe through when it half-opens."""

    name = "breaker"

    def __init__(
        self,
        store: Store,
        rules: Rules,
        *,
        started: str | None,
        is_alive: Callable[[int, str], bool],
    ) -> None:
        """`started` is the start time of this process; `is_alive(pid, started)` knows a living holder of a probe."""
        self._store = store
        self._rules = rules
        self._started = started or ""
        self._is_alive = is_alive

    def enter(self, request: Request) -> Release | None:
        if all(breaker.state == CLOSED for breaker in of_agent(self._store, request.agent)):
            return None
        with self._store.transaction(durable=False) as tx:
            tripped = [b for b in of_agent(tx, request.agent) if b.state != CLOSED]
            for breaker in tripped:
                self._check(breaker)
            for breaker in tripped:
                _write(tx, _changed(breaker, HALF_OPEN, os.getpid(), self._started))
        return lambda: self._give_back(request.agent)

    def _check(self, breaker: Breaker) -> None:
        opened_ms = breaker.opened_ms or 0
        retry_at_ms = opened_ms + round(self._rules.cooldown_s * 1000)
        now_ms = clock.now_ms()
        if breaker.state == OPEN and opened_ms <= now_ms < retry_at_ms:
            raise refuse(
                "circuit_open",
                f"agent {breaker.agent} failed {breaker.failures} times in a row ({breaker.cause}); it is left "
                "alone for a while",
                retry_at_ms=retry_at_ms,
                hint=f"uwf guard reset '{breaker.name}'",
            )
        pid, started = breaker.probe_pid, breaker.probe_started
        if pid is not None and self._is_alive(pid, started or ""):
            raise refuse(
                "circuit_open",
                f"agent {breaker.agent} failed {breaker.failures} times in a row; process {pid} tries it now, and "
                "its success lets others through",
                hint="uwf guard status",
            )

    def _give_back(self, agent: str) -> None:
        """A probe that came to no verdict leaves its place to the next."""
        with self._store.transaction(durable=False) as tx:
            for breaker in of_agent(tx, agent):
                if breaker.probe_pid == os.getpid() and breaker.probe_started == self._started:
                    _write(tx, _changed(breaker, breaker.state, None, None))


def of_agent(counters: Counters, agent: str) -> list[Breaker]:
    """The breakers of `agent` that have counted something; all others are closed."""
    name = PREFIX + key(agent)
    return [_read(value) for found, value in counters.counters(name) if _is_of(found, name)]


def all_of(counters: Counters) -> list[Breaker]:
    """Every breaker that has counted something."""
    return [_read(value) for _, value in counters.counters(PREFIX)]


def tell_success(tx: Transaction, agent: str) -> None:
    """A step of `agent` went well: its breakers are closed and count anew."""
    for breaker in of_agent(tx, agent):
        if breaker.state != CLOSED:
            _record(tx, "circuit_closed", breaker, "a step went well")
        tx.set_counter(_counter(breaker), None)


def tell_failure(
    tx: Transaction, rules: Rules, agent: str, failure_class: str, thread: str, cause: str
) -> None:
    """A step of `agent` failed. A failure that does not speak about the agent shows that the agent works."""
    if failure_class not in SURE + LIKELY:
        _settle_probe(tx, agent)
        return
    known = {breaker.failure_class: breaker for breaker in of_agent(tx, agent)}
    for which in (None, failure_class):
        breaker = known.get(which) or Breaker(agent, which, CLOSED, 0, (), None, cause, None, None)
        counts = failure_class in SURE or thread not in breaker.threads
        failures = breaker.failures + counts
        threads = tuple(dict.fromkeys((*breaker.threads, thread)))[-16:]
        opens = breaker.state == HALF_OPEN or (
            breaker.state == CLOSED and failures >= rules.threshold
        )
        after = Breaker(
            agent=agent,
            failure_class=which,
            state=OPEN if opens else breaker.state,
            failures=failures,
            threads=threads,
            opened_ms=clock.now_ms() if opens else breaker.opened_ms,
            cause=cause,
            probe_pid=None if opens else breaker.probe_pid,
            probe_started=None if opens else breaker.probe_started,
        )
        _write(tx, after)
        if opens:
            _record(tx, "circuit_open", after, cause)


def reset(store: Store, name: str) -> int:
    """Close the breakers called `name` (an agent, or agent/class) by hand; how many there were."""
    with store.transaction(durable=False) as tx:
        found = [b for b in all_of(tx) if name in (b.name, b.agent)]
        for breaker in found:
            if breaker.state != CLOSED:
                _record(tx, "circuit_closed", breaker, "reset by hand")
            tx.set_counter(_counter(breaker), None)
    return len(found)


def _settle_probe(tx: Transaction, agent: str) -> None:
    for breaker in of_agent(tx, agent):
        if breaker.state == HALF_OPEN:
            _record(tx, "circuit_closed", breaker, "the agent answers again")
            tx.set_counter(_counter(breaker), None)


def _record(tx: Transaction, event: str, breaker: Breaker, cause: str) -> None:
    value = {"event": event, "breaker": breaker.name, "cause": cause, "failures": breaker.failures}
    tx.add_sample(EVENTS, value, clock.now_ms())


def _changed(breaker: Breaker, state: str, pid: int | None, started: str | None) -> Breaker:
    from uwf.record import replace

    return replace(breaker, state=state, probe_pid=pid, probe_started=started)


def _counter(breaker: Breaker) -> str:
    name = PREFIX + key(breaker.agent)
    return name if breaker.failure_class is None else f"{name}/{breaker.failure_class}"


def _is_of(found: str, name: str) -> bool:
    return found == name or found.startswith(f"{name}/")


def _write(tx: Transaction, breaker: Breaker) -> None:
    tx.set_counter(_counter(breaker), dict(breaker.__dict__) | {"threads": list(breaker.threads)})


def _read(value: dict[str, Any]) -> Breaker:
    return Breaker(**{**value, "threads": tuple(value["threads"])})
