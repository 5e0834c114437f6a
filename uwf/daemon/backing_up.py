"""The part that makes a backup each day, and tries one each week, by commands of their own."""

from __future__ import annotations

from uwf import clock
from uwf.daemon.command import BackgroundCommand
from uwf.daemon.part import Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.daemon.command import CommandEnded
    from uwf.daemon.part import Daemon

CAUSE = "backup"
BACKUP, DRILL = ("store", "backup"), ("store", "drill")
LOOK_S = 600.0
"""How often is looked what is due."""
RETRY_S = 3600.0
"""After how long one that has failed is tried again."""


class BackingUp(Part):
    """Tend: backups, and their drill."""

    name = "backup"

    def __init__(self, daemon: Daemon, command: BackgroundCommand | None = None) -> None:
        self._daemon = daemon
        self._command = command or BackgroundCommand(daemon.app.home, daemon.wake)
        self._look_s = clock.monotonic_s() + LOOK_S / 10
        self._not_before_s: dict[tuple[str, ...], float] = {BACKUP: 0.0, DRILL: 0.0}

    def tick(self, now_ms: int) -> float | None:
        ended = self._command.taken()
        if ended is not None:
            self._take(ended)
        now_s = clock.monotonic_s()
        if now_s >= self._look_s and not self._command.is_out:
            self._look_s = now_s + LOOK_S
            for words, at_ms in self._due_ms().items():
                is_due = at_ms is not None and at_ms <= now_ms
                if is_due and now_s >= self._not_before_s[words]:
                    self._command.begin(*words)
                    break
        return None  # it may wait for the look of the loop

    def _due_ms(self) -> dict[tuple[str, ...], int | None]:
        backups = self._daemon.app.backups
        return {BACKUP: backups.due_ms(), DRILL: backups.drill_due_ms()}

    def _take(self, ended: CommandEnded) -> None:
        alerts, what = self._daemon.app.alerts, " ".join(ended.words)
        self._look_s = clock.monotonic_s()  # a drill may be due after a backup
        if ended.code == 0:
            self._daemon.say(f"{what}: {ended.answer and ended.answer['file']}")
            alerts.clear(f"{CAUSE}/{ended.words[-1]}")
            return
        self._not_before_s[ended.words] = clock.monotonic_s() + RETRY_S
        why = ended.error or f"it ended with {ended.code}"
        alerts.report(f"{CAUSE}/{ended.words[-1]}", "P1", f"{what} failed: {why} (uwf {what})")
