"""The store in PostgreSQL, for any number of machines.

Writers take turns, readers never wait. A durable transaction is one fsync of the server; one that is not survives the
death of its process, and is undone, whole, when the server loses power within its next moments. Tables are in
`migrations`, reads and writes in `store.sql`.
"""

from __future__ import annotations

import os
import socket

from uwf import clock
from uwf.errors import StoreError
from uwf.store.owner import Owner
from uwf.store.postgres.connection import AS_IT_IS, INSTANCE
from uwf.store.postgres.database import PostgresDatabase
from uwf.store.postgres.faults import GONE
from uwf.store.postgres.leases import LASTS_S, PostgresLeases
from uwf.store.postgres.reading import ReadingAtOnce
from uwf.store.sql.store import SqlStore
from uwf.store.values import NOW_MS, WAKE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.store.object_cache import ObjectCache
    from uwf.store.protocols import Gate
    from uwf.store.sql.writing import SqlTransaction
    from uwf.store.values import Lease

_USED = (
    "SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS bigint) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'uwf'::regnamespace"
)


def open_store(
    url: str,
    *,
    wait_s: float = 10.0,
    gate: Gate | None = None,
    owner: Owner | None = None,
    may_live: Callable[[Owner], bool] = lambda owner: True,
    lease_s: float = LASTS_S,
    cache: ObjectCache | None = None,
) -> PostgresStore:
    """Open the store in the database at `url`, which `migrate` has made.

    `wait_s` bounds the waiting for other writers, per transaction. What is written passes the `gate`. `owner` is this
    process, with its machine as it is called among those that share the store; `may_live` tells of others on it whether
    they live, or cannot be seen. A lease that is not renewed lasts for `lease_s`. `cache` keeps near what was read.
    Errors: InputError for what is no address, StoreBusy when the server has no room, StoreError when it cannot be
    reached, or there is no store in it yet, or an older one.
    """
    owner = owner or Owner(os.getpid(), host=socket.gethostname())
    database = PostgresDatabase(url, wait_s, owner.host)
    store = PostgresStore(database, PostgresLeases(database, owner, may_live, lease_s), gate)
    store.cache = cache
    return store


class PostgresStore(ReadingAtOnce, SqlStore):
    """See `uwf.store.protocols.Store`. Made by `open_store`."""

    _database: PostgresDatabase
    _leases: PostgresLeases
    cache: ObjectCache | None = None
    """Asked first for what never changes; within a snapshot, which is to see the store itself, it is not."""

    def raw(self, id: str) -> bytes:
        if self.cache is None or self._database.is_open:
            return super().raw(id)
        data = self.cache.raw(id)
        if data is None:
            data = super().raw(id)
            self.cache.keep(id, data)
        return data

    @property
    def is_shared(self) -> bool:
        return True

    @property
    def is_makeshift(self) -> bool:
        return False

    def keep_little(self) -> None:
        """Nothing is kept in this process."""

    def wake_others(self) -> None:
        self._database.one("SELECT pg_notify(?, '')", (WAKE,))

    def is_taken_away(self) -> bool:
        """The server's time comes with it: who only looks, for days, asks nothing else that has it."""
        asked_ms = clock.steady_ms()
        try:
            row = self._database.one(
                f"SELECT {AS_IT_IS}, {NOW_MS} FROM meta WHERE key = '{INSTANCE}'"
            )
        except StoreError as error:
            if error.code == GONE:
                return True  # seen already when it was connected to again
            raise
        if row is None:
            return True
        clock.told(row[1], asked_ms)
        return bool(row[0] != self._database.instance)

    def used_bytes(self) -> int:
        number: int = self._database.one(_USED)[0]
        return number

    def checkpoint(self) -> None:
        """Nothing is put off that the server does not do by itself."""

    def close(self) -> None:
        super().close()
        if self.cache is not None:
            self.cache.close()

    def _transactions(self) -> type[SqlTransaction]:
        from uwf.store.postgres.writing import PostgresTransaction

        return PostgresTransaction

    def _begin(self, durable: bool, wait_s: float | None, lease: Lease | None) -> bool:
        if lease is None:
            return super()._begin(durable, wait_s, None)
        return self._database.begin_with(self._leases.renewal(lease), durable, wait_s)

    def _unsound(self) -> list[str]:
        """What the server finds wrong it says when it reads it."""
        return []
