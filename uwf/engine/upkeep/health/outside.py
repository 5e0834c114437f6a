"""What a home hears from outside: sources that fail, and schedules that said they would and did not."""

from __future__ import annotations

import shlex

from uwf import clock
from uwf.engine.schedules import alarms
from uwf.engine.sources import state as states
from uwf.engine.upkeep.health.check import Check
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.upkeep.health.check import Finding

FAILURES = 3
"""So many polls in a row are no accident: a token has expired, or a repository was renamed."""


class SourceCheck(Check):
    """Sources whose last polls failed. They are asked again later and later, which may be in vain."""

    name = "source"
    what = "sources that cannot be asked"
    is_note = True
    is_told_by_others = True

    def detect(self) -> list[Finding]:
        found, store = [], self._ground.store
        for name in self._ground.run.config.settings.get("sources", {}):
            state = states.of(store, name)
            if state.failures >= FAILURES and states.paused_ms(store, name) is None:
                polls = counted(state.failures, "poll")
                what = f"source {name} failed {polls} in a row: {state.error}"
                hint = shlex.join(("uwf", "source", "test", name))
                found.append(self.found(name, what, hint=hint))
        return found


class ScheduleCheck(Check):
    """Occurrences without a start or a first word, and schedules that were paused for their failures."""

    name = "schedule"
    what = "schedules that said they would and did not"
    is_told_by_others = True

    def detect(self) -> list[Finding]:
        names = tuple(self._ground.run.config.settings.get("schedules", {}))
        found = alarms.alarms(self._ground.store, names, clock.now_ms())
        return [self.found(one.cause, one.text, hint=one.hint) for one in found]
