"""Leases of a store on one machine, which the operating system holds: one process steps a thread.

A dead holder holds nothing, so "running" can be asked of the kernel instead of a status that a crash would leave
behind, and a lease never expires. All threads of a home share one file; a thread is one byte of it, at an offset
made from its ULID, under a POSIX record lock. That keeps a folder of 100,000 threads free of lock files, and
`F_GETLK` names the holder without ever taking the lock, so looking at a thread cannot make an `exec` elsewhere fail.
This is why `filelock`, which serves wherever a plain lock is wanted, is not used here: it locks whole files, and
asking it for the holder means to take the lock.

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
from _thread import allocate_lock

from uwf import clock, owned
from uwf import home as paths
from uwf.errors import StoreBusy, StoreError, Superseded
from uwf.record import Record
from uwf.store.owner import Owner
from uwf.store.values import Lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.store.protocols import Leases

STOP_WORD = "stop"
"""What is left for a holder that is to stop."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_END = 1 << 62
"""After the byte of every name."""
_ENDING = 12
"""So many digits at the end of a ULID its byte tells: 60 bits."""

_descriptors: dict[str, int] = {}
_held: dict[tuple[str, int], Lease] = {}
_changing = allocate_lock()  # held while what this process holds changes
_epoch = 0  # of the last lease taken by this process


def _forget() -> None:
    """In a forked child: it holds none of its parent's locks."""
    global _changing
    _held.clear()
    _changing = allocate_lock()


os.register_at_fork(after_in_child=_forget)


class _Lock(Record):
    """A stretch of bytes that another process holds."""

    begin: int
    length: int
    pid: int


class FileLeases:
    """See `uwf.store.protocols.Leases`: those in the lock file at `path`, which the first `take` makes.

    The epoch tells the leases of one process apart. Those of different processes need not be: the kernel never has
    two holders.
    """

    lasts_s: float | None = None
    host = ""

    def __init__(self, path: str) -> None:
        self._path = path

    def take(self, name: str, *, waits: bool = False) -> Lease | None:
        """With `waits` the process sleeps until it has the lease, and is woken by the kernel as soon as it is free."""
        global _epoch
        path, offset = self._path, _offset(name)
        with _changing:
            if (path, offset) in _held:
                return None
            try:
                descriptor = _descriptor(path)
            except OSError as error:
                raise _cannot_lock(path, error) from error
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB), 1, offset)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EACCES):
                    return None
                raise _cannot_lock(path, error) from error
            _epoch += 1
            _held[path, offset] = lease = Lease(name, Owner(os.getpid()), _epoch)
            return lease

    def holder(self, name: str) -> Owner | None:
        offset = _offset(name)
        if (self._path, offset) in _held:
            return Owner(os.getpid())
        return self._asked(offset, 1)

    def anyone(self) -> Owner | None:
        path = self._path
        if any(held == path for held, _ in _held):
            return Owner(os.getpid())
        return self._asked(0, 0)

    def held(self) -> list[str]:
        mine = [offset for path, offset in list(_held) if path == self._path]
        return list({_ending(offset) for offset in (*mine, *self._of_others())})

    def longest_s(self) -> float | None:
        return None

    def renew(self, lease: Lease) -> bool:
        return _held.get((self._path, _offset(lease.name))) == lease

    def ask(self, name: str, what: str) -> bool:
        return False

    def has_lapsed(self, name: str) -> bool:
        return False

    def asked(self, lease: Lease) -> str:
        return ""

    def _of_others(self) -> Iterator[int]:
        """The bytes that other processes hold: the kernel names one lock of a stretch, which leaves two to ask for."""
        stretches = [(0, _END)]
        while stretches:
            begin, end = stretches.pop()
            found = self._lock_in(begin, end - begin)
            if found is None:
                continue
            first, last = max(found.begin, begin), min(found.begin + found.length, end)
            yield from range(first, last)
            stretches += [each for each in ((begin, first), (last, end)) if each[0] < each[1]]

    def _asked(self, offset: int, length: int) -> Owner | None:
        """Another process that holds a byte of these; a `length` of 0 is all from there on."""
        found = self._lock_in(offset, length)
        return None if found is None else Owner(found.pid)

    def _lock_in(self, offset: int, length: int) -> _Lock | None:
        path = self._path
        try:
            if path not in _descriptors and not os.path.exists(path):
                return None
            return _query(_descriptor(path), offset, length)
        except OSError as error:
            raise _cannot_lock(path, error) from error

    def release(self, lease: Lease) -> None:
        key = self._path, _offset(lease.name)
        with _changing:
            if _held.get(key) == lease:
                fcntl.lockf(_descriptor(self._path), fcntl.LOCK_UN, 1, key[1])
                del _held[key]


