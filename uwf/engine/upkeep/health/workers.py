"""Workers of other machines, and of this one, that take nothing of what is due."""

from __future__ import annotations

from uwf.engine.upkeep.health.check import Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.upkeep.health.check import Finding


class WorkerCheck(Check):
    """Those that have said what their home lacks. They take again when it has that."""

    name = "worker"
    what = "workers that take nothing"
    is_told_by_others = True  # the daemon that leads sets them aside

    def detect(self) -> list[Finding]:
        return [
            self.found(host, f"the worker on {host} takes nothing: {why}", hint="uwf worker list")
            for host, why in self._ground.unfit().items()
        ]
