"""Waking the daemon of a home: one datagram to the socket in it, from whoever has committed something.

A poke says nothing but "look again". It may be lost, which costs half a minute, as the daemon looks by itself then; so
the sender never waits and never fails, and where no daemon runs it is one failed call.
"""

from __future__ import annotations

import os
import stat

# The C module itself: `socket` wraps it in enums, whose import costs as much as a command.
from _socket import AF_UNIX, SOCK_DGRAM, socket
from contextlib import contextmanager, suppress

from uwf import home as paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_BYTES = 100
"""Of a path that names a socket everywhere: Linux takes 107, macOS 103."""
OPEN_FOLDERS = "/proc/self/fd"
MODE = 0o600


def send(home: str) -> None:
    """Wake the daemon of `home`, if one runs."""
    with suppress(OSError), _address(home) as address:
        sender = socket(AF_UNIX, SOCK_DGRAM)
        try:
            sender.setblocking(False)
            sender.sendto(b"!", address)
        finally:
            sender.close()


def listen(home: str) -> socket:
    """The socket that `send` wakes, in place of one that a dead daemon has left. OSError where none can be made."""
    path = paths.daemon_socket(home)
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    listener = socket(AF_UNIX, SOCK_DGRAM)
    before = os.umask(0o777 & ~MODE)
    try:
        listener.setblocking(False)
        with _address(home) as address:
            listener.bind(address)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def can_be_sent(home: str) -> bool:
    """Whether there is a socket at its place."""
    try:
        return stat.S_ISSOCK(os.lstat(paths.daemon_socket(home)).st_mode)
    except OSError:
        return False


def gone(home: str) -> None:
    """Take the socket away, at the end of the daemon."""
    with suppress(OSError):
        os.unlink(paths.daemon_socket(home))


@contextmanager
def _address(home: str) -> Iterator[str]:
    """The path of the socket, by way of the open folder where it is too long. OSError where that cannot be."""
    path = paths.daemon_socket(home)
    if len(os.fsencode(path)) <= LONGEST_BYTES:
        yield path
        return
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"{OPEN_FOLDERS}/{folder}/{paths.DAEMON_SOCKET}"
    finally:
        os.close(folder)
