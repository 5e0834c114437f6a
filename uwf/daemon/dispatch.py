"""The parts that run threads: begin a run of whoever is due, and see which runs have ended.

Whether a thread runs is asked of its lock, so a run that an earlier daemon has begun counts like one of our own.
"""

from __future__ import annotations

from uwf.daemon.part import Part
from uwf.daemon.patience import ODD_IN_A_ROW, Patience, is_odd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import ThreadView
    from uwf.daemon.part import Daemon
    from uwf.daemon.runs import RunEnded

THREAD = "thread"


class Dispatch(Part):
    """Due → run: begins runs, `[daemon] jobs` at a time, in the order in which threads are due."""

    name = "run"

    def __init__(self, daemon: Daemon, patience: Patience) -> None:
        self._daemon, self._patience = daemon, patience

    def tick(self, now_ms: int) -> float | None:
        daemon = self._daemon
        self._patience.forget_old(now_ms)
        timed = [view for view in daemon.app.threads("active").threads if view.wake_at is not None]
        timed.sort(key=lambda view: (view.wake_at, view.thread))
        runs = {view.thread for view in timed if view.running is not None}
        runs.update(daemon.runs.threads())
        may_run = [view for view in timed if view.thread not in runs]
        due = [view for view in may_run if self._at_ms(view) <= now_ms]
        room = 0 if daemon.is_draining else max(0, daemon.app.config.daemon.jobs - len(runs))
        for view in due[:room]:
            daemon.runs.start(view.thread)
            text = f"{view.thread} runs: {view.wake_why or 'it is due'}"
            daemon.say(text, what="dispatched", thread=view.thread)
            runs.add(view.thread)
        daemon.running, daemon.waiting = frozenset(runs), len(due[room:])
        later = [self._at_ms(view) - now_ms for view in may_run if self._at_ms(view) > now_ms]
        return min(later) / 1000 if later else None

    def _at_ms(self, view: ThreadView) -> int:
        return max(view.wake_at or 0, self._patience.until_ms(view.thread))


class Reaping(Part):
    """Reap: what runs came to."""

    name = "reap"

    def __init__(self, daemon: Daemon, patience: Patience) -> None:
        self._daemon, self._patience = daemon, patience

    def tick(self, now_ms: int) -> float | None:
        ended = self._daemon.runs.finished()
        for run in ended:
            self._ended(run, now_ms)
        return 0.0 if ended else None  # there is room now

    def _ended(self, run: RunEnded, now_ms: int) -> None:
        held = self._patience.ended(run, now_ms)
        quarantine, why = self._daemon.quarantine, run.message or f"its run ended with {run.code}"
        text = f"{run.thread} ended ({run.code}) after {run.lasted_s:.1f} s"
        self._daemon.say(text, what="reaped", thread=run.thread, code=run.code)
        if not is_odd(run):
            quarantine.let_go(THREAD, run.thread)
        elif held.odd >= ODD_IN_A_ROW:
            quarantine.set_aside(THREAD, run.thread, why)
