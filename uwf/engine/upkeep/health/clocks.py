"""Jumps of the wall clock: it was set, or the machine was suspended.

What lies between the wall clock and the monotonic one stays the same otherwise. A daemon notes it, as the counter
`health/clock` = {boot, apart_s, jumped_s, at_ms}; what has changed it by more than two seconds is told for a day.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent.process import platform
from uwf.engine.upkeep.health.check import LATER, Check
from uwf.quantities import TIME, said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.upkeep.health.check import Finding

COUNTER = "health/clock"
JUMP_S, DRIFT_S = 2.0, 0.5
TOLD_MS = 86_400_000


class ClockCheck(Check):
    """A clock that was set, and a machine that slept. Due times are of the wall clock: they come early or late."""

    name = "clock"
    what = "jumps of the clock"
    level = LATER
    is_note = True

    def detect(self) -> list[Finding]:
        before, now = self._ground.store.counter(COUNTER), self._look()
        if _is_of_boot(before, now["boot"]):
            jumped_s = now["apart_s"] - before["apart_s"]
            if abs(jumped_s) > JUMP_S:
                now |= {"jumped_s": jumped_s, "at_ms": clock.now_ms()}
            elif abs(jumped_s) > DRIFT_S:  # of clocks that are kept right by small steps
                now |= {"jumped_s": before["jumped_s"], "at_ms": before["at_ms"]}
            else:
                now = before
        if self._ground.may_write and now != before:
            with self._ground.store.transaction("health clock", durable=False) as tx:
                tx.set_counter(COUNTER, now)
        if not now["jumped_s"] or clock.now_ms() - now["at_ms"] > TOLD_MS:
            return []
        way = "forward" if now["jumped_s"] > 0 else "back"
        length = said(TIME, abs(now["jumped_s"]))
        what = f"the clock went {way} by {length}, seen at {clock.iso(now['at_ms'])}: set, or the machine slept"
        return [self.found("clock", what, hint="timedatectl")]

    def _look(self) -> dict[str, Any]:
        apart_s = round(clock.now_ms() / 1000 - clock.monotonic_s(), 3)
        boot = platform.this_process().started.partition(":")[0]
        return {"boot": boot, "apart_s": apart_s, "jumped_s": 0.0, "at_ms": 0}


def _is_of_boot(noted: Any, boot: str) -> bool:
    return isinstance(noted, dict) and noted.get("boot") == boot and "apart_s" in noted
