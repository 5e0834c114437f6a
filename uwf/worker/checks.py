"""The checks that a worker has made for its machine, by `doctor` in a process of their own, one at a time."""

from __future__ import annotations

from uwf import clock
from uwf.app.programs import Stop
from uwf.daemon.upkeep.command import BackgroundCommand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.daemon.news import News, Say

LEFT, SKEW = "attempt", "skew"
"""For what a killed run has left, agents that nobody waits for; and for a clock that is off."""
NOTE_S = 3600.0
"""How often it is noted for all machines that this one's clock is off."""
ENDING_S = 5.0


class Checks:
    """Of `home`; `skew` is whether the clock of this machine is off. At the beginning all are due: what an earlier
    worker has left, no other machine can end.
    """

    def __init__(self, home: str, wake: Callable[[], None], skew: News, say: Say) -> None:
        self._stop = Stop()
        self._stop.fileno()  # made here, before threads share it
        self._command = BackgroundCommand(home, wake, self._stop)
        self._skew, self._say = skew, say
        self._due = {LEFT, SKEW}
        self._notes_s = 0.0

    def run_died(self) -> None:
        self._due.add(LEFT)

    def heed_clock(self) -> None:
        """Say once that the clock of this machine is off, and let that be noted, for whoever looks from another one."""
        said, now_s = self._skew.taken(), clock.monotonic_s()
        if said is not None:
            self._say(said, what="clock")
        if said is not None or (self._skew.words and now_s >= self._notes_s):
            self._notes_s = now_s + NOTE_S
            self._due.add(SKEW)

    def go_on(self) -> None:
        """Begin what is due, where nothing is being checked."""
        if self._command.taken() is None and self._command.is_out:
            return
        if self._due:
            only = (word for name in sorted(self._due) for word in ("--only", name))
            self._due.clear()
            self._command.begin("doctor", "--repair", *only)

    def end(self) -> None:
        self._stop.request()

    def wait(self) -> None:
        """Until the last one has ended, but not for long."""
        self._command.wait(ENDING_S)
