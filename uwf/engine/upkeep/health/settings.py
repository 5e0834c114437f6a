"""The configuration as it stands in the file now, which is not always the one that a daemon goes by."""

from __future__ import annotations

import shlex
import shutil

from uwf.engine.upkeep.health.check import Check
from uwf.errors import ConfigInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.config.records import Config
    from uwf.engine.upkeep.health.check import Finding


class ConfigCheck(Check):
    """A file that does not say what it should, and agents whose program is not there."""

    name = "config"
    what = "the configuration, and the programs of agents"
    every_s = 60.0
    needs_store = False

    def detect(self) -> list[Finding]:
        try:
            config = self._ground.load_config()
        except ConfigInvalid as error:
            return [self.found("file", error.message, hint=error.hint or "uwf config list")]
        return self._agents(config)

    def _agents(self, config: Config) -> list[Finding]:
        path, found = self._ground.environ.get("PATH", ""), []
        for name, agent in config.agents.items():
            program = agent.argv[0] if agent.argv else None
            if program is not None and shutil.which(program, path=path) is None:
                what = f"agent {name}: there is no program {program}"
                hint = shlex.join(("uwf", "agent", "check", name))
                found.append(self.found(name, what, hint=hint, is_note=True))
        return found
