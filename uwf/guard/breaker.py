"""`circuit_open`: an agent that kept failing is left alone for a while, then tried by exactly one step.

One circuit per agent and one per agent and failure class. Closed, it opens after `threshold` failures in a row;
open, it lets no step pass for `cooldown`; then it is half-open: one probe runs, across all processes, and its
success closes the circuit while its failure opens it again (M. Nygard, "Release It!", 2007).

What time alone cures (an unreachable network, a quota) is no fault of the agent: it counts in the circuit of its class
alone, whose probes come by the backoff of such failures, soon and then less often, and not after `cooldown`.

Only failures that speak about the agent count. Those that may as well be the fault of what the thread asked for
(an exit code, a refused connection) count once a thread, so that one bad thread never stops healthy ones. Tries that a
step makes again by itself count as one, with what it comes to.

State is a counter each, `breaker/<agent>` and `breaker/<agent>/<class>`: no process has a view of its own.
"""

from __future__ import annotations

from uwf import clock
from uwf.config_table import Table, count, key, some_duration
from uwf.errors import Crowded, Refused, StoreError
from uwf.guard.backoff import Backoff
from uwf.guard.contract import (
    AttemptFailed,
    AttemptSucceeded,
    Guard,
    Release,
    Status,
    StatusLine,
    refuse,
)
from uwf.guard.counters import forgettable, hashed, unreadable
from uwf.quantities import counted
from uwf.record import Record, replace
from uwf.store.owner import Owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.guard.contract import AttemptOutcome, Host, Request
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
TRANSIENT = ("network", "quota")
"""Classes whose circuits are probed by the backoff."""
ANSWERED = ("bad_reply", "output_limit")
"""Classes that show an agent at work. All others (a timeout, a fault of our own) say nothing about it."""

KEPT_MS = 30 * 86_400_000
"""Events, and counts of agents that are not used any more, are kept for so long: a month."""
SHOWN_MS, SHOWN = 86_400_000, 5
"""Events of the last day are facts of the status; the last of them are lines."""
_CAUSE_CHARS = 300
_LOOK_S = 5.0
"""After how long whoever waits looks again at a circuit that is being probed."""


