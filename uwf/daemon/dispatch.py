"""The parts that run threads: begin a run of whoever is due, and see which runs have ended.

Whether a thread runs is asked of its lock, so a run that an earlier daemon has begun counts like one of our own.
"""

from __future__ import annotations

from uwf import clock
from uwf.daemon.part import Part
from uwf.daemon.patience import ODD_IN_A_ROW, Patience, is_odd
from uwf.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.daemon.part import Daemon
    from uwf.daemon.runs import RunEnded

THREAD = "thread"
BACK_MS = 1000


class Dispatch(Part):
    """Due → run: begins runs, `[daemon] jobs` at a time, the most urgent first."""

    name = "run"

    def __init__(self, daemon: Daemon, patience: Patience) -> None:
        self._daemon, self._patience = daemon, patience
        self._apart_ms: float | None = None
        """By how much the two clocks were apart at the last look at all timers."""

    def tick(self, now_ms: int) -> float | None:
        daemon, wakes = self._daemon, self._daemon.app.wakes
        self._patience.forget_old(now_ms)
        found = wakes.due(now_ms, look_ahead=self._may_have_gone_back(now_ms))
        for odd in found.unreadable:
            daemon.quarantine.set_aside(THREAD, odd.thread, odd.why)
        runs = {*wakes.under_way(), *daemon.runs.threads()}
        due = [each for each in found.threads if each.thread not in runs]
        held_ms = {each.thread: self._patience.until_ms(each.thread) for each in due}
        ready = [each for each in due if held_ms[each.thread] <= now_ms]
        room = self._room(len(runs)) if ready else 0
        begun = 0
        for each in ready:
            if begun == room:
                break
            if wakes.holder(each.thread) is None:  # else somebody runs it by hand
                daemon.runs.start(each.thread)
                text = f"{each.thread} runs: {each.wake.why or 'it is due'}"
                daemon.say(text, what="dispatched", thread=each.thread)
                runs.add(each.thread)
                begun += 1
        daemon.running, daemon.waiting = frozenset(runs), len(ready) - begun
        later = [at_ms for at_ms in (found.next_ms, *held_ms.values()) if at_ms and at_ms > now_ms]
        return (min(later) - now_ms) / 1000 if later else None

    def _room(self, running: int) -> int:
        """How many more may begin."""
        daemon = self._daemon
        if daemon.is_draining:
            return 0
        try:
            daemon.app.guards.refuse_if_stopped()
        except Refused:
            return 0
        return max(0, daemon.app.config.daemon.jobs - running)

    def _may_have_gone_back(self, now_ms: int) -> bool:
        """Whether the wall clock may have been set back since this was last asked."""
        before_ms, self._apart_ms = self._apart_ms, now_ms - clock.monotonic_s() * 1000
        return before_ms is None or self._apart_ms < before_ms - BACK_MS


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
