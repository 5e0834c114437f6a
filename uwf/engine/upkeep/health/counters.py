"""Values of the guards that cannot be decoded any more."""

from __future__ import annotations

from uwf.engine.upkeep.health.check import Check
from uwf.guard.capacity import queue
from uwf.record import replace
from uwf.store.values import COUNTER, ENTRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.upkeep.health.check import Finding


class CounterCheck(Check):
    """Counters and samples, and entries (an event, say), whose kind is told. A counter that is removed counts from
    nothing, and a switch is off then.
    """

    name = "counter"
    what = "counters that cannot be read"
    every_s = 3600.0
    is_slow = True  # it reads all there are

    def detect(self) -> list[Finding]:
        return [
            replace(
                self.found(f"{one.kind} {one.name}", one.why),
                kind=ENTRY if one.kind == ENTRY else self.name,
            )
            for one in self._ground.store.unreadable()
        ]

    def repair(self, finding: Finding) -> None:
        """All at once, so that the first finding is all there is to do."""
        if not self._ground.store.unreadable():
            return
        with self._ground.store.transaction("doctor counters", durable=False) as tx:
            for one in tx.drop_unreadable():
                if one.kind == COUNTER and one.name.startswith(queue.PREFIX):
                    queue.note_gone(tx)