class Circuit(Record):
    """One circuit as it stands. `threads` are those whose failures in a row it has counted; the probe is the thread
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
    probe: Owner | None = None

    @property
    def name(self) -> str:
        """How a person calls it: the agent, or the agent and the class."""
        return self.agent if self.failure_class is None else f"{self.agent}/{self.failure_class}"


class Breaker(Guard):
    """Refuses while a circuit of the agent is open, and lets one probe through when it half-opens."""

    name = "breaker"

    class Rules(Table, at="breaker"):
        """When to open, and for how long."""

        threshold: int = key(count, 3)
        cooldown_s: float = key(some_duration, "30m")

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._rules: Breaker.Rules = host.rules(Breaker.Rules)
        self._backoff: Backoff = host.rules(Backoff)

    def enter(self, request: Request) -> Release | None:
        store, owner = self._host.store, self._host.owner
        if all(circuit.state == CLOSED for circuit in of_agent(store, request.agent)):
            return None
        with store.transaction("probe", durable=False) as tx:
            tripped = [one for one in of_agent(tx, request.agent) if one.state != CLOSED]
            try:
                for circuit in tripped:
                    self._check(circuit)
            except Refused:
                if request.is_retry:
                    return None
                raise
            for circuit in tripped:
                probed = replace(circuit, state=HALF_OPEN, probe_thread=request.thread, probe=owner)
                _write(tx, probed)
        return Release(lambda: self._give_back(request))

    def _check(self, circuit: Circuit) -> None:
        """Raise `Refused` unless it is time for a probe and none is under way."""
        until_ms = _left_alone_until_ms(circuit, self._rules, self._backoff)
        failed = f"{has_failed(circuit.agent)} {counted(circuit.failures, 'time')} in a row"
        if until_ms is not None:
            import shlex

            raise refuse(
                "circuit_open",
                f"{failed} ({circuit.cause}); it is left alone for a while",
                retry_at_ms=until_ms,
                hint=shlex.join(("uwf", "guard", "reset", circuit.name)),
            )
        if circuit.probe is not None and self._is_under_way(circuit, circuit.probe):
            look_s = min(_LOOK_S, _cooldown_s(circuit, self._rules, self._backoff))
            raise refuse(
                "circuit_open",
                f"{failed}; thread {circuit.probe_thread} tries it now in process {circuit.probe.pid}, and its "
                "success lets others through",
                kind=Crowded,
                retry_at_ms=clock.now_ms() + round(look_s * 1000),
                hint="uwf guard status",
            )

    def _is_under_way(self, circuit: Circuit, probe: Owner) -> bool:
        """Whether it is still tried. What became of another machine's process says the hold on its thread."""
        if probe.host != self._host.owner.host:
            return self._host.store.leases.holder(circuit.probe_thread or "") is not None
        return self._host.is_alive(probe)

    def _give_back(self, request: Request) -> None:
        """A probe that came to no verdict leaves it to the next to probe."""
        mine = (request.thread, self._host.owner)
        with self._host.store.transaction("probe back", durable=False) as tx:
            for circuit in of_agent(tx, request.agent):
                if (circuit.probe_thread, circuit.probe) == mine:
                    _write(tx, _without_probe(circuit))

    def ended(self, tx: Transaction, request: Request, outcome: AttemptOutcome) -> None:
        known = of_agent(tx, request.agent)
        if isinstance(outcome, AttemptSucceeded):
            for circuit in known:
                _close(tx, circuit, "a step went well")
        if not isinstance(outcome, AttemptFailed) or outcome.is_retried:
            return
        if outcome.failure_class in ANSWERED:
            for circuit in known:
                if circuit.state == HALF_OPEN:
                    _close(tx, circuit, "the agent answers again")
        if outcome.failure_class in SURE + LIKELY:
            self._count(tx, request, outcome, {one.failure_class: one for one in known})

    def _count(
        self,
        tx: Transaction,
        request: Request,
        failed: AttemptFailed,
        known: dict[str | None, Circuit],
    ) -> None:
        counts_in = {failed.failure_class} if failed.is_transient else {None, failed.failure_class}
        if not counts_in <= known.keys():
            _forget_old(tx)
        for which in sorted(counts_in, key=str):
            before = known.get(which) or Circuit(request.agent, which)
            after = self._counted(before, request.thread, failed)
            _write(tx, after)
            if after.state == OPEN and before.state != OPEN:
                _record(tx, "circuit_open", after, after.cause)

    def _counted(self, before: Circuit, thread: str, failed: AttemptFailed) -> Circuit:
        """The circuit after one more failure of `thread`."""
        threshold = self._rules.threshold
        failed_probe = before.state == HALF_OPEN and before.probe_thread == thread
        is_news = failed.failure_class in SURE or thread not in before.threads
        # Once it is open, steps that began before say nothing new.
        counts = failed_probe or (before.state == CLOSED and is_news)
        threads = tuple(dict.fromkeys((*before.threads, thread)))
        after = replace(
            before,
            failures=before.failures + counts,
            # No more are needed: when there are this many, it opens.
            threads=threads[-max(1, threshold) :],
            changed_ms=clock.now_ms(),
            cause=failed.cause[:_CAUSE_CHARS],
        )
        if failed_probe or (before.state == CLOSED and after.failures >= threshold):
            after = replace(_without_probe(after), state=OPEN, opened_ms=clock.now_ms())
        return after

    def status(self) -> Status:
        store = self._host.store
        circuits = all_of(store)
        events = store.samples(EVENTS, clock.now_ms() - SHOWN_MS)
        lines = [
            StatusLine(
                f"breaker {one.name}",
                one.failures,
                self._rules.threshold,
                note=f"{one.state}, {one.cause}",
            )
            for one in circuits
        ]
        for number, event in enumerate(events[-SHOWN:], 1):
            said = f"{clock.iso(event.at_ms)} {event.value['breaker']}: {event.value['cause']}"
            lines.append(StatusLine(f"event {number}", event.value["event"], note=said))
        facts = {
            "breakers": [
                {
                    "name": one.name,
                    "agent": one.agent,
                    "class": one.failure_class,
                    "state": one.state,
                    "failures": one.failures,
                    "openedMs": one.opened_ms,
                    "cause": one.cause,
                }
                for one in circuits
            ],
            "events": [{"atMs": event.at_ms, **event.value} for event in events],
        }
        return Status(tuple(lines), facts)


def of_agent(counters: Counters, agent: str) -> list[Circuit]:
    """The circuits of `agent` that have counted something; all others are closed."""
    whole = PREFIX + hashed(agent)
    return [_read(name, value) for name, value in counters.counters(whole) if _is_of(name, whole)]


