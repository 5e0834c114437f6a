"""Whether the machine can bear another agent: memory, load, swapping, disk. Part of `server_overloaded`.

An agent is expected to take what its largest steps took lately, or `expected_bytes` while nothing is known. A
background request must leave room for `seats` more, which are kept for people.
"""

from __future__ import annotations

from uwf.guard.contract import refuse
from uwf.guard.keys import key
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.guard.contract import Request
    from uwf.guard.machine import Left
    from uwf.store.protocols import Counters, Transaction

PEAKS = "peak/"
FORGET = 0.9
"""A peak that is not reached again fades by a tenth a step."""


class Rules(Record):
    """What must stay free. `reserve_cpus` None: load refuses nobody."""

    expected_bytes: int = 500 << 20
    reserve_cpus: float | None = None
    max_stalled_percent: float = 20.0
    disk_floor_bytes: int = 256 << 20
    seats: int = 2


def check(rules: Rules, request: Request, left: Left, expected_bytes: int) -> None:
    """Raise `Refused` (`server_overloaded`) with the figures when the machine cannot bear the request."""
    seats = 1 if request.person else 1 + rules.seats
    needed = expected_bytes * seats
    if left.memory_bytes is not None and left.memory_bytes < needed:
        kept = "" if request.person else f" and {rules.seats} places kept for people"
        raise refuse(
            "server_overloaded",
            f"{_mb(left.memory_bytes)} of memory are free; a step of {request.agent} takes "
            f"{_mb(expected_bytes)}, with that{kept} {_mb(needed)} are needed",
            hint="uwf guard status",
        )
    if rules.reserve_cpus is not None and left.cpus is not None and left.cpus < rules.reserve_cpus:
        raise refuse(
            "server_overloaded",
            f"the load leaves {max(0.0, left.cpus):.1f} CPUs; {rules.reserve_cpus:g} are to stay free",
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
            f"{_mb(left.disk_bytes)} of disk are free; {_mb(rules.disk_floor_bytes)} are to stay free",
            hint="uwf store gc",
        )


def expected(counters: Counters, rules: Rules, agent: str) -> int:
    """The memory a step of `agent` is expected to take, in bytes."""
    peak = counters.counter(PEAKS + key(agent))
    return rules.expected_bytes if peak is None else int(peak["bytes"])


def tell(tx: Transaction, agent: str, peak_bytes: int) -> None:
    """A step of `agent` took `peak_bytes` at its most."""
    if peak_bytes <= 0:
        return
    before = tx.counter(PEAKS + key(agent))
    known = 0 if before is None else int(before["bytes"] * FORGET)
    tx.set_counter(PEAKS + key(agent), {"agent": agent, "bytes": max(peak_bytes, known)})


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):.0f} MB"
