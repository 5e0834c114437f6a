"""Files that a killed uwf had not finished."""

from __future__ import annotations

from uwf.engine.upkeep import stale_files
from uwf.engine.upkeep.health.check import LATER, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.upkeep.health.check import Finding


class FileCheck(Check):
    """Unfinished files, which need no store to be found."""

    name = "file"
    what = "unfinished files"
    level = LATER
    every_s = 3600.0
    needs_store = False

    def detect(self) -> list[Finding]:
        paths = stale_files.find(self._ground.home)
        return [self.found(path, f"{path} was never finished") for path in paths]

    def repair(self, finding: Finding) -> None:
        stale_files.remove(finding.subject)