def left_alone_until_ms(
    counters: Counters, agent: str, rules: Breaker.Rules, backoff: Backoff
) -> int | None:
    """Until when no step of `agent` is let through; None when none of its circuits says so now."""
    ends = (_left_alone_until_ms(one, rules, backoff) for one in of_agent(counters, agent))
    return max((end for end in ends if end is not None), default=None)


def all_of(counters: Counters) -> list[Circuit]:
    """Every circuit that has counted something."""
    return [_read(name, value) for name, value in counters.counters(PREFIX)]


def has_failed(agent: str) -> str:
    """What a refusal begins with while a circuit of `agent` is open."""
    return f"agent {agent} failed"


def reset(store: Store, name: str) -> int:
    """Close the circuits called `name` (an agent, or agent/class) by hand; how many there were.

    One that cannot be read goes by the name of its counter.
    """
    agent, _, failure_class = name.rpartition("/")
    with store.transaction("breaker reset", durable=False) as tx:
        found = [
            (counter, value)
            for counter, value in tx.counters(PREFIX)
            if _is_of(counter, PREFIX + hashed(name))
            or counter in (f"{PREFIX}{hashed(agent)}/{failure_class}", name)
        ]
        for counter, value in found:
            if counter == name:
                tx.set_counter(counter, None)
            else:
                _close(tx, _read(counter, value), "reset by hand")
    return len(found)


def _left_alone_until_ms(circuit: Circuit, rules: Breaker.Rules, backoff: Backoff) -> int | None:
    cooldown_ms = round(_cooldown_s(circuit, rules, backoff) * 1000)
    opened_ms = circuit.opened_ms or 0
    # A clock that jumped back must neither end the pause at once nor prolong it for ever.
    is_open = circuit.state == OPEN and abs(clock.now_ms() - opened_ms) < cooldown_ms
    return opened_ms + cooldown_ms if is_open else None


def _cooldown_s(circuit: Circuit, rules: Breaker.Rules, backoff: Backoff) -> float:
    """How long it stays open. What it counts beyond the threshold are probes that failed."""
    if circuit.failure_class in TRANSIENT:
        return backoff.delay_s(max(0, circuit.failures - rules.threshold))
    return rules.cooldown_s


def _close(tx: Transaction, circuit: Circuit, why: str) -> None:
    if circuit.state != CLOSED:
        _record(tx, "circuit_closed", circuit, why)
    tx.set_counter(_counter(circuit), None)


def _record(tx: Transaction, event: str, circuit: Circuit, cause: str) -> None:
    value = {"event": event, "breaker": circuit.name, "cause": cause, "failures": circuit.failures}
    now_ms = clock.now_ms()
    tx.drop_samples(EVENTS, now_ms - KEPT_MS)
    tx.add_sample(EVENTS, value, now_ms)


def _forget_old(tx: Transaction) -> None:
    """Agents may be command lines of one use: what was counted for one does not stay for ever."""
    for name, value in forgettable(tx, PREFIX):
        try:
            circuit = _read(name, value)
        except StoreError:
            continue  # it stops its own agent, whose refusal says why, and no other
        if circuit.state == CLOSED and circuit.changed_ms < clock.now_ms() - KEPT_MS:
            tx.set_counter(name, None)


def _without_probe(circuit: Circuit) -> Circuit:
    return replace(circuit, probe_thread=None, probe=None)


def _counter(circuit: Circuit) -> str:
    name = PREFIX + hashed(circuit.agent)
    return name if circuit.failure_class is None else f"{name}/{circuit.failure_class}"


def _is_of(name: str, whole: str) -> bool:
    return name == whole or name.startswith(f"{whole}/")


def _write(tx: Transaction, circuit: Circuit) -> None:
    """Kept as every version has done: two that share a store read each other's."""
    probe = circuit.probe
    value = {
        **circuit.__dict__,
        "threads": list(circuit.threads),
        "probe_pid": None if probe is None else probe.pid,
        "probe_started": None if probe is None else probe.started,
        **({"probe_host": probe.host} if probe is not None and probe.host else {}),
    }
    del value["probe"]
    tx.set_counter(_counter(circuit), value)


def _read(name: str, value: Any) -> Circuit:
    try:
        fields = {**value, "threads": tuple(value["threads"])}
        pid, started = fields.pop("probe_pid"), fields.pop("probe_started")
        host = fields.pop("probe_host", "")
        return Circuit(**fields, probe=None if pid is None else Owner(pid, started or "", host))
    except (TypeError, KeyError):
        raise unreadable(name, value, f"uwf guard reset {name}") from None
