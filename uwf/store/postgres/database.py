"""One connection to a store in PostgreSQL, its transactions, and what becomes of them when the connection is lost.

Writers take turns: each transaction begins with the one advisory lock that all of them take. So what a transaction has
read stays as it is until it ends, as in a store file, and the log is in the order of the commits.

Writes wait, and go to the server with the next read or with the commit. Reads outside of a transaction are done over a
new connection when the old one is lost; a transaction is not, as it may have been half done.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from threading import RLock

import psycopg
from psycopg.sql import quote

from uwf import clock
from uwf.errors import StoreAway, StoreBusy, StoreError, UwfError
from uwf.store.postgres.batch import Batch
from uwf.store.postgres.connection import (
    AS_IT_IS,
    FROZEN_S,
    INSTANCE,
    RECOVERED,
    connect,
    numbered,
)
from uwf.store.postgres.faults import (
    GONE,
    explain,
    has_no_table,
    in_one_line,
    is_lost,
    lost,
    place_of,
    pooled,
    unreadable,
)
from uwf.store.postgres.schema import UPKEEP, WRITING, newest, too_new
from uwf.store.sql.database import END_CHARS, PUT
from uwf.store.validate import NESTED
from uwf.store.values import NOW_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from psycopg import Cursor

    from uwf.store.postgres.batch import Statement

    T = TypeVar("T")

READER_FROZEN_S = 600
"""Who only reads keeps nobody waiting."""
OUTCOME_S, PAUSE_S = 10.0, 0.1
"""For how long it is asked what became of a commit, and how often."""

_COMMIT = "COMMIT"
_PUT_OUT = (
    "SELECT count(pg_terminate_backend(a.pid)) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
    " WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    f" AND (l.classid::bigint << 32 | l.objid::bigint) = {WRITING}"
    f" AND a.state LIKE 'idle in transaction%' AND a.state_change < clock_timestamp() - interval '{FROZEN_S}s'"
)
_STATUS = (
    "SELECT CASE WHEN CAST($1 AS xid8) < pg_snapshot_xmax(pg_current_snapshot())"
    " THEN pg_xact_status(CAST($1 AS xid8)) ELSE 'aborted' END"
)
_OPEN, _COMMITTED = "in progress", "committed"


class PostgresDatabase:
    """See `uwf.store.sql.database.SqlDatabase`. Other threads of the process may use it between its transactions."""

    unlimited = None
    onto = "JOIN"
    merges = False
    by_state = ""

    def __init__(self, url: str, wait_s: float, host: str) -> None:
        self.path = place_of(url)
        self.wait_s = wait_s
        self.host = host
        self.url = url
        self._busy = RLock()  # held by who is in a transaction, or asks something
        self.is_open = False
        """Whether a transaction is open, or a snapshot."""
        self._is_alone = False
        self._number = ""  # of the transaction, by which its outcome can be asked
        self._batch = Batch()
        self.instance = ""
        self._connect()

    def one(self, sql: str, args: tuple[Any, ...] = ()) -> Any:
        with self._busy:
            return self._ask(sql, args, None).fetchone()

    def all(self, sql: str, args: tuple[Any, ...] = ()) -> list[Any]:
        with self._busy:
            # A plan for any arguments would not know how little of an index these are about.
            return self._ask(sql, args, False).fetchall()

    def put(self, row: tuple[Any, ...]) -> None:
        self._add(PUT, row, len(row[-1]))

    def send(self, sql: str, args: tuple[Any, ...]) -> None:
        self._add(sql, args)

    def change(self, sql: str, args: tuple[Any, ...]) -> int:
        with self._busy:
            return self._ask(sql, args, None).rowcount

    def begin(self, durable: bool, wait_s: float | None = None) -> None:
        self.begin_with(None, durable, wait_s)

    def begin_with(self, change: Statement | None, durable: bool, wait_s: float | None) -> bool:
        """Become the one writer, and do `change` on the same way to the server. Whether that was about any row."""
        self._check_free()
        wait_s = self.wait_s if wait_s is None else wait_s
        asked_ms = clock.steady_ms()
        sql = (
            f"BEGIN; SET LOCAL lock_timeout = {_waiting_ms(wait_s)};"
            f"{'' if durable else ' SET LOCAL synchronous_commit = off;'}"
            f" SELECT pg_advisory_xact_lock({WRITING}); {_begun(change)}"
        )
        try:
            try:
                begun = self._open(sql)
            except psycopg.errors.LockNotAvailable:
                self.rollback()
                if not self._put_out_frozen():
                    raise
                begun = self._open(sql)
            self._number, schema, writer, instance, there_ms, was_changed = begun
            clock.told(there_ms, asked_ms)
            if (instance or "") != self.instance:
                raise self._replaced()
            if int(schema) > newest():
                raise too_new(int(schema), writer, self.path)
            return bool(was_changed)
        except BaseException as error:
            self.rollback()
            if isinstance(error, psycopg.errors.LockNotAvailable):
                raise StoreBusy(
                    f"{self.path} is in use by another process; gave up after {wait_s:g} s"
                ) from error
            if isinstance(error, psycopg.Error):
                raise self._explained(error) from error
            raise

    def _put_out_frozen(self) -> bool:
        """End the sessions that have all writers wait, and do nothing for so long that their client is frozen. Whether
        there was one. The server does that by itself but for a client whose last message was a Flush, and that is what
        the end of a pipeline sends.
        """
        try:
            row = self._cursor.execute(_PUT_OUT.encode(), prepare=False).fetchone()
        except psycopg.Error:
            return False  # of another user's session, perhaps
        return row is not None and row[0] > 0

    def begin_reading(self) -> None:
        self._check_free()
        sql = (
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
            f" SET LOCAL idle_in_transaction_session_timeout = '{READER_FROZEN_S}s';"
            f" SELECT {NOW_MS} FROM meta"
        )
        asked_ms = clock.steady_ms()
        try:
            (there_ms,) = self._open(sql)
            clock.told(there_ms, asked_ms)
        except BaseException as error:
            self.rollback()
            if isinstance(error, psycopg.Error):
                raise self._explained(error) from error
            raise

    def commit(self) -> None:
        """End the transaction. When the connection is lost with it, the server is asked what has become of it."""
        try:
            self._batch.send(self._connection, (self._cursor, _COMMIT, ()))
        except BaseException as error:
            number, was_lost = self._number, self._connection.closed
            self.rollback()
            if not isinstance(error, psycopg.Error):
                raise
            if not was_lost:
                raise self._explained(error) from error
            self._ask_outcome(number, error)
        else:
            self._close_transaction()
            # Where a statement had failed, the server takes a commit for the wish to end, and says so.
            if self._cursor.statusmessage != _COMMIT:
                raise StoreError(
                    f"nothing was written to {self.path}: a statement in the transaction had failed"
                )

    def rollback(self) -> None:
        self._batch.clear()
        if not self.is_open:
            return
        try:
            if not self._connection.closed:
                self._plain.execute(b"ROLLBACK")
        except psycopg.Error:
            self._connection.close()  # which undoes it as well
        finally:
            self._close_transaction()

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """The lock of work on the whole store, held by the connection: it is not made anew meanwhile."""
        sql = (
            f"BEGIN; SET LOCAL lock_timeout = {_waiting_ms(self.wait_s)};"
            f" SELECT pg_advisory_lock({UPKEEP}); COMMIT"
        )
        with self._busy:
            try:
                self._again(lambda: self._plain.execute(sql.encode()))
            except psycopg.errors.LockNotAvailable as error:
                self._plain.execute(b"ROLLBACK")
                raise StoreBusy(
                    f"cannot start {what} of {self.path}: another process is at such work on all of it"
                ) from error
        self._is_alone = True
        try:
            yield
        finally:
            self._is_alone = False
            if not self._connection.closed:
                self._plain.execute(f"SELECT pg_advisory_unlock({UPKEEP})".encode())

    def tag_value(self, value: str) -> bytes:
        return value.encode()

    def ends(self, column: str) -> str:
        return f'"right"({column}, CAST(? AS integer))'

    def short_end(self, column: str) -> str:
        return f'"right"({column}, {END_CHARS})'

    def has_counts(self) -> bool:
        return True

    def has_entries(self) -> bool:
        return True

    def process(self) -> str:
        return f"pid {os.getpid()} on {self.host}"

    def unreadable(self, why: str) -> StoreError:
        return unreadable(self.path, why)

    def close(self) -> None:
        """Also in the middle of a transaction, which comes to nothing."""
        self._connection.close()
        if self.is_open:
            self._close_transaction()

    def _connect(self) -> None:
        self._connection, meta = connect(self.url, self.path, self.wait_s)
        self._recovered = meta.pop(RECOVERED)
        self.instance = self.instance or meta.get(INSTANCE, "")
        if meta.get(INSTANCE, "") != self.instance:
            self._connection.close()
            raise self._replaced()
        self._cursor = self._connection.cursor(binary=True)
        self._plain = self._connection.cursor()  # sends several statements at once

    def _explained(self, error: psycopg.Error) -> UwfError:
        """What was reported about the store. Where a table was not found, another connection tells why: the store is
        gone, or this session is not the one that was told where to look.
        """
        if not has_no_table(error):
            return explain(error, self.path)
        try:
            connection, meta = connect(self.url, self.path, self.wait_s)
        except UwfError as why:
            return why
        connection.close()
        is_another = meta.get(INSTANCE, "") != self.instance
        return self._replaced() if is_another else pooled(self.path, in_one_line(error))

    def _replaced(self) -> StoreError:
        return StoreError(
            f"the store {self.path} was replaced by another one, or by a backup, while it was in use",
            code=GONE,
        )

    def _add(self, sql: str, args: tuple[Any, ...], size_bytes: int = 0) -> None:
        self._batch.add(sql, args, size_bytes)
        if self._batch.is_full:
            try:
                self._batch.send(self._connection)
            except psycopg.Error as error:
                raise self._explained(error) from error

    def _ask(self, sql: str, args: tuple[Any, ...], prepare: bool | None) -> Cursor[Any]:
        """The answer to a statement, after all that waits was sent with it."""

        def ask() -> Cursor[Any]:
            if self._batch:
                self._batch.send(self._connection, (self._cursor, sql, args))
                return self._cursor
            return self._cursor.execute(numbered(sql), args, prepare=prepare)

        try:
            return self._again(ask)
        except psycopg.Error as error:
            raise self._explained(error) from error

    def _again(self, action: Callable[[], T]) -> T:
        """Do it; and once more over a new connection where the one there was is lost and nothing hung on it."""
        try:
            return action()
        except psycopg.Error as error:
            if not self._connection.closed or not is_lost(error) or self.is_open or self._is_alone:
                raise
        self._connect()
        return action()

    def _check_free(self) -> None:
        with self._busy:
            if self.is_open:
                raise RuntimeError(NESTED)

    def _open(self, sql: str) -> tuple[Any, ...]:
        """Begin a transaction of any kind; the last row that its beginning gives."""
        self._busy.acquire()
        try:
            cursor = self._again(lambda: self._plain.execute(sql.encode()))
        finally:
            self.is_open = True
        while cursor.nextset():
            pass
        row: tuple[Any, ...] = cursor.fetchone() or ()
        return row

    def _close_transaction(self) -> None:
        self.is_open = False
        self._busy.release()

    def _ask_outcome(self, number: str, error: psycopg.Error) -> None:
        """StoreError unless the transaction was committed.

        A server that recovers gives the number of a transaction of which the disk knew nothing to another one.
        """
        deadline, before = clock.monotonic_s() + OUTCOME_S, self._recovered
        outcome = None
        while clock.monotonic_s() < deadline:
            try:
                self._connect()
                outcome = self._plain.execute(_STATUS.encode(), (number,)).fetchone()
            except (StoreError, psycopg.Error):
                outcome = None
            if outcome is not None and outcome[0] != _OPEN:
                break
            time.sleep(PAUSE_S)
        is_another = outcome is not None and outcome[0] == _COMMITTED and self._recovered != before
        if outcome is None or outcome[0] == _OPEN or is_another:
            raise StoreAway(
                f"the connection to the store {self.path} was lost with the end of a transaction: whether it was "
                "written is not known",
            ) from error
        if outcome[0] != _COMMITTED:
            raise lost(self.path, "nothing was written") from error


def _begun(change: Statement | None) -> str:
    """What is asked of a transaction that begins, and the `change` that is done with it."""
    asked = (
        "SELECT pg_current_xact_id()::text, (SELECT value FROM meta WHERE key = 'schema'),"
        " (SELECT value FROM meta WHERE key = 'writer'),"
        f" (SELECT {AS_IT_IS} FROM meta WHERE key = '{INSTANCE}'), {NOW_MS}"
    )
    if change is None:
        return f"{asked}, false"
    first, *others = change[0].split("?")
    quoted = map(quote, change[1])
    sql = first + "".join(f"{arg}{text}" for arg, text in zip(quoted, others, strict=True))
    return f"WITH changed AS ({sql} RETURNING 1) {asked}, EXISTS (SELECT 1 FROM changed)"


def _waiting_ms(wait_s: float) -> int:
    """A lock_timeout; 0 would be none."""
    return max(1, round(wait_s * 1000))
