"""A home with schedules, looked at by as many processes as a test wants, on a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.helpers.flows import PAIR
from tests.helpers.rig import Rig
from tests.helpers.ticking import Ticking
from uwf.config.schedules import Schedule
from uwf.engine.schedules import alarms, begin, claim, facts
from uwf.engine.schedules import occurrence as occurrences
from uwf.engine.schedules.occurrence import Occurrence
from uwf.engine.schedules.precheck import Prechecks
from uwf.errors import NotFound
from uwf.recurrence import Recurrence
from uwf.workflow.model import Workflow

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


class Planned:
    """The schedules of a home over a rig, and a look at them as a daemon or a cron line takes it."""

    def __init__(self, rig: Rig, now: Ticking, *schedules: Schedule) -> None:
        self.rig, self.now, self.schedules = rig, now, schedules
        self.cancelled: list[str] = []
        self.awaited: frozenset[str] = frozenset()
        self.prechecks = Prechecks({"PATH": "/bin:/usr/bin"})

    def tick(self, now_ms: int | None = None) -> list[Occurrence]:
        """One look; those of which there was news."""
        if now_ms is not None:
            self.now.ms = now_ms
        at_ms = self.now.ms
        found = facts.settle(self.rig.store, self.watch, at_ms)
        self.claim()
        return found + begin.begin_claimed(self.hands(), at_ms)

    def claim(self) -> list[Occurrence]:
        return claim.claim_due(self.rig.store, self.schedules, rule, self.now.ms)

    @property
    def watch(self) -> facts.Watch:
        pause_after = {schedule.name: schedule.pause_after for schedule in self.schedules}
        return facts.Watch(pause_after, self.awaited)

    def hands(self) -> begin.Hands:
        return begin.Hands(
            store=self.rig.store,
            schedules={schedule.name: schedule for schedule in self.schedules},
            workflow=self._workflow,
            cancel=self._cancel,
            prechecks=self.prechecks,
            watch=self.watch,
            home=self.rig.engine.home,
            zone=None,
        )

    def _workflow(self, word: str, cwd: str) -> Workflow:
        if word != "pair":
            raise NotFound(f"no workflow {word!r}")
        return PAIR

    def _cancel(self, thread: str, why: str) -> bool:
        self.cancelled.append(thread)
        self.rig.cancel(thread, why)
        return True

    @property
    def all(self) -> list[Occurrence]:
        return occurrences.find(self.rig.store)

    @property
    def states(self) -> list[str]:
        """What has become of each, by their times."""
        return [one.how or one.state for one in self.all]

    @property
    def last(self) -> Occurrence:
        return self.all[-1]

    def alarms(self) -> list[str]:
        names = [schedule.name for schedule in self.schedules]
        return [each.kind for each in alarms.alarms(self.rig.store, names, self.now.ms)]


def rule(schedule: Schedule) -> Recurrence:
    return Recurrence(schedule.cron, schedule.every_s, ZoneInfo(schedule.tz or "UTC"))


@pytest.fixture
def planned(make_rig: Callable[..., Rig], now: Ticking, home: str) -> Callable[..., Planned]:
    """A home with one schedule, `night`, every hour: fields of it are given."""

    def make(*more: Schedule, **fields: Any) -> Planned:
        what = {} if "wake" in fields else {"start": "pair", "prompt": "Tidy up.", "cwd": home}
        when = {} if "cron" in fields else {"every_s": 3600.0}
        now.ms = 1_700_000_000_000 // HOUR_MS * HOUR_MS + MINUTE_MS
        schedule = Schedule(name="night", **{**what, **when, **fields})
        schedule.check()
        found = Planned(make_rig(), now, schedule, *more)
        found.tick()
        return found

    return make
