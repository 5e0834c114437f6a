"""When a thread that is due may be run again: later and later where its runs end as nobody understands.

A run that was refused puts the thread's timer off by itself; only where it could not write that is it asked again
soon. A person's word that came after all that goes before it. What is wrong with the home (a full disk, a bad
configuration) is no thread's fault: then all wait a little, up to a minute. Kept in memory alone: a daemon that starts
tries each once more.
"""

from __future__ import annotations

from uwf import clock
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import DueThread
    from uwf.daemon.runs.runs import RunEnded

PERSON = "person"
DONE, FAULT, BAD_INPUT, SUSPENDED, AGENT_FAILED, NOT_NOW = 0, 1, 2, 3, 6, 75
SIGNALLED = (129, 130, 143, -1, -2, -15)
"""Exit codes of a run that somebody has stopped: it is at a whole step."""

STORE, OF_THE_HOME = "store", ("bad_config", "no_memory")
"""Beginnings of error codes, and whole ones, that say that something is wrong with the home or the machine."""

NOT_HERE = "not_here"
"""The error code of a run that another machine may do."""

REFUSED_S = 30.0
BASE_S, LONGEST_S = 5.0, 1800.0
ODD_IN_A_ROW = 3
"""So many runs that ended oddly, and a person is told."""
LONGEST_CLOSED_S = 60.0
MOST, WITHIN_S = 10, 60.0
"""So many runs of one thread within so long, whatever they came to, and the next one waits."""


class LastRuns(Record):
    """What is known of a thread's last runs: until when it is left alone, how many in a row ended oddly, when the last
    ones ended, all of the monotonic clock; and when the last one did by the wall clock, as timers are.
    """

    until_s: float = 0.0
    odd: int = 0
    ends_s: tuple[float, ...] = ()
    ended_ms: int = 0


class Patience:
    """Policy and memory of one thing: how long each thread is left alone."""

    def __init__(self) -> None:
        self._last: dict[str, LastRuns] = {}
        self._home_faults, self._opens_s = 0, 0.0

    def closed_s(self) -> float:
        """How long nothing is to be run at all; 0: it may."""
        return max(0.0, self._opens_s - clock.monotonic_s())

    def left_s(self, due: DueThread) -> float:
        """How long a thread that is due is left alone; 0: it may run."""
        last = self._last.get(due.thread)
        if last is None or (due.wake.kind == PERSON and due.wake.at_ms > last.ended_ms):
            return 0.0
        return max(0.0, last.until_s - clock.monotonic_s())

    def ended(self, ended: RunEnded) -> LastRuns:
        """Learn from a run that has ended; what is known of its thread from then on."""
        now_s, now_ms = clock.monotonic_s(), clock.now_ms()
        before = self._last.get(ended.thread, LastRuns())
        ends_s = (*before.ends_s, now_s)[-MOST:]
        wait_s, odd = 0.0, 0
        if is_of_the_home(ended):
            self._close(now_s)
        else:
            self._home_faults = 0
        if ended.code == NOT_NOW:
            asked_s = (ended.retry_at_ms - now_ms) / 1000 if ended.retry_at_ms else REFUSED_S
            wait_s = min(asked_s, REFUSED_S)
        elif is_odd(ended):
            odd = before.odd + 1
            wait_s = min(BASE_S * 2.0 ** (odd - 1), LONGEST_S)
        if len(ends_s) == MOST and now_s - ends_s[0] < WITHIN_S:
            wait_s = max(wait_s, ends_s[0] + WITHIN_S - now_s)
        self._last[ended.thread] = known = LastRuns(now_s + wait_s, odd, ends_s, now_ms)
        return known

    def _close(self, now_s: float) -> None:
        """Something is wrong with the home. Runs that find the same beside each other count once."""
        if now_s >= self._opens_s:
            self._home_faults += 1
            closed_s = min(BASE_S * 2.0 ** (self._home_faults - 1), LONGEST_CLOSED_S)
            self._opens_s = now_s + closed_s

    def forget_old(self) -> None:
        """Drop what decides nothing any more, so that this does not grow for years."""
        now_s = clock.monotonic_s()
        self._last = {
            thread: last
            for thread, last in self._last.items()
            if max(last.until_s, last.ends_s[-1]) + LONGEST_S > now_s
        }


def is_odd(ended: RunEnded) -> bool:
    """Whether a run has ended in a way that neither the thread's state nor a time explains."""
    known = (DONE, SUSPENDED, AGENT_FAILED, NOT_NOW, *SIGNALLED)
    is_known = ended.code in known or ended.error == NOT_HERE
    return not is_known and not is_of_the_home(ended)


def is_of_the_home(ended: RunEnded) -> bool:
    """Whether no thread of this home can be run just now."""
    error = ended.error or ""
    return ended.code in (FAULT, BAD_INPUT) and (error.startswith(STORE) or error in OF_THE_HOME)
