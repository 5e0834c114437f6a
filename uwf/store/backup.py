"""A consistent copy of the store file, made while others write.

Putting one in the place of the store is in `restore`.
"""

from __future__ import annotations

import os
import sqlite3

from uwf import points
from uwf.errors import InputError
from uwf.store.files import SQLITE_SIDE_FILES, another_name, discard, publish_new, start_new
from uwf.store.sqlite import schema
from uwf.store.sqlite.faults import explain, is_broken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.sqlite import SqliteStore


def backup(store: SqliteStore, path: str) -> int:
    """Copy the store to the new file `path`, mode 0600; its size in bytes.

    The file appears whole and durable, or not at all. InputError when `path` exists: nothing is overwritten. One
    process at a time: StoreBusy for a second one, which would read the same pages twice.
    """
    if os.path.lexists(path):
        raise _exists(path)
    with store.alone("backup"):
        return _published(store, path)


def _published(store: SqliteStore, path: str) -> int:
    temporary = start_new(path)
    try:
        copied(store, temporary)
        points.at("backup: copied")
        size_bytes = os.stat(temporary).st_size
        if not publish_new(temporary, path):
            raise _exists(path)
    except sqlite3.Error as error:
        raise explain(error, store.path if is_broken(error) else path) from error
    finally:
        for side in ("", *SQLITE_SIDE_FILES):
            discard(temporary + side)
    points.at("backup: done")
    return size_bytes


def copied(store: SqliteStore, temporary: str) -> None:
    """Copy the store into the empty file `temporary`, which is another instance then. Raises sqlite3.Error."""
    target = sqlite3.connect(temporary, isolation_level=None)
    try:
        target.execute("PRAGMA synchronous=OFF")  # made durable once, when it is published
        store.copy_into(target)
        target.execute("UPDATE meta SET value = ? WHERE key = 'instance'", (schema.new_instance(),))
    finally:
        target.close()


def _exists(path: str) -> InputError:
    return InputError(
        f"{path} exists: a backup never overwrites a file",
        hint=f"uwf store backup {another_name(path)}",
    )
