"""The part that keeps the figures of the days that are over, and notes how many threads wait."""

from __future__ import annotations

from uwf import clock
from uwf.daemon.loop.part import Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.daemon.loop.part import Daemon

LOOK_S = 300.0


class Figuring(Part):
    """Tend: figures, of which all but the last three days would be lost."""

    name = "figures"

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._look_s = clock.monotonic_s() + LOOK_S

    def tick(self, now_ms: int) -> float | None:
        now_s = clock.monotonic_s()
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            self._daemon.app.figures.keep(now_ms)
        return None  # it may wait for the look of the loop
