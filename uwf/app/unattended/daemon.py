"""Which daemon of a home leads, which ones wait to take over, and waking it: `app.daemon`.

A daemon leads while it holds one byte of a lock file, which the operating system takes from the dead; who holds it is
asked of the kernel. One that waits sleeps in the kernel until the byte is free, so it takes over within milliseconds,
and costs nothing meanwhile. (`filelock`, which serves wherever a plain lock is wanted, would look again and again, and
names no holder.) Children inherit no such lock.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf import home as paths
from uwf.errors import StateError, StoreError, StoreTooNew
from uwf.store.leases import FileLeases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.app.opened import OpenHome
    from uwf.store.owner import Owner
    from uwf.store.values import Lease

LEADER = "leader"
SHARED = "daemon"
"""The lease of a shared store that the daemon which leads holds, of those of all machines."""
RENEWALS = 6
"""Of the lease, while it lasts."""
MOST_STANDBY = 20


class Daemons:
    """The daemons of a home, of which one leads."""

    def __init__(self, home: OpenHome) -> None:
        self._opened, self._home = home, home.home
        self._path = paths.daemon_lock(home.home)
        self._leases = FileLeases(self._path)
        self._file: tuple[int, int] | None = None

    def shared(self) -> SharedLead | None:
        """Leading those of all machines, where the store is one that they share: for one that leads its home."""
        return None if self._opened.has_store_file else SharedLead(self._opened)

    def leader(self) -> int | None:
        """The process that leads; None when none does."""
        return self._holder(LEADER)

    def of_all(self) -> Owner | None:
        """The one that has what is due run: that of this home, or of all that share its store. None when none does."""
        shared = self.shared()
        return self._leases.holder(LEADER) if shared is None else shared.leader()

    def standbys(self) -> list[int]:
        """The processes that wait to lead."""
        found = map(self._holder, map(_standby, range(MOST_STANDBY)))
        return [pid for pid in found if pid is not None]

    def lead(self, on_wait: Callable[[int], None]) -> None:
        """Lead from now on, until the process ends. Where another daemon does, `on_wait` is told its process, and this
        one sleeps until that has ended.
        """
        paths.made(self._home)
        leads = self._leases.take(LEADER) is not None
        self._file = _identity(self._path)
        if not leads:
            self._stand_by(on_wait)
        if not self.leads():
            raise StateError(
                f"{self._path} was deleted while this daemon waited",
                hint="uwf daemon run",
                code="lock_gone",
            )

    def leads(self) -> bool:
        """Whether the lock that `lead` has taken is there still: somebody may have deleted it, or the whole home."""
        return self._file is not None and self._file == _identity(self._path)

    def poke(self) -> None:
        """Wake the daemon that leads, if there is one. Never waits, never fails."""
        from uwf.app.unattended import poke  # not to see who leads

        poke.send(self._home)

    def _stand_by(self, on_wait: Callable[[int], None]) -> None:
        seat = next(filter(None, map(self._leases.take, map(_standby, range(MOST_STANDBY)))), None)
        if seat is None:
            raise StateError(
                f"{MOST_STANDBY} daemons wait for this home already",
                hint="uwf daemon status",
                code="standbys",
            )
        try:
            on_wait(self.leader() or 0)
            self._leases.take(LEADER, waits=True)
        finally:
            self._leases.release(seat)

    def _holder(self, name: str) -> int | None:
        owner = self._leases.holder(name)
        return None if owner is None else owner.pid


class SharedLead:
    """Leading the daemons of all machines that share a store: a lease in it. One of a home alone tries to have it."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home
        self._lease: Lease | None = None
        self._renewed_s = 0.0

    def leader(self) -> Owner | None:
        """The daemon that leads; None when none does."""
        return self._home.reader().leases.holder(SHARED)

    def take(self) -> bool:
        """Lead from now on, unless another does. One that was cut off from the store leads again with what it had.

        StoreTooNew for a store of a newer uwf: who cannot write to it keeps the lead from nobody who can.
        """
        asked_s, leases = clock.monotonic_s(), self._home.store().leases
        if self._lease is None or not leases.renew(self._lease):
            self._lease = leases.take(SHARED)
        self._renewed_s = asked_s
        self._let_go_unless_it_writes()
        return self._lease is not None

    def leads(self) -> bool:
        """Whether it still does, which is seen to here. StoreError where nobody can tell."""
        now_s, leases = clock.monotonic_s(), self._home.store().leases
        if self._lease is None or now_s - self._renewed_s < (leases.lasts_s or 0.0) / RENEWALS:
            return self._lease is not None
        if not leases.renew(self._lease):
            self._lease = None
            return False
        self._renewed_s = now_s
        self._let_go_unless_it_writes()
        return True

    def _let_go_unless_it_writes(self) -> None:
        if self._lease is None:
            return
        try:
            with self._home.store().transaction("lead", durable=False):
                pass
        except StoreTooNew:
            self.release()
            raise

    def forget(self) -> None:
        """The store that has given the lease is gone. In the one in its place the same number may be another's."""
        self._lease = None

    def release(self) -> None:
        """Let another lead, at once."""
        if self._lease is not None:
            from contextlib import suppress  # which commands that look would pay for

            with suppress(StoreError):  # it ends by itself
                self._home.store().leases.release(self._lease)
                self._home.store().wake_others()
            self._lease = None


def _standby(number: int) -> str:
    return f"wait {number}"


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
