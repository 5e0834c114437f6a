"""The transaction of a store file: it completes a store of an earlier uwf, and notes how far the log has come."""

from __future__ import annotations

from uwf.store.sql.writing import SqlTransaction
from uwf.store.sqlite.schema import complete

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.sqlite.database import Database


class SqliteTransaction(SqlTransaction):
    _database: Database

    def _prepare(self) -> None:
        if not self._database.is_complete:
            complete(self._database)

    def _commit(self) -> None:
        moved = self.last_move() if self._durable and self._has_moved else 0
        super()._commit()
        self._database.is_complete = True
        if moved:
            self._database.note(moved)
