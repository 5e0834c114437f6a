"""The part that decides what has been taken in: whom it is for, who is told, who wakes."""

from __future__ import annotations

from uwf.daemon.part import Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.daemon.part import Daemon


class Decisions(Part):
    """Events → words and wakes."""

    name = "decide"

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def tick(self, now_ms: int) -> float | None:
        return 0.0 if self._daemon.app.events.decide(now_ms) else None
