"""SQLite's faults in the words of the store, each with what to do about it."""

from __future__ import annotations

import os
import sqlite3

from uwf.errors import InputError, StoreBusy, StoreError, StoreUnreadable, UwfError
from uwf.store.files import restoring

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
READONLY, CANNOT_OPEN = "store_readonly", "store_cannot_open"
GONE, FULL, NO_LOCKS = "store_gone", "store_full", "store_no_locks"
_CAUSES = {
    sqlite3.SQLITE_FULL: (FULL, "the disk is full", "df -h"),
    sqlite3.SQLITE_READONLY: (READONLY, "the file or its folder is read-only", "ls -la"),
    sqlite3.SQLITE_IOERR: ("store_io", "the disk reports an input/output error", "df -h"),
    sqlite3.SQLITE_CANTOPEN: (CANNOT_OPEN, "it or its -wal file cannot be opened", "ls -la"),
    sqlite3.SQLITE_PERM: (CANNOT_OPEN, "permission is denied", "ls -la"),
    sqlite3.SQLITE_NOMEM: ("store_memory", "there is not enough memory", ""),
}
"""By SQLite's code: ours, what it means, and what to look with at the folder of the store."""


_LOCKING = frozenset(
    {
        sqlite3.SQLITE_IOERR_LOCK,
        sqlite3.SQLITE_IOERR_RDLOCK,
        sqlite3.SQLITE_IOERR_UNLOCK,
        sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK,
        sqlite3.SQLITE_IOERR_SHMLOCK,
    }
)
"""What SQLite reports when a lock cannot be had at all, not because another process has it."""


def is_busy(error: sqlite3.Error) -> bool:
    return _code(error) in _BUSY


def is_broken(error: sqlite3.Error) -> bool:
    """Whether a file was found to be no sound database."""
    return _code(error) in _BROKEN or f"{error}".startswith("Could not decode")


def explain(error: sqlite3.Error, path: str) -> UwfError:
    """What SQLite reported about the store at `path`, as an error that says what to do."""
    code, words = _code(error), _in_one_line(f"{error}")
    if code in _BUSY:
        return StoreBusy(f"{path} is in use by another process", hint=f"fuser {path}")
    if is_broken(error):
        return unreadable(path, words)
    if getattr(error, "sqlite_errorcode", -1) in _LOCKING:
        return no_locks(path, words)
    if code == sqlite3.SQLITE_TOOBIG:
        return InputError(f"{path} cannot hold a value this large: {words}")
    if code in _CAUSES:
        word, cause, look = _CAUSES[code]
        return StoreError(
            f"cannot use the store {path}: {cause} ({words})",
            code=word,
            hint=f"{look} {os.path.dirname(path) or '.'}" if look else None,
        )
    return StoreError(f"cannot use the store {path}: {words}")


def unreadable(path: str, why: str) -> StoreUnreadable:
    return StoreUnreadable(
        f"{path} cannot be read as a uwf store: {why}",
        hint=restoring(path),
    )


def no_locks(path: str, words: str) -> StoreError:
    """A file system whose locks do not work, which is not cured by waiting."""
    folder = os.path.dirname(path) or "."
    return StoreError(
        f"cannot use the store {path}: the file system of {folder} has no file locks ({words}), "
        "which keep writers apart; there it can only be read",
        hint=f"df -T {folder}",
        code=NO_LOCKS,
    )


def taken_away(path: str) -> StoreError:
    """The file at the path is not the one that was written to."""
    return StoreError(
        f"the store {path} was deleted, replaced or unmounted while it was in use: nothing is kept in it now",
        hint=f"ls -la {os.path.dirname(path) or '.'}",
        code=GONE,
    )


def _in_one_line(words: str) -> str:
    """SQLite quotes what it cannot decode, however long and wild it is."""
    return "".join(letter for letter in words[:200] if letter.isprintable())


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, -1 when the fault is not SQLite's."""
    code: int = getattr(error, "sqlite_errorcode", -1)
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:  # the -shm file cannot grow, and what keeps it is room
        return sqlite3.SQLITE_FULL
    return code & 0xFF if code >= 0 else -1
