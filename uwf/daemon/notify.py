"""What the daemon says to its supervisor: https://www.freedesktop.org/software/systemd/man/sd_notify.

A datagram of lines `NAME=value` to the socket that the supervisor has named; without one nothing is said.
"""

from __future__ import annotations

import socket
from contextlib import suppress

from uwf import clock, config

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


class Supervisor:
    """The supervisor of this process."""

    def __init__(self, address: str | None, watchdog_s: float | None) -> None:
        """`watchdog_s`: within how long it wants to hear from us, again and again."""
        self._address = address
        self.watchdog_s = watchdog_s

    def ready(self, status: str) -> None:
        """The daemon leads, and does its work."""
        watched = [] if self.watchdog_s is None else [_watchdog(self.watchdog_s)]
        self._say(READY, f"STATUS={status}", *watched)

    def waiting(self, status: str) -> None:
        """Started, though it only waits for another one to end, and says nothing meanwhile."""
        self._say(READY, f"STATUS={status}", *([] if self.watchdog_s is None else [_watchdog(0)]))

    def alive(self) -> None:
        """The loop has come round once more."""
        if self.watchdog_s is not None:
            self._say(ALIVE)

    def reloading(self) -> None:
        """The configuration is read anew; `ready` ends that."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={round(clock.monotonic_s() * 1_000_000)}")

    def stopping(self, status: str) -> None:
        self._say(STOPPING, f"STATUS={status}")

    def _say(self, *lines: str) -> None:
        if self._address is None:
            return
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto("\n".join(lines).encode(), address)


def of_this_process() -> Supervisor:
    return Supervisor(config.notify_socket(), config.watchdog_s())


def _watchdog(seconds: float) -> str:
    """Another time for the watchdog; 0 sends it to sleep."""
    return f"WATCHDOG_USEC={round(seconds * 1_000_000)}"
