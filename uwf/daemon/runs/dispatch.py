"""The parts that run threads: begin a run of whoever is due, and see which runs have ended.

Whether a thread runs is asked of its lock, so a run that an earlier daemon has begun counts like one of our own.
"""

from __future__ import annotations

from uwf import clock, points
from uwf.daemon.loop.part import Part
from uwf.daemon.loop.quarantine import HOME
from uwf.daemon.runs.patience import ODD_IN_A_ROW, Patience, is_odd, is_of_the_home
from uwf.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.app.values import DueThread, UnreadableTimer
    from uwf.daemon.loop.part import Daemon
    from uwf.daemon.runs.runs import RunEnded
    from uwf.daemon.sources.looker import Looker

THREAD, TIMER = "thread", "timer"
BACK_MS = 1000


class Dispatch(Part):
    """Due → run: begins runs, `[daemon] jobs` at a time, the most urgent first, if it is still so."""

    name = "run"

    def __init__(self, daemon: Daemon, patience: Patience, looker: Looker) -> None:
        self._daemon, self._patience, self._looker = daemon, patience, looker
        self._apart_ms: float | None = None
        """By how much the two clocks were apart at the last look at all timers."""

    def tick(self, now_ms: int) -> float | None:
        daemon, wakes = self._daemon, self._daemon.app.wakes
        self._patience.forget_old()
        found = wakes.due(now_ms, look_ahead=self._may_have_gone_back(now_ms))
        self._set_aside(found.unreadable)
        begun = daemon.runs.now()
        runs = {*wakes.under_way(), *begun.running}
        due = [each for each in found.threads if each.thread not in runs]
        daemon.runs.keep(due, now_ms)
        daemon.quarantine.let_go_but(THREAD, {*runs, *(each.thread for each in due)})
        left_s = {each.thread: self._patience.left_s(each) for each in due}
        ready = [
            each for each in due if not left_s[each.thread] and each.thread not in begun.waiting
        ]
        closed_s = self._patience.closed_s()
        opens_ms = self._closed_until_ms() if ready else None
        is_open = opens_ms is None and not closed_s
        room = daemon.runs.room(len(runs), daemon.app.config.daemon.jobs) if is_open else 0
        new = self._begin(ready, room)
        after = daemon.runs.now() if new else begun
        daemon.running = frozenset(runs | after.running)
        daemon.waiting = len(ready) - len(new) + len(after.waiting)
        later_s = [(at_ms - now_ms) / 1000 for at_ms in (found.next_ms, opens_ms) if at_ms]
        later_s += [closed_s, *left_s.values(), self._looker.left_s]
        return min((each for each in later_s if each > 0), default=None)

    def _begin(self, ready: Iterable[DueThread], room: int) -> list[DueThread]:
        """Begin as many runs as there is room for, but for those that somebody runs by hand, and those of which it is
        still asked whether what they are told of is so, or is known not to be; the threads.
        """
        new: list[DueThread] = []
        for each in ready:
            if len(new) == room:
                break
            is_held = self._daemon.app.wakes.holder(each.thread) is not None
            if not is_held and self._looker.may_run(each.thread):
                new.append(each)
        if new:
            points.at("dispatch: decided")
            self._daemon.runs.start(new)
            points.at("dispatch: begun")
        for each in new:
            text = f"{each.thread} runs: {each.wake.why or 'it is due'}"
            self._daemon.say(text, what="dispatched", thread=each.thread)
        return new

    def _closed_until_ms(self) -> int | None:
        """Until when nothing may begin; 0: until somebody says so; None: it may."""
        if self._daemon.is_draining:
            return 0
        try:
            self._daemon.app.guards.refuse_if_stopped()
        except Refused as refusal:
            return refusal.retry_at_ms or 0
        return None

    def _set_aside(self, unreadable: Iterable[UnreadableTimer]) -> None:
        """Name the threads whose timer cannot be read, and no longer those where it can."""
        quarantine, found = self._daemon.quarantine, {each.thread: each.why for each in unreadable}
        quarantine.let_go_but(TIMER, found)
        for thread, why in found.items():
            quarantine.set_aside(TIMER, thread, why)

    def _may_have_gone_back(self, now_ms: int) -> bool:
        """Whether the wall clock may have been set back since this was last asked."""
        before_ms, self._apart_ms = self._apart_ms, now_ms - clock.monotonic_s() * 1000
        return before_ms is None or self._apart_ms < before_ms - BACK_MS


class Reaping(Part):
    """Reap: what runs came to."""

    name = "reap"

    def __init__(self, daemon: Daemon, patience: Patience) -> None:
        self._daemon, self._patience = daemon, patience
        self._fault = ""
        """The error code of what is wrong with the home."""

    def tick(self, now_ms: int) -> float | None:
        ended = self._daemon.runs.finished()
        for run in ended:
            points.at("reap: seen")
            self._ended(run)
        return 0.0 if ended else None  # there is room now

    def _ended(self, run: RunEnded) -> None:
        last = self._patience.ended(run)
        quarantine, why = self._daemon.quarantine, run.message or f"its run ended with {run.code}"
        text = f"{run.thread} ended ({run.code}) after {run.lasted_s:.1f} s"
        self._daemon.say(text, what="reaped", thread=run.thread, code=run.code)
        self._daemon.has_lost_run |= run.code < 0
        if is_of_the_home(run):
            self._fault = run.error or ""
            quarantine.set_aside(HOME, self._fault, why)
            return
        quarantine.let_go(HOME, self._fault)
        if not is_odd(run):
            quarantine.let_go(THREAD, run.thread)
        elif last.odd >= ODD_IN_A_ROW:
            quarantine.set_aside(THREAD, run.thread, why)
