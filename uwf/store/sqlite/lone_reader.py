"""Reading a store where what its processes share cannot be had: room for the `-shm` file, or locks.

SQLite keeps the index of a WAL in memory instead when it has the file to itself (`locking_mode=EXCLUSIVE`, see
https://www.sqlite.org/wal.html, "Use of WAL Without Shared-Memory"). So the newest changes are read as well, and other
processes wait meanwhile, where there are locks. Nothing is written this way: a run would keep all others out for hours.
"""

from __future__ import annotations

import sqlite3

from uwf.errors import StoreError
from uwf.store.sqlite.database import Database
from uwf.store.sqlite.faults import FULL, NO_LOCKS, explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_OPTIONS = {FULL: b"mode=rw", NO_LOCKS: b"mode=ro&vfs=unix-none"}
"""By what cannot be had. Without locks nothing keeps others away: nor can they write."""


class LoneReader(Database):
    """A `Database` that is read only, because of the error `why`, which every transaction raises."""

    is_makeshift = True

    def __init__(self, path: str, wait_s: float, why: StoreError) -> None:
        self.options = _OPTIONS[why.code]
        self._why = why
        super().__init__(path, wait_s)
        try:
            self.run("PRAGMA locking_mode=EXCLUSIVE").fetchall()
            self.run("PRAGMA temp_store=MEMORY")
        except sqlite3.Error as error:
            raise explain(error, path) from error

    def begin(self, durable: bool, wait_s: float | None = None) -> NoReturn:
        raise self._why


def can_help(error: StoreError) -> bool:
    """Whether a store that cannot be opened because of `error` can be read alone."""
    return error.code in _OPTIONS
