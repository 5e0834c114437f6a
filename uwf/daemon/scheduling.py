"""The part that looks at the schedules: what is due is claimed and begun, and followed to its end."""

from __future__ import annotations

from uwf.daemon.loop.now_and_then import NowAndThen
from uwf.daemon.loop.part import Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.app.values import OccurrenceView
    from uwf.daemon.loop.part import Daemon


SCHEDULE = "schedule"
"""What is set aside."""


class Scheduling(Part):
    """Schedules: threads that a time starts or wakes are due, and run like all others."""

    name = "schedules"

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._held: set[str] = set()
        self._problems = NowAndThen(self._look)
        daemon.app.schedules.on_answer = daemon.wake

    def tick(self, now_ms: int) -> float | None:
        if self._daemon.is_draining:
            return None
        tick = self._daemon.app.schedules.tick(now_ms)
        problems = self._problems.at(now_ms, self._daemon.app.config)
        self._set_aside({**problems, **tick.set_aside})
        for one in tick.news:
            self._daemon.say(
                f"schedule {one.schedule}: {_said(one)}",
                what=f"occurrence_{one.state}",
                thread=one.threads[0] if one.threads else None,
                schedule=one.schedule,
                nominal=one.nominal,
                is_logged=True,
            )
        if tick.news:
            return 0.0  # there are events of it to decide
        return None if tick.next_ms is None else max(0.0, (tick.next_ms - now_ms) / 1000)

    def _look(self) -> Mapping[str, str]:
        """What cannot start as things are."""
        found = self._daemon.app.schedules.problems()
        return {f"{SCHEDULE}/{name}": why for name, why in found.items()}

    def _set_aside(self, found: Mapping[str, str]) -> None:
        quarantine = self._daemon.quarantine
        for entry in self._held - found.keys():
            kind, _, name = entry.partition("/")
            quarantine.let_go(kind, name)
        for entry, why in found.items():
            kind, _, name = entry.partition("/")
            quarantine.set_aside(kind, name, why)
        self._held = {*found}

    def close(self) -> None:
        self._daemon.app.schedules.close()


def _said(one: OccurrenceView) -> str:
    word = " ".join((one.how or one.state, *one.threads[:3]))
    return f"{word}: {one.why}" if one.why else word