class MemoryLeases:
    """See `uwf.store.protocols.Leases`: those of a store that no other process sees. Nothing is written.

    With `lasts_s` they are as those of a store that many machines share: one that was not renewed can be taken over.
    What is taken is held by `owner`, who is this process, if not said otherwise.
    """

    def __init__(self, lasts_s: float | None = None, owner: Owner | None = None) -> None:
        self.lasts_s = lasts_s
        self.owner = Owner(os.getpid()) if owner is None else owner
        self._held: dict[str, Lease] = {}
        self._renewed_s: dict[str, float] = {}
        self._epochs: dict[str, int] = {}
        self._asked: dict[str, str] = {}

    def take(self, name: str) -> Lease | None:
        with _changing:
            if self.holder(name) is not None:
                return None
            epoch = self._epochs[name] = self._epochs.get(name, 0) + 1
            self._held[name] = lease = Lease(name, self.owner, epoch)
            self._renewed_s[name] = clock.monotonic_s()
            self._asked.pop(name, None)
            return lease

    def holder(self, name: str) -> Owner | None:
        lease = self._held.get(name)
        return None if lease is None or self._is_over(name) else lease.owner

    def anyone(self) -> Owner | None:
        return next(filter(None, map(self.holder, list(self._held))), None)

    def held(self) -> list[str]:
        return [name[-_ENDING:] for name in list(self._held) if self.holder(name) is not None]

    def longest_s(self) -> float | None:
        return self.lasts_s if self._held else None

    def renew(self, lease: Lease) -> bool:
        with _changing:
            is_held = self._held.get(lease.name) == lease
            if is_held:
                self._renewed_s[lease.name] = clock.monotonic_s()
            return is_held

    def release(self, lease: Lease) -> None:
        with _changing:
            if self._held.get(lease.name) == lease:
                del self._held[lease.name]

    def ask(self, name: str, what: str) -> bool:
        if self.lasts_s is None or self.holder(name) is None:
            return False
        self._asked[name] = what
        return True

    def has_lapsed(self, name: str) -> bool:
        return name in self._held and self._is_over(name)

    def asked(self, lease: Lease) -> str:
        return self._asked.get(lease.name, "") if self._held.get(lease.name) == lease else ""

    @property
    def host(self) -> str:
        return self.owner.host

    def _is_over(self, name: str) -> bool:
        """Whether nobody has renewed it in time."""
        return (
            self.lasts_s is not None and clock.monotonic_s() - self._renewed_s[name] > self.lasts_s
        )


def superseded(leases: Leases, lease: Lease) -> Superseded:
    """The error of who writes under a lease that is not held any more."""
    holder = leases.holder(lease.name)
    now = "nobody holds it now" if holder is None else f"{holder.in_words} holds it now"
    return Superseded(
        f"nothing was written: this process does not hold {lease.name} any more, {now}",
        hint=f"uwf thread show {lease.name}",
    )


def refuse_in_use(path: str, why: str) -> None:
    """StoreBusy while a daemon leads the home of the store at `path`, or a thread of it runs; `why` nobody may."""
    home = os.path.dirname(path)
    daemon = FileLeases(paths.daemon_lock(home)).anyone()
    if daemon is not None:
        raise StoreBusy(
            f"process {daemon.pid} is the daemon of {home}: {why}", hint="uwf daemon stop"
        )
    holder = FileLeases(paths.thread_locks(home)).anyone()
    if holder is not None:
        raise StoreBusy(
            f"process {holder.pid} runs a thread of {path}: {why}", hint=f"ps -fp {holder.pid}"
        )


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
    return number & _END - 1


def _ending(offset: int) -> str:
    """How the ULID ends whose byte this is."""
    places = (offset >> 5 * at & 31 for at in reversed(range(_ENDING)))
    return "".join(_CROCKFORD[place] for place in places)


def _descriptor(path: str) -> int:
    found = _descriptors.get(path)
    if found is None:
        try:
            found = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            owned.give(path)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EROFS, errno.EPERM):
                raise
            try:
                flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
                found = os.open(path, flags)  # enough to ask, not to take
            except FileNotFoundError:
                raise error from None  # what is in the way is that it cannot be made
        _descriptors[path] = found
    return found


if sys.platform == "darwin":  # struct flock, <sys/fcntl.h>
    _FLOCK = "=qqihh"

    def _query(descriptor: int, offset: int, length: int) -> _Lock | None:
        asked = struct.pack(_FLOCK, offset, length, 0, fcntl.F_WRLCK, os.SEEK_SET)
        told = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        return None if told[3] == fcntl.F_UNLCK else _Lock(told[0], told[1], told[2])

else:  # struct flock with 64-bit offsets, <fcntl.h>
    _FLOCK = "=hhiqqii"

    def _query(descriptor: int, offset: int, length: int) -> _Lock | None:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, offset, length, 0, 0)
        told = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        return None if told[0] == fcntl.F_UNLCK else _Lock(told[3], told[4], told[5])
