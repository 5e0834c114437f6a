"""What the machine has left for a home."""

from __future__ import annotations

import os

from uwf.engine.upkeep.health.check import NOW, Check
from uwf.guard.capacity import machine, room
from uwf.guard.capacity.resources import Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.upkeep.health.check import Finding

ROOM = 4
"""From this many times what must stay free on, there is room for a while."""


class DiskCheck(Check):
    """The room on the disk of the home, before it is so little that steps are refused; whether it can be written."""

    name = "disk"
    what = "room on the disk, and whether it can be written"
    level = NOW

    def detect(self) -> list[Finding]:
        home = self._ground.home
        floor_bytes = self._ground.run.config.rules(Resources.Rules).disk_floor_bytes
        lacks = room.lacks(home, floor_bytes)
        if lacks is not None:
            return [self.found(home, f"{lacks}: steps are refused", hint=f"df -h {home}")]
        left_bytes = machine.look(home if os.path.isdir(home) else "/").disk_bytes
        if left_bytes is None or left_bytes >= floor_bytes * ROOM:
            return []
        what = f"{left_bytes >> 20}MiB of disk are free where {home} is"
        return [self.found(home, what, hint=f"df -h {home}")]
