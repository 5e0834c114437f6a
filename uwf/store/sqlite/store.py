"""The store in one SQLite file, for any number of processes on one machine.

WAL mode: readers never wait, writers take turns (`BEGIN IMMEDIATE`). A durable transaction is one fsync of the
WAL; after a crash the file is at a whole transaction. Tables are in `schema`, reads in `reading`, writes in
`writing`.
"""

from __future__ import annotations

import os
import sqlite3

from uwf import home as paths
from uwf.errors import StoreError
from uwf.store.leases import FileLeases, MemoryLeases, superseded
from uwf.store.protocols import Stats
from uwf.store.sqlite import ref_query, schema
from uwf.store.sqlite.database import Database
from uwf.store.sqlite.facts import FactReading
from uwf.store.sqlite.reading import Reading
from uwf.store.sqlite.writing import SqliteTransaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any

    from uwf.store.protocols import Gate, Lease, Leases
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


class SqliteStore(Reading, FactReading):
    """See `uwf.store.protocols.Store`. Made by `open_store`.

    Its leases are locks of this machine's processes, in a file beside the store.
    """

    def __init__(self, database: Database, leases: Leases, gate: Gate | None = None) -> None:
        super().__init__(database)
        self._leases = leases
        self._gate = gate

    @property
    def place(self) -> str:
        return self._database.path

    def is_taken_away(self) -> bool:
        return self._database.is_taken_away()

    @property
    def wait_s(self) -> float:
        return self._database.wait_s

    @wait_s.setter
    def wait_s(self, wait_s: float) -> None:
        self._database.wait_s = wait_s

    def keep_little(self) -> None:
        """Keep few pages in memory, where the system keeps them anyway: what is kept grows with the store otherwise, up
        to 2 MB. Large transactions take longer so, which a process that writes little for days does not mind.
        """
        self._database.keep_little()

    @property
    def is_makeshift(self) -> bool:
        return self._database.is_makeshift

    @property
    def leases(self) -> Leases:
        return self._leases

    @property
    def is_shared(self) -> bool:
        """See `uwf.store.protocols.Store`: a file is for processes of one machine."""
        return False

    def transaction(
        self,
        name: str,
        *,
        durable: bool = True,
        wait_s: float | None = None,
        lease: Lease | None = None,
    ) -> SqliteTransaction:
        def check() -> None:
            if lease is not None and not self._leases.renew(lease):
                raise superseded(self._leases, lease)

        return SqliteTransaction(self._database, self._gate, name, durable, wait_s, check)

    def snapshot(self) -> _Snapshot:
        return _Snapshot(self._database)

    def alone(self, what: str) -> AbstractContextManager[Any]:
        return self._database.alone(what)

    def stats(self) -> Stats:
        sql = (
            "SELECT count(*), coalesce(sum(size), 0), coalesce(sum(length(data)), 0),"
            " (SELECT count(*) FROM ref), (SELECT count(*) FROM ref_log),"
            f" {'(SELECT count(*) FROM entry)' if self._has_entries() else 0} FROM object"
        )
        return Stats(*self._database.one(sql))

    def used_bytes(self) -> int:
        return sum(map(_size_bytes, (self.place, f"{self.place}-wal")))

    def faults(self) -> list[str]:
        try:
            return [
                *self._unsound_pages(),
                *(f"the tag index disagrees with ref {name}" for name in self._indexed_wrongly()),
                *(f"the log disagrees with ref {name}" for name in self._logged_wrongly()),
                *(
                    f"the count of refs in {name or '/'} is wrong"
                    for name in self._counted_wrongly()
                ),
                *(one.why for one in self.unreadable()),
            ]
        except StoreError as error:
            return [error.message]

    def _unsound_pages(self) -> list[str]:
        found = [row[0] for row in self._database.all("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    def _indexed_wrongly(self) -> list[str]:
        stored = set(self._database.all("SELECT key, value, name FROM ref_tag"))
        right = {
            (key, value, ref.name)
            for ref in self.refs()
            for key, value in ref_query.index_rows(ref.tags)
        }
        return sorted({name for _, _, name in stored ^ right})

    def _logged_wrongly(self) -> list[str]:
        refs = set(self._database.all("SELECT name, target FROM ref"))
        sql = "SELECT name, new, max(seq) FROM ref_log GROUP BY name"  # `new` is that of the last move
        logged = {(name, new) for name, new, _ in self._database.all(sql) if new is not None}
        return sorted({name for name, _ in refs ^ logged})

    def _counted_wrongly(self) -> list[str]:
        if self._database.one(schema.HAS_COUNTS) is None:
            return []
        counts = set(self._database.all("SELECT folder, number FROM ref_count WHERE number != 0"))
        right = schema.count_folders(self._database).items()
        return sorted({folder for folder, _ in counts ^ right})

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

    def close(self) -> None:
        self._database.close()


def _size_bytes(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


class _Snapshot:
    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.begin_reading()

    def __exit__(self, *_error: object) -> None:
        self._database.rollback()
