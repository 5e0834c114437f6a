"""Writes that wait to be sent together: as many as possible take one way to the server and back.

Many objects in a row go by COPY into a table of the session, and from there into that of the store.
"""

from __future__ import annotations

from itertools import groupby

from uwf.store.postgres.connection import numbered
from uwf.store.sql.database import PUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeAlias

    from psycopg import Connection, Cursor

    Row: TypeAlias = tuple[Any, ...]
    Statement: TypeAlias = tuple[str, Row]

MANY = 64
"""So many objects in a row are copied."""
MOST_WRITES, MOST_BYTES = 2000, 8 << 20
"""What may wait in memory before it is sent."""

_COLUMNS = "id, put_ms, encoding, size, data"
_TYPES = ("bytea", "int8", "int2", "int8", "bytea")
_MAKE = "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (LIKE object) ON COMMIT DELETE ROWS"
_COPY = f"COPY incoming ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_TAKE = PUT.replace("VALUES (?, ?, ?, ?, ?)", f"SELECT {_COLUMNS} FROM incoming")
_EMPTY = "TRUNCATE incoming"


class Batch:
    """The writes of one transaction that were not sent yet, in their order."""

    def __init__(self) -> None:
        self._writes: list[Statement] = []
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._writes)

    @property
    def is_full(self) -> bool:
        return len(self._writes) >= MOST_WRITES or self._bytes >= MOST_BYTES

    def add(self, sql: str, args: Row, size_bytes: int = 0) -> None:
        self._writes.append((sql, args))
        self._bytes += size_bytes

    def clear(self) -> None:
        self._writes = []
        self._bytes = 0

    def send(self, connection: Connection[Any], *last: tuple[Cursor[Any], str, Row]) -> None:
        """Send all, and then what is to be done `last`, whose answers are in its cursors. Nothing waits afterwards."""
        writes = self._writes
        self.clear()
        waiting: list[Statement] = []
        for is_object, group in groupby(writes, lambda write: write[0] is PUT):
            some = list(group)
            if is_object and len(some) >= MANY:
                _pipe(connection, waiting)
                _copy(connection, [args for _, args in some])
                waiting = []
            else:
                waiting += some
        _pipe(connection, waiting, last)


def _pipe(
    connection: Connection[Any],
    writes: list[Statement],
    last: tuple[tuple[Cursor[Any], str, Row], ...] = (),
) -> None:
    if not writes and len(last) == 1:
        cursor, sql, args = last[0]
        cursor.execute(numbered(sql), args)
    elif writes or last:
        with connection.pipeline():
            writer = connection.cursor(binary=True)
            for sql, args in writes:
                writer.execute(numbered(sql), args)
            for cursor, sql, args in last:
                cursor.execute(numbered(sql), args)


def _copy(connection: Connection[Any], rows: list[Row]) -> None:
    connection.execute(_MAKE.encode())
    with connection.cursor().copy(_COPY.encode()) as copy:
        copy.set_types(_TYPES)
        for row in _once(rows):
            copy.write_row(row)
    connection.execute(_TAKE.encode())
    connection.execute(_EMPTY.encode())


def _once(rows: list[Row]) -> Iterator[Row]:
    """Each object once: one statement cannot put it twice."""
    return iter({bytes(row[0]): row for row in rows}.values())
