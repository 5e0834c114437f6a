"""A store in a database, but for how it is opened: what it holds, and what is wrong with its tables."""

from __future__ import annotations

from uwf.errors import StoreError
from uwf.store.leases import superseded
from uwf.store.sql.facts import FactReading
from uwf.store.sql.reading import Reading
from uwf.store.sql.ref_query import index_rows
from uwf.store.values import Stats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any

    from uwf.store.protocols import Gate, Leases
    from uwf.store.sql.database import SqlDatabase
    from uwf.store.sql.writing import SqlTransaction
    from uwf.store.values import Lease


class SqlStore(Reading, FactReading):
    """See `uwf.store.protocols.Store`. What its files suffer from, each database has its own words for."""

    if TYPE_CHECKING:

        def _unsound(self) -> list[str]:
            """What the database itself finds wrong in its files."""
            ...

    def __init__(self, database: SqlDatabase, leases: Leases, gate: Gate | None = None) -> None:
        super().__init__(database)
        self._leases = leases
        self._gate = gate

    @property
    def place(self) -> str:
        return self._database.path

    @property
    def wait_s(self) -> float:
        return self._database.wait_s

    @wait_s.setter
    def wait_s(self, wait_s: float) -> None:
        self._database.wait_s = wait_s

    @property
    def leases(self) -> Leases:
        return self._leases

    def transaction(
        self,
        name: str,
        *,
        durable: bool = True,
        wait_s: float | None = None,
        lease: Lease | None = None,
    ) -> SqlTransaction:
        def begin() -> None:
            is_held = self._begin(durable, wait_s, lease)
            if lease is not None and not is_held:
                self._database.rollback()
                raise superseded(self._leases, lease)

        return self._transactions()(self._database, self._gate, name, durable, begin)

    def _begin(self, durable: bool, wait_s: float | None, lease: Lease | None) -> bool:
        """Become the one writer, and renew `lease`: whether that is held. With none there is nothing to be lost."""
        self._database.begin(durable, wait_s)
        return lease is None or self._leases.renew(lease)

    def _transactions(self) -> type[SqlTransaction]:
        """Of which class they are. It is loaded with the first of them: commands that look begin none."""
        from uwf.store.sql.writing import SqlTransaction

        return SqlTransaction

    def snapshot(self) -> _Snapshot:
        return _Snapshot(self._database)

    def alone(self, what: str) -> AbstractContextManager[Any]:
        return self._database.alone(what)

    def stats(self) -> Stats:
        entries = "(SELECT count(*) FROM entry)" if self._database.has_entries() else "0"
        sql = (
            "SELECT count(*), CAST(coalesce(sum(size), 0) AS bigint),"
            " CAST(coalesce(sum(length(data)), 0) AS bigint),"
            f" (SELECT count(*) FROM ref), (SELECT count(*) FROM ref_log), {entries} FROM object"
        )
        return Stats(*self._database.one(sql))

    def faults(self) -> list[str]:
        try:
            return [
                *self._unsound(),
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

    def _indexed_wrongly(self) -> list[str]:
        stored = set(self._database.all("SELECT key, value, name FROM ref_tag"))
        right = {
            (key, value, ref.name)
            for ref in self.refs()
            for key, value in index_rows(self._database, ref.tags)
        }
        return sorted({name for _, _, name in stored ^ right})

    def _logged_wrongly(self) -> list[str]:
        refs = set(self._database.all("SELECT name, target FROM ref"))
        sql = (
            "SELECT l.name, l.new FROM ref_log AS l WHERE l.new IS NOT NULL"
            " AND l.seq = (SELECT max(last.seq) FROM ref_log AS last WHERE last.name = l.name)"
        )
        logged = set(self._database.all(sql))
        return sorted({name for name, _ in refs ^ logged})

    def _counted_wrongly(self) -> list[str]:
        if not self._database.has_counts():
            return []
        counts = set(self._database.all("SELECT folder, number FROM ref_count WHERE number != 0"))
        right = count_folders(self._database).items()
        return sorted({folder for folder, _ in counts ^ right})

    def close(self) -> None:
        self._database.close()


class _Snapshot:
    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.begin_reading()

    def __exit__(self, *_error: object) -> None:
        self._database.rollback()


def count_folders(database: SqlDatabase) -> dict[str, int]:
    """How many refs each folder of names has, counted one by one: a second for a million."""
    counts: dict[str, int] = {}
    for (name,) in database.all("SELECT name FROM ref"):
        folder = f"{name}"[
            : f"{name}".rfind("/") + 1
        ]  # a torn page may make text look like another type
        counts[folder] = counts.get(folder, 0) + 1
    return counts
