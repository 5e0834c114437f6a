"""Which threads wait for a place to run, since when, and how many go before them.

Only looks: how the line goes is in `guard/line.py`.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent.process import platform
from uwf.guard import queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.chain.nodes import Reader


class Waiting:
    """The line, read once for many threads: again only when somebody has left it or is new in it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._gone = -1
        self._positions: dict[str, int] = {}

    def of(self, thread: str, pid: int) -> dict[str, Any] | None:
        """Since when (epoch ms) process `pid` waits for a place for `thread`, and its position, counted from 1; None
        when it does not wait.
        """
        entry = queue.find(self._reader, thread)
        if entry is None or entry.pid != pid:
            return None
        gone = queue.gone(self._reader)
        if gone != self._gone or thread not in self._positions:
            waiting = queue.entries(self._reader, platform.is_same)
            order = queue.in_order(waiting, clock.monotonic_s())
            self._gone = gone
            self._positions = {each.thread: number for number, each in enumerate(order, 1)}
        position = self._positions.get(thread)
        if position is None:  # it has gone meanwhile
            return None
        return {"since": clock.now_ms() - queue.waited_ms(entry), "position": position}
