"""Reading from a connection that somebody else feeds, as slowly as they like, until a moment that is fixed."""

from __future__ import annotations

import io

from uwf import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any


class Timed(io.RawIOBase):
    """What comes by `connection`, until `deadline_s` of the monotonic clock. TimeoutError after it."""

    def __init__(self, connection: socket.socket, deadline_s: float) -> None:
        self._connection, self._deadline_s = connection, deadline_s
        self._raw = connection.makefile(
            "rb", buffering=0
        )  # keeps the connection open until it is closed, too

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left_s = self._deadline_s - clock.monotonic_s()
        if left_s <= 0:
            raise TimeoutError
        self._connection.settimeout(left_s)
        return self._raw.readinto(buffer) or 0

    def close(self) -> None:
        self._raw.close()
        super().close()
