"""Whether the machine can bear another agent: memory, load, swapping, disk. Part of `server_overloaded`.

An agent is expected to take what its largest steps took lately, or `expected_bytes` while nothing is known. Those
that were started a moment ago have not taken theirs yet. A background request must leave room for `seats` more,
which are kept for people.
"""

from __future__ import annotations

from uwf import clock
from uwf.guard.contract import refuse
from uwf.guard.counters import forgettable, key
from uwf.quantities import counted
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.guard.contract import Request
    from uwf.guard.machine import Left
    from uwf.store.protocols import Counters, Transaction

PEAKS = "peak/"
FORGET = 0.9
"""A peak that is not reached again fades by a tenth a step. What exceeds the usual fades by a tenth an hour, too:
an agent that seems too large for the machine would not run again, and so never show that it is not.
"""
KEPT_MS = 30 * 86_400_000


class Rules(Record):
    """What must stay free. `reserve_cpus` None: load refuses nobody."""

    expected_bytes: int = 500 << 20
    reserve_cpus: float | None = None
    max_stalled_percent: float = 20.0
    disk_floor_bytes: int = 256 << 20
    seats: int = 2


def check(
    rules: Rules, request: Request, left: Left, expected_bytes: int, starting: int = 0
) -> None:
    """Raise `Refused` (`server_overloaded`) with the figures when the machine cannot bear the request.

    `starting` is the number of agents that were started a moment ago: they are taken for ones of this kind.
    """
    seats = 0 if request.person else rules.seats
    needed = expected_bytes * (1 + seats + starting)
    if left.memory_bytes is not None and left.memory_bytes < needed:
        others = [f"{starting} begun a moment ago"] if starting else []
        others += [f"{counted(seats, 'place')} kept for people"] if seats else []
        raise refuse(
            "server_overloaded",
            f"{_mb(left.memory_bytes)} of memory are free; a step of {request.agent} takes "
            f"{_mb(expected_bytes)}, {' and '.join(['with that', *others])} {_mb(needed)} are needed",
            hint="uwf guard status",
        )
    if rules.reserve_cpus is not None and left.cpus is not None and left.cpus < rules.reserve_cpus:
        raise refuse(
            "server_overloaded",
            f"the load leaves {max(0.0, left.cpus):.1f} CPUs; {rules.reserve_cpus:g} must stay free",
            hint="uwf guard status",
        )
    if left.stalled_percent is not None and left.stalled_percent > rules.max_stalled_percent:
        raise refuse(
            "server_overloaded",
            f"the machine waits for memory {left.stalled_percent:.0f} % of the time; "
            f"{rules.max_stalled_percent:g} % is the most",
            hint="uwf guard status",
        )
    if left.disk_bytes is not None and left.disk_bytes < rules.disk_floor_bytes:
        raise refuse(
            "server_overloaded",
            f"{_mb(left.disk_bytes)} of disk are free; {_mb(rules.disk_floor_bytes)} must stay free",
            hint="uwf store gc",
        )


def expected(counters: Counters, rules: Rules, agent: str) -> int:
    """The memory a step of `agent` is expected to take, in bytes."""
    peak = counters.counter(PEAKS + key(agent))
    if not _is_peak(peak):
        return rules.expected_bytes
    hours = max(0, clock.now_ms() - peak["at_ms"]) / 3_600_000
    excess = max(0, peak["bytes"] - rules.expected_bytes)
    return int(peak["bytes"] - excess * (1 - FORGET**hours))


def tell(tx: Transaction, agent: str, peak_bytes: int) -> None:
    """A step of `agent` took `peak_bytes` at its most."""
    if peak_bytes <= 0:
        return
    now_ms, before = clock.now_ms(), tx.counter(PEAKS + key(agent))
    if before is None:  # agents may be command lines of one use
        for name, other in forgettable(tx, PEAKS):
            if _is_peak(other) and other["at_ms"] < now_ms - KEPT_MS:
                tx.set_counter(name, None)
    known = int(before["bytes"] * FORGET) if _is_peak(before) else 0
    peak = {"agent": agent, "bytes": max(peak_bytes, known), "at_ms": now_ms}
    tx.set_counter(PEAKS + key(agent), peak)


def _is_peak(value: Any) -> bool:
    """Whether this is what `tell` wrote. Anything else says nothing of an agent: it is learned anew."""
    return isinstance(value, dict) and {"bytes", "at_ms"} <= value.keys()


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):.0f} MB"
