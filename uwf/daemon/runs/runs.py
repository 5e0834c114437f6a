"""How the daemon has threads run: the seam between who decides what is run, and where it runs.

Runs are its own children, or jobs in a queue that workers of many machines take.
"""

from __future__ import annotations

from typing import Protocol

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.app.values import DueThread


class RunEnded(Record):
    """A run that has ended: its exit code (negative: the signal that killed it) and how long it took; the code, the
    words and the time to try again of its last error, where it said one.
    """

    thread: str
    code: int
    lasted_s: float
    error: str | None = None
    message: str | None = None
    retry_at_ms: int | None = None


class RunsNow(Record):
    """The threads that were begun and have not been seen to end: those that run, and those that wait for a worker."""

    running: frozenset[str]
    waiting: frozenset[str]


class Runs(Protocol):
    """Of those that it has begun it knows how they end."""

    def room(self, running: int, jobs: int) -> int:
        """How many more may be begun while so many run, and `jobs` may run here at a time."""
        ...

    def start(self, due: Sequence[DueThread]) -> None:
        """Have a run of each begun, the first one first, until it is done. OSError where that cannot be."""
        ...

    def keep(self, due: Sequence[DueThread], now_ms: int) -> None:
        """These are all that are due now: what waits for a worker and is not among them waits no more."""
        ...

    def now(self) -> RunsNow:
        """Those that have not been seen to end."""
        ...

    def finished(self) -> Sequence[RunEnded]:
        """The runs that have ended since this was last asked."""
        ...


class NoRuns:
    """See `Runs`: for parts that run nothing."""

    def room(self, running: int, jobs: int) -> int:
        return 0

    def start(self, due: Sequence[DueThread]) -> None:
        assert not due, "nothing is run here"

    def keep(self, due: Sequence[DueThread], now_ms: int) -> None:
        return

    def now(self) -> RunsNow:
        return RunsNow(frozenset(), frozenset())

    def finished(self) -> Sequence[RunEnded]:
        return ()
