"""GETs to one host over one connection, which is kept between them: a poll asks a forge for some hundred things.

A proxy that the environment names (`https_proxy`, `no_proxy`) is gone through. Nothing here outlasts the deadline, but
a name that does not resolve.
"""

from __future__ import annotations

import io
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from uwf import clock, proxy
from uwf.daemon.timed import Timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from urllib.parse import SplitResult

REST_BYTES = 1 << 16
"""So much of an answer that nobody wants is read, so that the connection can be kept."""


class Connection:
    """To the host of `url`, until `deadline_s` of the monotonic clock. OSError, HTTPException and ValueError say what
    is wrong.
    """

    def __init__(self, url: str, deadline_s: float) -> None:
        there = urlsplit(url)
        self.to = there[:2]
        self._deadline_s = deadline_s
        self._is_secure = there.scheme == "https"
        self._proxy = proxy.on_the_way_to(there)
        self._connection = self._made(there)

    def get(self, url: str, headers: Mapping[str, str]) -> HTTPResponse:
        """The answer, whose body is still to be read: then `release` it."""
        is_kept = self._connection.sock is not None
        try:
            return self._asked(url, headers)
        except OSError as error:
            self.close()
            if not is_kept or isinstance(error, TimeoutError):
                raise
            return self._asked(url, headers)  # the other side has closed what was kept
        except (HTTPException, ValueError):
            self.close()
            raise

    def release(self, response: HTTPResponse) -> None:
        """No more is read of this answer. What is left of it would stand before the next one."""
        with suppress(OSError, HTTPException, ValueError):
            response.read(REST_BYTES)
        if not response.isclosed():
            response.close()
            self.close()

    def close(self) -> None:
        self._connection.close()

    def _made(self, there: SplitResult) -> HTTPConnection:
        kind = HTTPSConnection if self._is_secure else HTTPConnection
        to = self._proxy or there
        connection = kind(to.hostname or "", to.port)
        connection.response_class = self._response  # type: ignore[assignment]  # it makes one
        if self._proxy is not None and self._is_secure:
            connection.set_tunnel(there.hostname or "", there.port, proxy.credentials(self._proxy))
        return connection

    def _response(self, connection: Any, *rest: Any, **more: Any) -> HTTPResponse:
        response = HTTPResponse(connection, *rest, **more)
        response.fp.close()
        response.fp = io.BufferedReader(Timed(connection, self._deadline_s))
        return response

    def _asked(self, url: str, headers: Mapping[str, str]) -> HTTPResponse:
        left_s = self._deadline_s - clock.monotonic_s()
        if left_s <= 0:
            raise TimeoutError
        connection = self._connection
        connection.timeout = left_s
        if connection.sock is not None:
            connection.sock.settimeout(left_s)
        asked = urlsplit(url)
        target = (asked.path or "/") + (f"?{asked.query}" if asked.query else "")
        if self._proxy is not None and not self._is_secure:
            target, headers = url, {**headers, **proxy.credentials(self._proxy)}
        connection.request("GET", target, headers=dict(headers))
        return connection.getresponse()
