"""A connection that does not wait for ever for a server which says nothing any more.

A server that was stopped, or whose machine is behind a firewall that swallows all, keeps its connections open: nothing
tells the client. A statement may also just take long. So who has waited for some seconds knocks at the door once more:
where nobody opens, the connection is given up.
"""

from __future__ import annotations

import psycopg
from psycopg.conninfo import make_conninfo

from uwf import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, Self

SILENT_S = 5.0
"""After so long without a word it is looked whether the server is there; and again after twice that each time."""
KNOCK_S = 4
"""For so long it is knocked."""
_ANSWERED = "FATAL"
"""In what a server says that lets nobody in, but is there."""


class PatientConnection(psycopg.Connection["Any"]):
    """As any other; OperationalError from a statement on which a server is silent that lets nobody in either."""

    conninfo = ""

    @classmethod
    def connect(cls, conninfo: str = "", **options: Any) -> Self:
        made = super().connect(conninfo, **options)
        made.conninfo = make_conninfo(conninfo, connect_timeout=KNOCK_S)
        return made

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        return super().wait(self._heard(gen), *args, **options)

    def _heard(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """What `gen` waits for, and no longer than somebody is there to say it."""
        began_s = knocks_s = clock.monotonic_s()
        knocks_s += SILENT_S
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and clock.monotonic_s() >= knocks_s:
                    self._knock(clock.monotonic_s() - began_s)
                    knocks_s += 2 * (clock.monotonic_s() - began_s)
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value

    def _knock(self, silent_s: float) -> None:
        if self.conninfo and not _is_there(self.conninfo):
            self.close()
            raise psycopg.OperationalError(
                f"the server has said nothing for {silent_s:.1f} s, and lets nobody in"
            )


def _is_there(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo).close()
    except psycopg.Error as error:
        return _ANSWERED in str(error)
    return True
