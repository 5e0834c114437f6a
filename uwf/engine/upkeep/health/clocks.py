"""Clocks: jumps of this machine's, since it was set, or the machine was suspended; and those of machines that share a
store which are not that of its database.

What lies between the wall clock and the monotonic one stays the same otherwise. A daemon notes it, as the counter
`health/clock` = {boot, apart_s, jumped_s, at_ms}; what has changed it by more than two seconds is told for a day.

A machine whose clock is off goes by the database's, see `uwf.clock`. Workers and daemons note by how much, as the
counter `health/skew/HOST` = {off_ms, at_ms}, so that it is seen from every machine. It is told for a day, too.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent.process import platform
from uwf.engine.upkeep.health.check import LATER, Check
from uwf.quantities import TIME, said
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.upkeep.health.check import Finding
    from uwf.store.protocols import Store

COUNTER = "health/clock"
OFF, SET_RIGHT = "health/skew/", "timedatectl set-ntp true"
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


class ClockOff(Record):
    """By how many ms the clock of a machine is ahead of the database's, negative: behind."""

    host: str
    off_ms: int

    @property
    def words(self) -> str:
        length = said(TIME, abs(self.off_ms) / 1000)
        way = "ahead of" if self.off_ms > 0 else "behind"
        return f"the clock of {self.host} is {length} {way} that of the database; uwf goes by the database's there"


class SkewCheck(Check):
    """A clock that is not the database's. Which of the two is wrong nobody can tell from here."""

    name = "skew"
    what = "clocks that are not that of the database"

    def detect(self) -> list[Finding]:
        store = self._ground.store
        if not store.is_shared:
            return []
        here, now_off_ms = store.leases.host, clock.off_ms()
        if self._ground.may_write:
            note(store, here, now_off_ms)
        own = [ClockOff(here, now_off_ms)] if now_off_ms else []
        others = [each for each in clocks_off(store) if each.host != here]
        return [
            *(self.found(here, each.words, hint=SET_RIGHT) for each in own),
            *(
                self.found(each.host, each.words, hint=f"ssh {each.host} {SET_RIGHT}")
                for each in others
            ),
        ]


def note(store: Store, host: str, off_ms: int) -> None:
    """Say by how much the clock of a machine is off, 0: it is right; and forget what nobody has said for a day."""
    now_ms, before = clock.now_ms(), dict(store.counters(OFF))
    after = {name: value for name, value in before.items() if _is_fresh(value, now_ms)}
    after.pop(OFF + host, None)
    if off_ms:
        after[OFF + host] = {"off_ms": off_ms, "at_ms": now_ms}
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    if changed:  # what others say meanwhile stays
        with store.transaction("health skew", durable=False) as tx:
            for name in changed:
                tx.set_counter(name, after.get(name))


def clocks_off(store: Store) -> list[ClockOff]:
    """The clocks that are off, as their machines have noted it within a day."""
    now_ms = clock.now_ms()
    noted = [
        (name, value["off_ms"]) for name, value in store.counters(OFF) if _is_fresh(value, now_ms)
    ]
    return [ClockOff(name.removeprefix(OFF), off_ms) for name, off_ms in noted]


def _is_fresh(value: Any, now_ms: int) -> bool:
    return isinstance(value, dict) and now_ms - value.get("at_ms", 0) <= TOLD_MS


def _is_of_boot(noted: Any, boot: str) -> bool:
    return isinstance(noted, dict) and noted.get("boot") == boot and "apart_s" in noted
