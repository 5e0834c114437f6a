"""The transaction of a store in PostgreSQL."""

from __future__ import annotations

from uwf.store.postgres.reading import ReadingAtOnce
from uwf.store.sql.writing import SqlTransaction


class PostgresTransaction(ReadingAtOnce, SqlTransaction):
    """See `uwf.store.protocols.Transaction`."""
