"""Reading a store that no process has open, in a folder where this process may not write.

SQLite reads a file in WAL mode with the help of files beside it, which it would have to make. Without a WAL, the
file alone is the whole store, and can be read as one that does not change (https://www.sqlite.org/uri.html,
`immutable`). Others may be allowed to write all the same. They change the file itself only when they copy their WAL
into it, so what is read counts only while the file is as it was.
"""

from __future__ import annotations

import os

from uwf.errors import StoreBusy
from uwf.store.sqlite.database import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def open_read_only(path: str) -> ReadOnlyDatabase | None:
    """The store at `path`, to be read only. None when this process may write there, or when there is a WAL."""
    if os.access(os.path.dirname(path) or ".", os.W_OK):
        return None
    try:
        state = _state(path)  # first: what is written between these lines is seen by the check
        if os.path.lexists(f"{path}-wal") and os.stat(f"{path}-wal").st_size:
            return None
    except OSError:
        return None
    return ReadOnlyDatabase(path, state)


class ReadOnlyDatabase(Database):
    """A `Database` whose reads raise `StoreBusy` when the file has changed since it was opened."""

    is_makeshift = True
    options = b"mode=ro&immutable=1"

    def __init__(self, path: str, state: tuple[int, ...]) -> None:
        super().__init__(path, 0.0)
        self._state = state

    def one(self, sql: str, args: tuple[Any, ...] = ()) -> Any:
        try:
            return super().one(sql, args)
        finally:
            self._check()

    def all(self, sql: str, args: tuple[Any, ...] = ()) -> list[Any]:
        try:
            return super().all(sql, args)
        finally:
            self._check()

    def begin_reading(self) -> None:
        try:
            super().begin_reading()
        finally:
            self._check()

    def close(self) -> None:
        super().close()
        self._check()  # for what was read by other means, such as a backup

    def _check(self) -> None:
        """Also after a failed read: a file that changes meanwhile may look like a broken one."""
        if _state(self.path) != self._state:
            raise StoreBusy(
                f"{self.path} was changed while it was read, in a folder where this process cannot write",
                hint=f"fuser {self.path}",
            )


def _state(path: str) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
