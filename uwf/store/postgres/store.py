"""The store in PostgreSQL, for any number of machines.

Writers take turns, readers never wait. A durable transaction is one fsync of the server; one that is not survives the
death of its process, and is undone, whole, when the server loses power within its next moments. Tables are in
`migrations`, reads and writes in `store.sql`.
"""

from __future__ import annotations

import socket

from uwf.store.postgres.database import PostgresDatabase
from uwf.store.postgres.leases import PostgresLeases
from uwf.store.sql.store import SqlStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Gate

_USED = (
    "SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS bigint) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'uwf'::regnamespace"
)


def open_store(
    url: str, *, wait_s: float = 10.0, gate: Gate | None = None, host: str | None = None
) -> PostgresStore:
    """Open the store in the database at `url`, which `migrate` has made.

    `wait_s` bounds the waiting for other writers, per transaction. What is written passes the `gate`. `host` is what
    this machine is called among those that share the store.
    Errors: InputError for what is no address, StoreBusy when the server has no room, StoreError when it cannot be
    reached, or there is no store in it yet, or an older one.
    """
    database = PostgresDatabase(url, wait_s, host or socket.gethostname())
    return PostgresStore(database, PostgresLeases(database), gate)


class PostgresStore(SqlStore):
    """See `uwf.store.protocols.Store`. Made by `open_store`."""

    _database: PostgresDatabase

    @property
    def is_shared(self) -> bool:
        return True

    @property
    def is_makeshift(self) -> bool:
        return False

    def keep_little(self) -> None:
        """Nothing is kept in this process."""

    def is_taken_away(self) -> bool:
        row = self._database.one("SELECT value FROM meta WHERE key = 'instance'")
        return row is None or row[0] != self._database.instance

    def used_bytes(self) -> int:
        number: int = self._database.one(_USED)[0]
        return number

    def checkpoint(self) -> None:
        """Nothing is put off that the server does not do by itself."""

    def _unsound(self) -> list[str]:
        """What the server finds wrong it says when it reads it."""
        return []
