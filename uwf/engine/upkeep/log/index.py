"""The lines of the log in an SQLite file with an index of their words (FTS5): what is searched.

It has nothing that the log has not. It takes in what is new before it is asked; where it is missing, damaged or of
another version it is made anew, and in memory where there is no place for it, or another process is at it for long.
"""

from __future__ import annotations

import json
import os
import sqlite3

from uwf import home as paths
from uwf import owned
from uwf.engine.upkeep.log.writer import files
from uwf.store.files import SQLITE_SIDE_FILES, discard
from uwf.store.sqlite.faults import is_busy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Self

VERSION = 1
"""Of the tables below, in `PRAGMA user_version`."""
BATCH_BYTES = 4 << 20
BUSY_S = 30.0
"""How long another process may take lines in."""
_TABLES = (
    "CREATE TABLE taken (file TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE line (seq INTEGER PRIMARY KEY, file TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " thread TEXT, event TEXT, text TEXT NOT NULL)",
    "CREATE INDEX line_at ON line (at_ms)",
    "CREATE INDEX line_file ON line (file)",
    "CREATE INDEX line_thread ON line (thread, at_ms) WHERE thread IS NOT NULL",
    "CREATE INDEX line_event ON line (event, at_ms) WHERE event IS NOT NULL",
    "CREATE VIRTUAL TABLE found USING fts5(text, content=line, content_rowid=seq)",
    f"PRAGMA user_version={VERSION}",
)
_FORGET = (
    "INSERT INTO found (found, rowid, text) SELECT 'delete', seq, text FROM line WHERE file = ?",
    "DELETE FROM line WHERE file = ?",
    "DELETE FROM taken WHERE file = ?",
)


class LogIndex:
    """An index of the log of `home`, in the file at `path` or in memory."""

    def __init__(self, home: str, path: str) -> None:
        """Raises `sqlite3.Error` where it can neither be read nor made."""
        self._home = home
        self._sizes: dict[str, int] | None = None
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._make_tables()
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def open(cls, home: str, *, anew: bool = False) -> Self:
        """That of `home`, `anew` without what it had."""
        if not os.path.isdir(home):
            return cls(home, ":memory:")  # looking makes no home
        path = paths.log_index(home)
        try:
            for ending in ("", *SQLITE_SIDE_FILES) if anew else ():
                discard(path + ending)
            owned.make_folder(os.path.dirname(path))
            return cls(home, path)
        except (OSError, sqlite3.Error) as error:
            can_be_damaged = not anew and os.path.exists(path)
            return cls.after(error, home) if can_be_damaged else cls(home, ":memory:")

    @classmethod
    def after(cls, error: OSError | sqlite3.Error, home: str) -> Self:
        """Another one for `home`, in place of one that has met `error`: what another process is busy with is left to
        it.
        """
        is_left = isinstance(error, sqlite3.Error) and is_busy(error)
        return cls(home, ":memory:") if is_left else cls.open(home, anew=True)

    def close(self) -> None:
        self._connection.close()

    def rows(self, sql: str, args: tuple[Any, ...]) -> list[Any]:
        return self._connection.execute(sql, args).fetchall()

    def last(self) -> int:
        """The number of the line that was taken in last; 0 before there is one."""
        return int(self.rows("SELECT coalesce(max(seq), 0) FROM line", ())[0][0])

    def take_in(self) -> None:
        """Take in what was written to the log since the last time, and forget what is gone from it."""
        sizes = self._log_sizes()
        if sizes == self._sizes:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            taken = dict(self.rows("SELECT file, bytes FROM taken", ()))
            for file in taken:
                if sizes.get(file, -1) < taken[file]:
                    for sql in _FORGET:
                        self._connection.execute(sql, (file,))
            for file, size in sizes.items():
                begin = taken.get(file, 0)
                if size != begin:
                    self._take_file(file, begin if size > begin else 0)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._sizes = sizes

    def _make_tables(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        ((version,),) = self.rows("PRAGMA user_version", ())
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError(f"its tables are of version {version}")
        for sql in _TABLES if version == 0 else ():
            self._connection.execute(sql)
        self._connection.execute("COMMIT")

    def _log_sizes(self) -> dict[str, int]:
        folder, sizes = paths.logs(self._home), {}
        for file in files(self._home):
            try:
                sizes[file] = os.stat(os.path.join(folder, file)).st_size
            except OSError:
                continue  # removed just now
        return sizes

    def _take_file(self, file: str, begin: int) -> None:
        try:
            stream = open(os.path.join(paths.logs(self._home), file), "rb")  # noqa: SIM115
        except OSError:
            return
        with stream:
            stream.seek(begin)
            rest = b""
            while batch := stream.read(BATCH_BYTES):
                whole, line_break, rest = (rest + batch).rpartition(b"\n")
                self._put(file, _readable(whole))
                begin += len(whole) + len(line_break)
        self._connection.execute("INSERT OR REPLACE INTO taken VALUES (?, ?)", (file, begin))

    def _put(self, file: str, lines: Iterator[tuple[str, dict[str, Any]]]) -> None:
        rows = [
            (seq, file, line["at"], line.get("thread"), line.get("event"), text)
            for seq, (text, line) in enumerate(lines, self.last() + 1)
        ]
        put = self._connection.executemany
        put(
            "INSERT INTO line (seq, file, at_ms, thread, event, text) VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )
        put("INSERT INTO found (rowid, text) VALUES (?, ?)", ((row[0], row[-1]) for row in rows))


def _readable(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """The lines in `data`; one that a full disk has torn is none."""
    for line in data.split(b"\n"):
        try:
            text = line.decode()
            found = json.loads(text)
            if isinstance(found["at"], int) and isinstance(found["what"], str):
                yield text, found
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
