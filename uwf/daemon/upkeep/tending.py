"""The part that looks after the health of the home, by the table of checks that `uwf doctor` makes.

A quick check looks in the thread of the loop; one that is slow, and every repair, is a command of its own. What stays
wrong is an alert by its cause, until it is found no more.
"""

from __future__ import annotations

from uwf import clock
from uwf.daemon.loop.part import Part
from uwf.daemon.upkeep.command import BackgroundCommand
from uwf.errand import ENDING_S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.app.values import CheckView
    from uwf.daemon.loop.part import Daemon
    from uwf.daemon.upkeep.command import CommandEnded

CAUSE = "health/"
LEFT = "attempt"
"""The check for what a killed run has left."""
FIRST_S = 60.0
"""A daemon has other things to do when it begins."""

Causes = dict[str, tuple[str, str]]
"""Of alerts: cause → level and words."""


class Tending(Part):
    """Tend: what is wrong is found, put right, and told if it stays."""

    name = "health"

    def __init__(self, daemon: Daemon, command: BackgroundCommand | None = None) -> None:
        self._daemon = daemon
        self._command = command or BackgroundCommand(daemon.app.home, daemon.wake, daemon.stop)
        self._checks = {
            check.name: (check, check.every_s)
            for check in daemon.app.health.checks()
            if check.every_s is not None
        }
        begin_s = clock.monotonic_s() + FIRST_S
        self._due_s = dict.fromkeys(self._checks, begin_s)
        self._waiting: list[str] = []
        """Checks to be made by a command, the slow ones and those with something to repair."""
        self._troubles: dict[str, Causes] = {}
        """By check, what stays wrong."""

    def tick(self, now_ms: int) -> float | None:
        ended = self._command.taken()
        if ended is not None:
            self._take(ended)
        if self._daemon.has_lost_run:
            self._daemon.has_lost_run = False
            self._wait_for(LEFT)
        for name in self._due():
            self._look(self._checks[name][0])
        if self._waiting and not self._command.is_out:
            self._command.begin("doctor", "--repair", "--only", self._waiting.pop(0))
        self._tell()
        return None  # a check may wait for the look of the loop: none of them wakes it

    def close(self) -> None:
        """A command that goes on is ended: what it has done is durable."""
        self._command.wait(ENDING_S)

    def _due(self) -> list[str]:
        now_s = clock.monotonic_s()
        due = [name for name, at_s in self._due_s.items() if at_s <= now_s]
        for name in due:
            self._due_s[name] = now_s + self._checks[name][1]
        return due

    def _look(self, check: CheckView) -> None:
        if check.is_slow:
            self._wait_for(check.name)
            return
        found = self._daemon.app.health.examine([check.name], note=True)
        if check.can_repair and any(not one.is_note for one in found):
            self._wait_for(check.name)
        else:
            self._troubles[check.name] = _causes(vars(one) for one in found)

    def _wait_for(self, name: str) -> None:
        if name not in self._waiting:
            self._waiting.append(name)

    def _take(self, ended: CommandEnded) -> None:
        """What a check has found and not put right, which is told; or that it could not be made."""
        name = ended.words[-1]
        if isinstance(ended.answer, list):
            for one in ended.answer:
                if one["repaired"]:
                    self._daemon.say(
                        f"repaired: {one['what']}", what="repaired", thread=one["thread"]
                    )
            self._troubles[name] = _causes(ended.answer)
        elif not ended.could_not_begin:
            why = ended.error or f"it ended with {ended.code}"
            self._troubles[name] = {f"{CAUSE}{name}": ("P1", f"check {name} failed: {why}")}

    def _tell(self) -> None:
        """Open and end the alerts of what was found, as far as something has changed."""
        alerts = self._daemon.app.alerts
        known = {one.cause: one.text for one in alerts.all() if one.is_open}
        found = Causes()
        for causes in self._troubles.values():
            found |= causes
        for cause, (level, text) in found.items():
            if known.get(cause) != text:
                alerts.report(cause, level, text)
        looked = tuple(f"{CAUSE}{name}" for name in self._troubles)
        for cause in known.keys() - found.keys():
            if cause.startswith(looked):
                alerts.clear(cause)


def _causes(findings: Iterable[dict[str, object]]) -> Causes:
    """What was found and not put right."""
    found = Causes()
    for one in findings:
        if not one["repaired"]:
            hint = f" ({one['hint']})" if one["hint"] else ""
            found[f"{CAUSE}{one['kind']}/{one['subject']}"] = (
                str(one["level"]),
                f"{one['what']}{hint}",
            )
    return found
