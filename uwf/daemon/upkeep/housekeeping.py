"""The part that does what is to be done once a day or a week, by commands of their own: a backup, its drill, the
collection of what nothing needs any more, worktrees that are done with.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from uwf import clock
from uwf.daemon.loop.part import Part
from uwf.daemon.upkeep.command import BackgroundCommand
from uwf.errand import ENDING_S
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.daemon.loop.part import Daemon
    from uwf.daemon.upkeep.command import CommandEnded

    Words = tuple[str, ...]

CAUSE = "upkeep"
BACKUP, DRILL, COLLECT = ("store", "backup"), ("store", "drill"), ("store", "gc")
PRUNE = ("worktree", "prune")
DAY_MS = 86_400_000
LOOK_S = 600.0
"""How often is looked what is due."""
RETRY_S = 3600.0
"""After how long one that has failed is tried again."""
PATIENCE_MS = 3 * 3_600_000
"""How long a collection waits for an hour in which nothing runs: whoever writes waits for it a while."""


class Housekeeping(Part):
    """Tend: backups, their drill, and letting go of what is old."""

    name = "upkeep"

    def __init__(self, daemon: Daemon, command: BackgroundCommand | None = None) -> None:
        self._daemon = daemon
        self._command = command or BackgroundCommand(daemon.app.home, daemon.wake, daemon.stop)
        self._began_ms = clock.now_ms()
        self._look_s = clock.monotonic_s() + LOOK_S / 10
        self._not_before_s: dict[Words, float] = {BACKUP: 0.0, DRILL: 0.0, COLLECT: 0.0, PRUNE: 0.0}
        self._pruned_ms: int | None = None

    def tick(self, now_ms: int) -> float | None:
        ended = self._command.taken()
        if ended is not None:
            self._take(ended)
        now_s = clock.monotonic_s()
        if now_s >= self._look_s and not self._command.is_out and not self._daemon.is_draining:
            self._look_s = now_s + LOOK_S
            for words, at_ms in self._due(now_ms).items():
                is_due = at_ms is not None and at_ms <= now_ms
                if is_due and now_s >= self._not_before_s[words]:
                    self._command.begin(*words)
                    break
        return None  # it may wait for the look of the loop

    def close(self) -> None:
        """A command that goes on is ended: what it has done is durable."""
        self._command.wait(ENDING_S)

    def _due(self, now_ms: int) -> dict[Words, int | None]:
        """When each is due. Of a folder of backups that cannot be looked into its command tells."""
        app = self._daemon.app
        if not app.has_store():
            return {}
        found: dict[Words, int | None]
        try:
            found = {BACKUP: app.backups.due_ms(), DRILL: app.backups.drill_due_ms()}
        except InputError:
            found = {BACKUP: now_ms}
        return {**found, COLLECT: self._collect_ms(now_ms), PRUNE: self._prune_ms(now_ms)}

    def _prune_ms(self, now_ms: int) -> int | None:
        """At once, and a day after the last time; None where there is no worktree."""
        if not self._daemon.app.has_worktree_folders():
            return None
        return now_ms if self._pruned_ms is None else min(self._pruned_ms, now_ms) + DAY_MS

    def _collect_ms(self, now_ms: int) -> int | None:
        """The first time of day for it after the last one; later where threads run then."""
        app = self._daemon.app
        minutes = app.config.keep.collect_at
        if minutes is None:
            return None
        self._began_ms = min(self._began_ms, now_ms)
        last_ms = app.upkeep.gc_done_ms()
        if last_ms is None or last_ms > now_ms:  # the clock was ahead
            last_ms = self._began_ms
        last = datetime.fromtimestamp(last_ms / 1000)
        at = last.replace(hour=minutes // 60, minute=minutes % 60, second=0, microsecond=0)
        if at <= last:
            at += timedelta(days=1)
        at_ms = round(at.timestamp() * 1000)
        return at_ms + PATIENCE_MS if self._daemon.running else at_ms

    def _take(self, ended: CommandEnded) -> None:
        alerts, what = self._daemon.app.alerts, " ".join(ended.words)
        cause = f"{CAUSE}/{ended.words[-1]}"
        self._look_s = clock.monotonic_s()  # a drill may be due after a backup
        if ended.code == 0:
            if ended.words == PRUNE:
                self._pruned_ms = clock.now_ms()
            self._daemon.say(f"uwf {what} is done", what="upkeep", command=what)
            alerts.clear(cause)
            return
        if ended.could_not_begin:
            self._look_s += LOOK_S
            return
        self._not_before_s[ended.words] = clock.monotonic_s() + RETRY_S
        why = ended.error or f"it ended with {ended.code}"
        alerts.report(cause, "P1", f"{what} failed: {why} (uwf {what})")
