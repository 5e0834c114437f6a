"""Whether the machine can bear another agent: memory, load, swapping, disk. Part of `server_overloaded`.

An agent is expected to take what its largest steps took lately, or `min_memory_bytes` while nothing is known. Those
that were started a moment ago have not taken theirs yet. A background request must leave room for `seats` more,
which are kept for people.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf.config_table import OFF, Table, count_from_zero, key, number_or_off, size
from uwf.errors import Crowded
from uwf.guard.capacity import machine
from uwf.guard.contract import BYTES, SHARE, AttemptStopped, Guard, Status, StatusLine, refuse
from uwf.guard.counters import forgettable, hashed
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from uwf.guard.capacity.machine import Left
    from uwf.guard.contract import AttemptOutcome, Host, Request
    from uwf.store.protocols import Transaction

PEAKS = "peak/"
FORGET = 0.9
"""A peak that is not reached again fades by a tenth a step. What exceeds the usual fades by a tenth an hour, too:
an agent that seems too large for the machine would not run again, and so never show that it is not.
"""
KEPT_MS = 30 * 86_400_000
MOST_STALLED_PERCENT = 20.0
"""How much of the time may be lost to waiting for memory."""


class Resources(Guard):
    """Learns what agents take, and says whether the machine has that. `slots` asks: a step that has to wait for memory
    waits in the queue, so entering this guard refuses nothing.
    """

    name = "resources"

    class Rules(Table, at="limits"):
        """What must stay free. `reserve_cpus` None: load refuses nothing, as it does by default: agents wait for the
        network, and a build that takes all CPUs must not stop a night. `seats` are the slots that people have beyond
        `max_running`, and as many agents' memory is kept for them.
        """

        reserve_cpus: float | None = key(number_or_off, OFF)
        min_memory_bytes: int = key(size, "500MiB")
        disk_floor_bytes: int = key(size, "256MiB")
        seats: int = key(count_from_zero, 2)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._rules: Resources.Rules = host.rules(Resources.Rules)

    def enter(self, request: Request) -> None:
        return

    def check(self, request: Request, starting: int = 0) -> None:
        """Raise `Refused` (`server_overloaded`) with the figures when the machine cannot bear the request.

        `starting` is the number of agents that were started a moment ago: they are taken for ones of this kind.
        """
        rules, left = self._rules, machine.look(self._host.home)
        takes_bytes = self.expected_bytes(request.agent)
        seats = 0 if request.person or request.interactive else rules.seats
        needed = takes_bytes * (1 + seats + starting)
        if left.memory_bytes is not None and left.memory_bytes < needed:
            others = [f"{starting} begun a moment ago"] if starting else []
            others += [f"{counted(seats, 'slot')} kept for people"] if seats else []
            raise refuse(
                "server_overloaded",
                f"{_mib(left.memory_bytes)} of memory are free; a step of {request.agent} takes "
                f"{_mib(takes_bytes)}, {' and '.join(['with that', *others])} {_mib(needed)} are needed",
                kind=Crowded,
                hint="uwf guard status",
            )
        if (
            rules.reserve_cpus is not None
            and left.cpus is not None
            and left.cpus < rules.reserve_cpus
        ):
            raise refuse(
                "server_overloaded",
                f"the load leaves {max(0.0, left.cpus):.1f} CPUs; {rules.reserve_cpus:g} must stay free",
                kind=Crowded,
                hint="uwf guard status",
            )
        if left.stalled_percent is not None and left.stalled_percent > MOST_STALLED_PERCENT:
            raise refuse(
                "server_overloaded",
                f"the machine waits for memory {left.stalled_percent:.0f} % of the time; "
                f"{MOST_STALLED_PERCENT:g} % is the most",
                kind=Crowded,
                hint="uwf guard status",
            )
        if left.disk_bytes is not None and left.disk_bytes < rules.disk_floor_bytes:
            raise refuse(
                "server_overloaded",
                f"{_mib(left.disk_bytes)} of disk are free; {_mib(rules.disk_floor_bytes)} must stay free",
                kind=Crowded,
                hint="uwf store gc",
            )

    def expected_bytes(self, agent: str) -> int:
        """The memory a step of `agent` is expected to take."""
        usual, peak = self._rules.min_memory_bytes, self._host.store.counter(PEAKS + hashed(agent))
        if not _is_peak(peak):
            return usual
        hours = max(0, clock.now_ms() - peak["at_ms"]) / 3_600_000
        excess = max(0, peak["bytes"] - usual)
        return int(peak["bytes"] - excess * (1 - FORGET**hours))

    def ended(self, tx: Transaction, request: Request, outcome: AttemptOutcome) -> None:
        if isinstance(outcome, AttemptStopped) or outcome.peak_memory_bytes <= 0:
            return
        agent = request.agent
        now_ms, before = clock.now_ms(), tx.counter(PEAKS + hashed(agent))
        if before is None:  # agents may be command lines of one use
            for name, other in forgettable(tx, PEAKS):
                if _is_peak(other) and other["at_ms"] < now_ms - KEPT_MS:
                    tx.set_counter(name, None)
        known = int(before["bytes"] * FORGET) if _is_peak(before) else 0
        peak_bytes = max(outcome.peak_memory_bytes, known)
        tx.set_counter(
            PEAKS + hashed(agent), {"agent": agent, "bytes": peak_bytes, "at_ms": now_ms}
        )

    def status(self) -> Status:
        home = self._host.home
        left = machine.look(home if os.path.isdir(home) else os.path.dirname(home) or "/")
        lines = [*self._free(left)]
        if left.stalled_percent is not None:
            lost, most = left.stalled_percent / 100, MOST_STALLED_PERCENT / 100
            lines.append(StatusLine("swapping", lost, most, SHARE, "of the time"))
        facts = {
            "freeMemoryBytes": left.memory_bytes,
            "freeDiskBytes": left.disk_bytes,
            "freeCpus": left.cpus,
            "stalledPercent": left.stalled_percent,
        }
        return Status(tuple(lines), {"machine": facts})

    def _free(self, left: Left) -> Iterator[StatusLine]:
        """What the machine has left, beside what must stay so."""
        rules = self._rules
        memory_bytes = rules.min_memory_bytes * (1 + rules.seats)
        seats = f" and {counted(rules.seats, 'slot')} for people" if rules.seats else ""
        unbound = "" if rules.reserve_cpus else "refuses nothing (limits.reserve_cpus)"
        cpus = None if left.cpus is None else round(max(0.0, left.cpus), 1)
        for name, free, least, unit, note in (
            ("memory free", left.memory_bytes, memory_bytes, BYTES, f"for a step{seats}"),
            ("disk free", left.disk_bytes, rules.disk_floor_bytes, BYTES, ""),
            ("cpus free", cpus, rules.reserve_cpus, "", unbound),
        ):
            now = "unknown" if free is None else free
            yield StatusLine(name, now, least, unit, note, at_least=True)


def _is_peak(value: Any) -> bool:
    """Whether `ended` wrote this. Anything else says nothing of an agent: it is learned anew."""
    return isinstance(value, dict) and {"bytes", "at_ms"} <= value.keys()


def _mib(size_bytes: int) -> str:
    """To the unit, so that what is there and what is needed read as two numbers."""
    return f"{size_bytes / (1 << 20):.0f}MiB"
