"""What ends the sleep of the loop: a poke, a signal, a run that has ended, a part whose own thread has something, and
what is heard from elsewhere.
"""

from __future__ import annotations

import os
import selectors
import signal
from contextlib import suppress

from uwf.app.unattended import poke

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable
    from types import FrameType

DRAIN = (signal.SIGTERM, signal.SIGINT)
NOW = signal.SIGUSR1
RELOAD = signal.SIGHUP
LISTENED = (*DRAIN, NOW, RELOAD, signal.SIGCHLD)
READ_BYTES = 4096
MOST_POKES = 1000
"""Taken from the socket in one go, so that a flood of them does not keep the loop from its work."""


class Wakeups:
    """The sleep of a real daemon, or of a worker; signals wait in `signals` until they are taken. One a process."""

    def __init__(self, home: str | None, heard: Callable[[], int | None] = lambda: None) -> None:
        """Pokes are those to `home`; None: there are none. `heard` names what is readable once something was heard;
        None while nothing can be.
        """
        self._home, self._heard = home, heard
        self.signals: list[int] = []
        self.deaf: str | None = None
        """Why nobody can wake the loop, which then only looks by itself."""
        self._selector = selectors.DefaultSelector()
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._selector.register(self._read, selectors.EVENT_READ)
        self._before = {number: signal.signal(number, _nothing) for number in LISTENED}
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._socket: socket | None = None
        self._listen()

    def until(self, seconds: float) -> None:
        """Sleep for so long, or until something wakes the loop. Where nothing has, it is seen to that something can."""
        heard = self._heard()
        if heard is not None:
            self._selector.register(heard, selectors.EVENT_READ)
        try:
            is_woken = self._selector.select(seconds)
        finally:
            if heard is not None:
                self._selector.unregister(heard)
        if not is_woken and self._home is not None and not poke.can_be_sent(self._home):
            self._listen()
        self._take()

    def wake(self) -> None:
        """End the sleep, from any thread, also one that is late."""
        with suppress(OSError):  # it is woken already, or has ended
            os.write(self._write, b"\0")

    def close(self) -> None:
        """Signals do again what they did before."""
        if self._socket is not None and self._home is not None:
            poke.gone(self._home)
            self._socket.close()
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._selector.close()
        os.close(self._read)
        os.close(self._write)

    def _listen(self) -> None:
        """Listen at the socket of the home, in place of one that somebody has removed."""
        if self._socket is not None:
            self._selector.unregister(self._socket.fileno())
            self._socket.close()
        self._socket, self.deaf = None, None
        if self._home is None:
            return
        try:
            self._socket = poke.listen(self._home)
            self._selector.register(self._socket.fileno(), selectors.EVENT_READ)
        except OSError as error:
            self.deaf = f"{error.strerror or error}"

    def _take(self) -> None:
        with suppress(BlockingIOError):
            while data := os.read(self._read, READ_BYTES):
                self.signals += [number for number in data if number in LISTENED]
        if self._socket is not None:
            with suppress(BlockingIOError):
                for _ in range(MOST_POKES):
                    self._socket.recv(1)


def _nothing(_signum: int, _frame: FrameType | None) -> None:
    """The number is read from the pipe."""
