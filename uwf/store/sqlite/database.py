"""One connection to the store file, its transactions, and the waiting for other writers.

All SQL of the store goes through `Database`. What the tables are is in `schema`, what they mean in `store`,
and what SQLite complains of in `faults`.

Never open the store file by other means in a process that has a connection: closing any descriptor of a file
drops the process's POSIX locks on it (https://www.sqlite.org/howtocorrupt.html, section 2.2).
"""

from __future__ import annotations

import os
import sqlite3
import time

from uwf import clock
from uwf.errors import StoreBusy
from uwf.store.files import exclusive
from uwf.store.sql.database import END_CHARS, PUT
from uwf.store.sqlite.faults import explain, is_busy, taken_away, unreadable
from uwf.store.sqlite.high_water import HighWater
from uwf.store.validate import NESTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any, TypeVar

    from uwf.errors import StoreError

    T = TypeVar("T")

FIRST_PAUSE_S = 0.0005
LONGEST_PAUSE_S = 0.05
LITTLE_KIB = 256
SUSPICIOUS_S = 0.5
"""After so long it is asked whether there are locks at all, where all that is seen is that the store is in use."""

_HAS = "SELECT 1 FROM sqlite_master WHERE name = ?"


class Database:
    """A connection in autocommit mode, with the transactions written out."""

    options = b"mode=rw"
    """A file that vanished since it was looked at is an error, not a new empty store."""
    is_makeshift = False
    """Whether it can only be read, and keeps others from writing, or ends when they do: to be closed soon."""
    unlimited = -1
    onto = "CROSS JOIN"
    merges = True
    by_state = " INDEXED BY entry_state"

    def __init__(self, path: str, wait_s: float) -> None:
        self.path = path
        self.wait_s = wait_s
        self.is_complete = False
        """Whether the file is known to have all tables of today: see `schema.complete`."""
        self._synchronous = ""
        self._high_water: HighWater | None = None
        self._identity = self._identify()
        try:
            self.connection = sqlite3.connect(
                self.address(),
                uri=True,
                isolation_level=None,
                timeout=0,
                check_same_thread=False,
                cached_statements=256,
            )
        except sqlite3.Error as error:
            raise explain(error, path) from error
        # One cursor serves all: every read is drained before the next statement.
        self._cursor: sqlite3.Cursor | None = self.connection.cursor()
        self.run = self._cursor.execute

    def keep_little(self) -> None:
        """Keep at most `LITTLE_KIB` of pages in memory."""
        self.all(f"PRAGMA cache_size=-{LITTLE_KIB}")

    def address(self) -> bytes:
        """What SQLite opens."""
        return address_of(self.path, self.options)

    def one(self, sql: str, args: tuple[Any, ...] = ()) -> Any:
        """The first row, or None."""
        try:
            return self.run(sql, args).fetchone()
        except sqlite3.Error as error:
            return self._again(error, lambda: self.run(sql, args).fetchone())

    def all(self, sql: str, args: tuple[Any, ...] = ()) -> list[Any]:
        """All rows."""
        try:
            return self.run(sql, args).fetchall()
        except sqlite3.Error as error:
            return self._again(error, lambda: self.run(sql, args).fetchall())

    def put(self, row: tuple[Any, ...]) -> None:
        self.change(PUT, row)

    def send(self, sql: str, args: tuple[Any, ...]) -> None:
        self.change(sql, args)

    def change(self, sql: str, args: tuple[Any, ...]) -> int:
        """Write; how many rows that was about."""
        try:
            return self.run(sql, args).rowcount
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def tag_value(self, value: str) -> str:
        return value

    def ends(self, column: str) -> str:
        return f"substr({column}, -?)"

    def short_end(self, column: str) -> str:
        return f"substr({column}, -{END_CHARS})"

    def has_counts(self) -> bool:
        """Whether the file counts its refs by folder: one of an earlier uwf does not."""
        return self.is_complete or self.one(_HAS, ("ref_count",)) is not None

    def has_entries(self) -> bool:
        """Whether the file has a table of entries: one of an earlier uwf has none."""
        return self.is_complete or self.one(_HAS, ("entry",)) is not None

    def process(self) -> str:
        return f"pid {os.getpid()}"

    def unreadable(self, why: str) -> StoreError:
        return unreadable(self.path, why)

    def alone(self, what: str) -> AbstractContextManager[Any]:
        """The lock of work on the whole store, in a file of its own: no writer waits for it. It is waited for as a
        writer waits for others.
        """
        refusal = f"cannot start {what} of {self.path}"
        return exclusive(f"{self.path}-upkeep", refusal, self.wait_s)

    def begin(self, durable: bool, wait_s: float | None = None) -> None:
        """Become the one writer. StoreBusy when that takes longer than `wait_s`, by default that of the connection."""
        self._check_free()
        try:
            try:
                self._set_durability("FULL" if durable else "NORMAL")
                self.run("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                synchronous = "FULL" if durable else "NORMAL"
                self._again(error, lambda: self._set_durability(synchronous), wait_s)
                self._again(None, lambda: self.run("BEGIN IMMEDIATE"), wait_s)
        # Also KeyboardInterrupt, which may come when the transaction has just begun.
        except BaseException:
            self.rollback()
            raise

    def begin_reading(self) -> None:
        """Pin what reads see until `rollback`. Keeps no process from writing.

        Of a file that is not at its path any more nothing is shown.
        """
        self._check_free()
        self._check_identity()
        self._again(None, self._pin)

    def commit(self) -> None:
        """End the transaction. What was written into a file that nobody finds any more is an error, not a success."""
        try:
            self.run("COMMIT")
        except sqlite3.Error as error:
            self.rollback()
            raise explain(error, self.path) from error
        self._check_identity()

    def rollback(self) -> None:
        """End the transaction without a trace. Does nothing when SQLite has done so already."""
        if self.connection.in_transaction:
            try:
                self.run("ROLLBACK")
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def note(self, move: int) -> None:
        """Note that the log has come to the move numbered `move`, durably."""
        if self._high_water is None:
            row = self.one("SELECT value FROM meta WHERE key = 'instance'")
            if row is None:
                return
            self._high_water = HighWater(self.path, row[0])
        self._high_water.note(move)

    def close(self) -> None:
        if self._high_water is not None:
            self._high_water.close()
        try:
            if self._cursor is not None:
                self._cursor.close()  # or its statement would keep the file open and locked
                self._cursor = None
            self.connection.close()
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def _identify(self) -> tuple[int, int] | None:
        """Which file is at the path; None when there is none. SQLite writes on into one that was deleted."""
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def is_taken_away(self) -> bool:
        """Whether another file, or none, is at the path by now."""
        return self._identify() != self._identity

    def _check_identity(self) -> None:
        if self.is_taken_away():
            raise taken_away(self.path)

    def _pin(self) -> None:
        self.run("BEGIN")
        try:
            self.run("SELECT 1 FROM meta").fetchone()  # the snapshot is taken by the first read
        except BaseException:
            self.rollback()
            raise

    def _check_locks(self) -> None:
        from uwf.store.sqlite.locks import without_locks

        fault = without_locks(self.path)
        if fault is not None:
            raise fault

    def _check_free(self) -> None:
        if self.connection.in_transaction:
            raise RuntimeError(NESTED)

    def _set_durability(self, synchronous: str) -> None:
        if synchronous == self._synchronous:
            return
        # `executescript`, because this pragma acts when it is prepared and a cached statement is prepared once.
        self.connection.executescript(f"PRAGMA synchronous={synchronous}")
        self._synchronous = synchronous

    def _again(
        self, error: sqlite3.Error | None, action: Callable[[], T], wait_s: float | None = None
    ) -> T:
        """Do `action` until it meets no other process in its way, at most for `wait_s`."""
        wait_s = self.wait_s if wait_s is None else wait_s
        deadline = suspicious_s = 0.0
        pause_s = FIRST_PAUSE_S
        while True:
            if error is not None:
                if not is_busy(error) or self.connection.in_transaction:
                    raise explain(error, self.path) from error
                now = clock.monotonic_s()
                deadline = deadline or now + wait_s
                suspicious_s = suspicious_s or now + SUSPICIOUS_S
                if now >= suspicious_s:
                    suspicious_s = float("inf")  # once is enough
                    self._check_locks()
                if now >= deadline:
                    raise StoreBusy(
                        f"{self.path} is in use by another process; gave up after {wait_s:g} s",
                        hint=f"fuser {self.path}",
                    ) from error
                # Jitter: processes that collide once shall not collide in step for ever.
                time.sleep(pause_s * (0.5 + os.urandom(1)[0] / 255))
                pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
            try:
                return action()
            except sqlite3.Error as again:
                error = again


class InMemory(Database):
    """One that no other process sees and that ends with its connection: there is nothing to note beside it."""

    def __init__(self) -> None:
        super().__init__(":memory:", 0.0)

    def address(self) -> bytes:
        return b"file::memory:"

    def alone(self, what: str) -> AbstractContextManager[Any]:
        from contextlib import nullcontext

        return nullcontext()

    def note(self, move: int) -> None:
        """Nothing of it can be lost without all of it."""


def address_of(path: str, options: bytes) -> bytes:
    """The file: URI of a path. Bytes, so that a name that is not Unicode works too."""
    quoted = os.fsencode(os.path.abspath(path))
    for sign, code in ((b"%", b"%25"), (b"?", b"%3f"), (b"#", b"%23")):
        quoted = quoted.replace(sign, code)
    return b"file://" + quoted + b"?" + options
