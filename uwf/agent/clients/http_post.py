"""One POST whose answer is read as it comes, and that can be given up at any moment.

It is made in a thread of its own, since a name that does not resolve and a host that does not answer can be waited for
in no other way. What comes is taken by whoever asked, who watches `fileno()` beside what else may happen.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from uwf import proxy
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

CONNECT_S = 30.0
"""How long a connection may take: a host that is off says nothing at all."""
ENDING_S = 1.0
_CHUNK_BYTES = 64 << 10
_WAITING = 16


class Head(Record):
    """The answer begins. The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]


class End(Record):
    """The answer is over, or there is none, for what `error` says."""

    error: Exception | None = None


Part: TypeAlias = Head | bytes | End


class Post:
    """`url` is asked from the moment that this is made. What it gives is a `Head`, chunks of the body, and an `End`.

    OSError or RuntimeError: this process can have no thread, or no pipe, more.
    """

    def __init__(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self._url, self._headers, self._body = url, headers, body
        self._parts: queue.Queue[Part] = queue.Queue(_WAITING)
        self._lock = threading.Lock()
        self._is_over = False
        self._connection: HTTPConnection | None = None
        self._wakes, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._work, daemon=True, name="post")
        try:
            self._thread.start()
        except RuntimeError:
            self._close_pipe()
            raise

    def fileno(self) -> int:
        """A descriptor that is readable while something has come that was not taken."""
        return self._wakes

    def taken(self) -> Iterator[Part]:
        """What has come until now."""
        for _ in os.read(self._wakes, _WAITING):
            yield self._parts.get()

    def close(self) -> None:
        """Give it up, whether it has ended or not."""
        with self._lock:
            self._is_over = True
            sock = None if self._connection is None else self._connection.sock
            if sock is not None:
                # Of a socket with TLS only its thread may use what is above this.
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        while not self._parts.empty():
            self._parts.get()  # there may be one more that waits for room
        self._thread.join(ENDING_S)
        self._close_pipe()

    def _close_pipe(self) -> None:
        with self._lock:
            self._is_over = True
        os.close(self._wakes)
        os.close(self._wake)

    def _work(self) -> None:
        try:
            self._ask()
            self._put(End())
        except (OSError, HTTPException, ValueError) as error:
            self._put(End(error))
        finally:
            if self._connection is not None:
                self._connection.close()

    def _ask(self) -> None:
        there = urlsplit(self._url)
        target = (there.path or "/") + (f"?{there.query}" if there.query else "")
        headers = dict(self._headers)
        is_secure, by = there.scheme == "https", proxy.on_the_way_to(there)
        to = by or there
        connection = (HTTPSConnection if is_secure else HTTPConnection)(
            to.hostname or "", to.port, timeout=CONNECT_S
        )
        if by is not None and is_secure:
            connection.set_tunnel(there.hostname or "", there.port, proxy.credentials(by))
        elif by is not None:
            target, headers = self._url, {**headers, **proxy.credentials(by)}
        connection.connect()
        connection.sock.settimeout(None)
        with self._lock:
            self._connection = connection
            if self._is_over:
                return
        connection.request("POST", target, self._body, headers)
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        self._put(Head(response.status, named))
        while (chunk := response.read1(_CHUNK_BYTES)) and not self._is_over:
            self._put(chunk)

    def _put(self, part: Part) -> None:
        if self._is_over:
            return
        self._parts.put(part)
        with self._lock:
            if not self._is_over:
                os.write(self._wake, b"\0")
