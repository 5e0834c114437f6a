"""The thread lock: one process steps a thread.

The operating system holds it, so a dead holder holds nothing, and "running" can be asked of the kernel
instead of a status that a crash would leave behind. All threads of a home share one file; a thread is one
byte of it, at an offset made from its ULID, under a POSIX record lock. That keeps a folder of 100,000
threads free of lock files, and `F_GETLK` names the holder without ever taking the lock, so looking at a
thread cannot make an `exec` elsewhere fail.

POSIX record locks belong to the process and vanish when *any* descriptor of the file is closed, so this
module keeps one descriptor per file for the life of the process, and excludes other users within the same
process itself. Locks are not inherited by fork: an agent never holds one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
import time
from _thread import allocate_lock

from uwf import clock
from uwf.errors import Busy, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_POLL_S = 0.02

_descriptors: dict[str, int] = {}
_held: dict[tuple[str, int], ThreadLock] = {}
_changing = allocate_lock()  # held while what this process holds changes


def _forget() -> None:
    """In a forked child: it holds none of its parent's locks."""
    global _changing
    _held.clear()
    _changing = allocate_lock()


os.register_at_fork(after_in_child=_forget)


class ThreadLock:
    """A held lock; a context manager that lets go. Made by `take`."""

    def __init__(self, path: str, offset: int) -> None:
        self._path = path
        self._offset = offset

    def release(self) -> None:
        """Let go. May be called twice, also when somebody else has the lock by then."""
        with _changing:
            if _held.get((self._path, self._offset)) is self:
                fcntl.lockf(_descriptor(self._path), fcntl.LOCK_UN, 1, self._offset)
                del _held[self._path, self._offset]

    def __enter__(self) -> ThreadLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def take(
    path: str,
    thread: str,
    *,
    wait_s: float = 0.0,
    pause: Callable[[float], None] = time.sleep,
) -> ThreadLock:
    """Take the lock of `thread` in the lock file at `path`, waiting `wait_s` seconds at most.

    Raises `Busy` when another process (or another user in this one) has it, `StoreError` when the file cannot
    be written. `pause(seconds)` passes the time between two looks; what it raises ends the waiting.
    """
    wanted = ThreadLock(path, _offset(thread))
    deadline_s = clock.monotonic_s() + wait_s
    while not _try(wanted, path, _offset(thread)):
        if clock.monotonic_s() >= deadline_s:
            raise Busy(f"thread {thread} is running in another process")
        pause(_POLL_S)
    return wanted


def holder(path: str, thread: str) -> int | None:
    """The pid of the process that holds the lock of `thread` now, or None. Takes nothing."""
    offset = _offset(thread)
    if (path, offset) in _held:
        return os.getpid()
    if path not in _descriptors and not os.path.exists(path):
        return None
    return _query(_descriptor(path), offset)


def _try(wanted: ThreadLock, path: str, offset: int) -> bool:
    """Take the lock for `wanted` if it is free."""
    with _changing:
        if (path, offset) in _held:
            return False
        try:
            descriptor = _descriptor(path)
        except OSError as error:
            raise _cannot_lock(path, error) from error
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise _cannot_lock(path, error) from error
        _held[path, offset] = wanted
        return True


def _cannot_lock(path: str, error: OSError) -> StoreError:
    # A descriptor that was opened for reading alone is a bad one for taking a lock.
    why = "the file is read-only" if error.errno == errno.EBADF else error.strerror
    return StoreError(f"cannot lock in {path}: {why}", hint=f"ls -la {os.path.dirname(path)}")


def _offset(thread: str) -> int:
    """The byte of a thread: the low 62 bits of its ULID, all of them random; or the end of another name."""
    number = 0
    for digit in thread[-13:]:
        place = _CROCKFORD.find(digit)
        if place < 0:
            number = int.from_bytes(thread.encode()[-8:], "big")
            break
        number = number << 5 | place
    return number & (1 << 62) - 1


def _descriptor(path: str) -> int:
    found = _descriptors.get(path)
    if found is None:
        try:
            found = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EROFS, errno.EPERM):
                raise
            try:
                found = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # enough to ask, not to take
            except FileNotFoundError:
                raise error from None  # what is in the way is that it cannot be made
        _descriptors[path] = found
    return found


if sys.platform == "darwin":  # struct flock, <sys/fcntl.h>
    _FLOCK = "=qqihh"

    def _query(descriptor: int, offset: int) -> int | None:
        asked = struct.pack(_FLOCK, offset, 1, 0, fcntl.F_WRLCK, os.SEEK_SET)
        told = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        return None if told[3] == fcntl.F_UNLCK else told[2]

else:  # struct flock with 64-bit offsets, <fcntl.h>
    _FLOCK = "=hhiqqii"

    def _query(descriptor: int, offset: int) -> int | None:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, offset, 1, 0, 0)
        told = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        return None if told[0] == fcntl.F_UNLCK else told[5]
