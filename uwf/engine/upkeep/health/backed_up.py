"""The backups: that there is one that is young enough, and that the last drill went well."""

from __future__ import annotations

from uwf import clock
from uwf.engine.upkeep import backups
from uwf.engine.upkeep.health.check import Check
from uwf.quantities import TIME, said
from uwf.store_address import is_database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.upkeep.health.check import Finding

LATE = 2
"""How many times `backup.every` the newest may be old."""


class BackupCheck(Check):
    """Backups that stopped, and a drill that failed. Where none was ever made nobody misses one."""

    name = "backup"
    what = "backups that are too old, and a drill that failed"
    every_s = 3600.0

    def detect(self) -> list[Finding]:
        rules = self._ground.run.config.backup
        folder, found = backups.folder_of(self._ground.home, rules), []
        if is_database(self._ground.store.place):
            return []  # which has backups of its own
        newest = backups.newest(folder)
        if newest is not None and rules.every_s is not None:
            age_s = (clock.now_ms() - newest.at) // 1000
            if age_s > LATE * rules.every_s:
                what = f"the newest backup, {newest.file}, is {said(TIME, age_s)} old"
                found.append(self.found("newest", what, hint="uwf store backup"))
        drill = backups.last_drill(self._ground.store)
        if drill is not None and drill.problem is not None:
            what = f"the drill with {drill.file} failed: {drill.problem}"
            found.append(self.found("drill", what, hint="uwf store drill"))
        return found
