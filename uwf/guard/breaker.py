"""Circuit breakers: what they count, and when they open and close. Whom they stop is in `circuit`.

One breaker per agent and one per agent and failure class. Closed, it opens after `threshold` failures in a row;
open, it lets nobody pass for `cooldown`; then it is half-open: one probe runs, across all processes, and its
success closes the breaker while its failure opens it again (M. Nygard, "Release It!", 2007).

Only failures that speak about the agent count. Those that may as well be the fault of what the thread asked for
(an exit code, a refused connection) count once a thread, so that one bad thread never stops healthy ones.

State is a counter each, `breaker/<agent>` and `breaker/<agent>/<class>`: no process has a view of its own.
"""

from __future__ import annotations

from uwf import clock
from uwf.errors import StoreError
from uwf.guard.counters import forgettable, key, unreadable
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.store.protocols import Counters, Store, Transaction

PREFIX = "breaker/"
EVENTS = "event/breaker"
CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"
SURE = ("spawn_failed",)
"""Classes that can only be about the agent: each failure counts."""
LIKELY = (
    *("exit_code", "signal", "stall", "out_of_memory"),
    *("authentication", "network", "quota"),  # read from words that may be about the thread's work
)
"""Classes that may be about the thread's content: each thread counts once."""
ANSWERED = ("bad_reply", "output_limit")
"""Classes that show an agent at work. All others (a timeout, a fault of our own) say nothing about it."""

KEPT_MS = 30 * 86_400_000
"""Events, and counts of agents that nobody uses any more, are kept for so long: a month."""
_CAUSE_CHARS = 300


class Rules(Record):
    """When to open, and for how long."""

    threshold: int = 3
    cooldown_s: float = 1800.0


class Breaker(Record):
    """One breaker as it stands. `threads` are those whose failures in a row it has counted; the probe is the thread
    that tries the agent now, and the process that runs it.
    """

    agent: str
    failure_class: str | None
    state: str = CLOSED
    failures: int = 0
    threads: tuple[str, ...] = ()
    changed_ms: int = 0
    opened_ms: int | None = None
    cause: str = ""
    probe_thread: str | None = None
    probe_pid: int | None = None
    probe_started: str | None = None

    @property
    def name(self) -> str:
        """How a person calls it: the agent, or the agent and the class."""
        return self.agent if self.failure_class is None else f"{self.agent}/{self.failure_class}"

    @property
    def probe(self) -> tuple[str | None, int | None, str | None]:
        return self.probe_thread, self.probe_pid, self.probe_started


def of_agent(counters: Counters, agent: str) -> list[Breaker]:
    """The breakers of `agent` that have counted something; all others are closed."""
    whole = PREFIX + key(agent)
    return [_read(name, value) for name, value in counters.counters(whole) if _is_of(name, whole)]


def all_of(counters: Counters) -> list[Breaker]:
    """Every breaker that has counted something."""
    return [_read(name, value) for name, value in counters.counters(PREFIX)]


def tell_success(tx: Transaction, agent: str) -> None:
    """A step of `agent` went well: its breakers are closed and count anew."""
    for breaker in of_agent(tx, agent):
        _close(tx, breaker, "a step went well")


def tell_failure(
    tx: Transaction, rules: Rules, agent: str, failure_class: str, thread: str, cause: str
) -> None:
    """A step of `agent` failed. Of a class that does not speak about the agent nothing is counted."""
    if failure_class in ANSWERED:
        for breaker in of_agent(tx, agent):
            if breaker.state == HALF_OPEN:
                _close(tx, breaker, "the agent answers again")
    if failure_class not in SURE + LIKELY:
        return
    known = {breaker.failure_class: breaker for breaker in of_agent(tx, agent)}
    if len(known.keys() & {None, failure_class}) < 2:
        _forget_old(tx)
    for which in (None, failure_class):
        before = known.get(which) or Breaker(agent, which)
        after = _counted(before, rules, failure_class, thread, cause[:_CAUSE_CHARS])
        write(tx, after)
        if after.state == OPEN and before.state != OPEN:
            _record(tx, "circuit_open", after, after.cause)


def reset(store: Store, name: str) -> int:
    """Close the breakers called `name` (an agent, or agent/class) by hand; how many there were.

    One that cannot be read goes by the name of its counter.
    """
    agent, _, failure_class = name.rpartition("/")
    with store.transaction(durable=False) as tx:
        found = [
            (counter, value)
            for counter, value in tx.counters(PREFIX)
            if _is_of(counter, PREFIX + key(name))
            or counter in (f"{PREFIX}{key(agent)}/{failure_class}", name)
        ]
        for counter, value in found:
            if counter == name:
                tx.set_counter(counter, None)
            else:
                _close(tx, _read(counter, value), "reset by hand")
    return len(found)


def _counted(before: Breaker, rules: Rules, failure_class: str, thread: str, cause: str) -> Breaker:
    """The breaker after one more failure of `thread`."""
    counts = failure_class in SURE or thread not in before.threads
    threads = tuple(dict.fromkeys((*before.threads, thread)))
    after = replace(
        before,
        failures=before.failures + counts,
        # No more are needed: when there are this many, it opens.
        threads=threads[-max(1, rules.threshold) :],
        changed_ms=clock.now_ms(),
        cause=cause,
    )
    failed_probe = before.state == HALF_OPEN and before.probe_thread == thread
    if failed_probe or (before.state == CLOSED and after.failures >= rules.threshold):
        after = replace(without_probe(after), state=OPEN, opened_ms=clock.now_ms())
    return after


def _close(tx: Transaction, breaker: Breaker, why: str) -> None:
    if breaker.state != CLOSED:
        _record(tx, "circuit_closed", breaker, why)
    tx.set_counter(_counter(breaker), None)


def _record(tx: Transaction, event: str, breaker: Breaker, cause: str) -> None:
    value = {"event": event, "breaker": breaker.name, "cause": cause, "failures": breaker.failures}
    now_ms = clock.now_ms()
    tx.drop_samples(EVENTS, now_ms - KEPT_MS)
    tx.add_sample(EVENTS, value, now_ms)


def _forget_old(tx: Transaction) -> None:
    """Agents may be command lines of one use: what was counted for one does not stay for ever."""
    for name, value in forgettable(tx, PREFIX):
        try:
            breaker = _read(name, value)
        except StoreError:
            continue  # it stops its own agent, whose refusal says why, and no other
        if breaker.state == CLOSED and breaker.changed_ms < clock.now_ms() - KEPT_MS:
            tx.set_counter(name, None)


def without_probe(breaker: Breaker) -> Breaker:
    return replace(breaker, probe_thread=None, probe_pid=None, probe_started=None)


def _counter(breaker: Breaker) -> str:
    name = PREFIX + key(breaker.agent)
    return name if breaker.failure_class is None else f"{name}/{breaker.failure_class}"


def _is_of(name: str, whole: str) -> bool:
    return name == whole or name.startswith(f"{whole}/")


def write(tx: Transaction, breaker: Breaker) -> None:
    tx.set_counter(_counter(breaker), dict(breaker.__dict__) | {"threads": list(breaker.threads)})


def _read(name: str, value: Any) -> Breaker:
    try:
        return Breaker(**{**value, "threads": tuple(value["threads"])})
    except (TypeError, KeyError):
        raise unreadable(name, value, f"uwf guard reset {name}") from None
