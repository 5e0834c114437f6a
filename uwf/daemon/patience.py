"""When a thread may be run again: what a refusal named, and later and later where runs end as nobody understands.

Kept in memory alone: a daemon that starts tries each once more.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.daemon.runs import RunEnded

DONE, FAULT, SUSPENDED, AGENT_FAILED, NOT_NOW = 0, 1, 3, 6, 75
SIGNALLED = (129, 130, 143, -1, -2, -15)
"""Exit codes of a run that somebody has stopped: it is at a whole step."""

CROWDED_MS = 30_000
BASE_MS, LONGEST_MS = 5_000, 30 * 60_000
ODD_IN_A_ROW = 3
"""So many runs that ended oddly, and a person is told."""
MOST, WITHIN_MS = 10, 60_000
"""So many runs of one thread within so long, whatever they came to, and the next one waits."""


class LastRuns(Record):
    """What is known of a thread's last runs: until when it is left alone, how many in a row ended oddly, and when the
    last ones ended."""

    until_ms: int = 0
    odd: int = 0
    ends_ms: tuple[int, ...] = ()


class Patience:
    """Policy and memory of one thing: when each thread may be run again."""

    def __init__(self) -> None:
        self._held: dict[str, LastRuns] = {}

    def until_ms(self, thread: str) -> int:
        """Until when it is left alone; a time that is over where it may run."""
        return self._held.get(thread, LastRuns()).until_ms

    def ended(self, ended: RunEnded, now_ms: int) -> LastRuns:
        """Learn from a run that has ended; what is known of the thread from then on."""
        before = self._held.get(ended.thread, LastRuns())
        ends = (*before.ends_ms, now_ms)[-MOST:]
        until_ms, odd = now_ms, 0
        if ended.code == NOT_NOW:
            until_ms = ended.retry_at_ms or now_ms + CROWDED_MS
        elif is_odd(ended):
            odd = before.odd + 1
            until_ms = now_ms + min(BASE_MS * 2 ** (odd - 1), LONGEST_MS)
        if len(ends) == MOST and now_ms - ends[0] < WITHIN_MS:
            until_ms = max(until_ms, ends[0] + WITHIN_MS)
        self._held[ended.thread] = held = LastRuns(until_ms, odd, ends)
        return held

    def forget_old(self, now_ms: int) -> None:
        """Drop what decides nothing any more, so that this does not grow for years."""
        self._held = {
            thread: held
            for thread, held in self._held.items()
            if max(held.until_ms, held.ends_ms[-1]) + LONGEST_MS > now_ms
        }


def is_odd(ended: RunEnded) -> bool:
    """Whether a run has ended in a way that neither the thread's state nor a time explains."""
    return ended.code not in (DONE, SUSPENDED, AGENT_FAILED, NOT_NOW, *SIGNALLED)
