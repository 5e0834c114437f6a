"""What the machine has left for a home."""

from __future__ import annotations

import os

from uwf.engine.upkeep.health.check import NOW, Check
from uwf.guard.capacity import machine
from uwf.guard.capacity.resources import Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.upkeep.health.check import Finding

ROOM = 4
"""From this many times what must stay free on, there is room for a while."""


class DiskCheck(Check):
    """The room on the disk of the home, before it is so little that steps are refused."""

    name = "disk"
    what = "room on the disk"
    level = NOW

    def detect(self) -> list[Finding]:
        home = self._ground.home
        left_bytes = machine.look(home if os.path.isdir(home) else "/").disk_bytes
        floor_bytes = self._ground.run.config.rules(Resources.Rules).disk_floor_bytes
        if left_bytes is None or left_bytes >= floor_bytes * ROOM:
            return []
        what = f"{left_bytes >> 20}MiB of disk are free where {home} is"
        if left_bytes < floor_bytes:
            what += f", less than the {floor_bytes >> 20}MiB that must stay free: steps are refused"
        return [self.found(home, what, hint=f"df -h {home}")]
