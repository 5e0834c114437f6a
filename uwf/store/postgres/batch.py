"""Writes that wait to be sent together: as many as possible take one way to the server and back.

Many objects in a row go by COPY, which has no word for what is there already: where it comes upon that, it is undone,
and that is asked for. As there is no other writer, the answer stays right.
"""

from __future__ import annotations

from itertools import groupby

from psycopg.errors import UniqueViolation

from uwf.store.postgres.connection import numbered
from uwf.store.sql.database import PUT
from uwf.store.values import REFRESH_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from psycopg import Connection, Cursor

    Row: TypeAlias = tuple[Any, ...]
    Statement: TypeAlias = tuple[str, Row]

MANY = 64
"""So many objects in a row are copied."""
MOST_WRITES, MOST_BYTES = 2000, 8 << 20
"""What may wait in memory before it is sent."""

_THERE = "SELECT id FROM object WHERE id = ANY(?)"
_COPY = b"COPY object (id, put_ms, encoding, size, data) FROM STDIN (FORMAT BINARY)"
_PUT_AGAIN = f"UPDATE object SET put_ms = ? WHERE id = ANY(?) AND put_ms < ? - {REFRESH_MS}"


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
    """Mostly all are new: that is tried first."""
    new = {bytes(row[0]): row for row in rows}
    cursor = connection.cursor(binary=True)
    cursor.execute("SAVEPOINT new")
    try:
        _copy_new(cursor, new)
    except UniqueViolation:
        cursor.execute("ROLLBACK TO new")
        there = [row[0] for row in cursor.execute(numbered(_THERE), (list(new),))]
        put_ms = max(new.pop(key)[1] for key in there)
        cursor.execute(numbered(_PUT_AGAIN), (put_ms, there, put_ms))
        if new:
            _copy_new(cursor, new)
    cursor.execute("RELEASE new")


def _copy_new(cursor: Cursor[Any], rows: dict[bytes, Row]) -> None:
    with cursor.copy(_COPY) as copy:
        for row in rows.values():
            copy.write_row(row)
