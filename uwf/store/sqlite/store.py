"""The store in one SQLite file, for any number of processes on one machine.

WAL mode: readers never wait, writers take turns (`BEGIN IMMEDIATE`). A durable transaction is one fsync of the
WAL; after a crash the file is at a whole transaction. Tables are in `schema`, reads and writes in
`store.sql`.
"""

from __future__ import annotations

import os
import sqlite3

from uwf import home as paths
from uwf.store.leases import FileLeases, MemoryLeases
from uwf.store.sql.store import SqlStore
from uwf.store.sqlite import schema
from uwf.store.sqlite.database import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Gate, Leases
    from uwf.store.sql.writing import SqlTransaction
    from uwf.working import OnWork

PAGES_AT_ONCE = 1024
"""So many are copied until it is told how far that is."""


def open_store(
    path: str, *, create: bool = True, wait_s: float = 10.0, gate: Gate | None = None
) -> SqliteStore:
    """Open the store file at `path`; with `create`, make it when absent (folder 0700, file 0600).

    `wait_s` bounds the waiting for other writers, per transaction. What is written passes the `gate`.
    Errors: StoreUnreadable, StoreTooNew, StoreBusy, StoreError when it is absent and not to be made.
    """
    database = schema.connect(path, create=create, wait_s=wait_s)
    return SqliteStore(database, _leases(os.path.dirname(path)), gate)


def open_in_memory(gate: Gate | None = None, *, home: str | None = None) -> SqliteStore:
    """An empty store that ends with its object: for tests, and for reading where no store was made yet.

    With `home` its leases are those of the store in that folder; without, they are in memory, too.
    """
    return SqliteStore(schema.in_memory(), MemoryLeases() if home is None else _leases(home), gate)


def _leases(folder: str) -> Leases:
    return FileLeases(paths.thread_locks(folder))


class SqliteStore(SqlStore):
    """See `uwf.store.protocols.Store`. Made by `open_store`.

    Its leases are locks of this machine's processes, in a file beside the store.
    """

    _database: Database

    def _transactions(self) -> type[SqlTransaction]:
        from uwf.store.sqlite.writing import SqliteTransaction

        return SqliteTransaction

    def is_taken_away(self) -> bool:
        return self._database.is_taken_away()

    def keep_little(self) -> None:
        """Keep few pages in memory, where the system keeps them anyway: what is kept grows with the store otherwise, up
        to 2 MB. Large transactions take longer so, which a process that writes little for days does not mind.
        """
        self._database.keep_little()

    @property
    def is_makeshift(self) -> bool:
        return self._database.is_makeshift

    def wake_others(self) -> None:
        """There are none."""

    @property
    def is_shared(self) -> bool:
        """See `uwf.store.protocols.Store`: a file is for processes of one machine."""
        return False

    def used_bytes(self) -> int:
        return sum(map(_size_bytes, (self.place, f"{self.place}-wal")))

    def _unsound(self) -> list[str]:
        found = [row[0] for row in self._database.all("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    def copy_into(self, target: sqlite3.Connection, on_work: OnWork | None = None) -> None:
        """Copy the whole store as it is now into an empty database, while others go on writing.

        Raises sqlite3.Error, which may be about either file.
        """

        def copied(_status: int, left: int, pages: int) -> None:
            if on_work is not None:
                on_work("copying pages", pages - left, pages)

        with self.snapshot():  # else a copy in parts begins anew with each write
            self._database.connection.backup(target, pages=PAGES_AT_ONCE, progress=copied)

    def checkpoint(self) -> None:
        """Copy the WAL into the file and empty it, as far as others that read let that be."""
        self._database.all("PRAGMA wal_checkpoint(TRUNCATE)")


def _size_bytes(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
