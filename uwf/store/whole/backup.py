"""A consistent copy of the store file, made while others write.

Putting one in the place of the store is in `restore`.
"""

from __future__ import annotations

import os
import sqlite3

from uwf import points
from uwf.errors import InputError, StoreError
from uwf.store.files import SQLITE_SIDE_FILES, another_name, discard, publish_new, start_new
from uwf.store.sqlite import open_store, schema
from uwf.store.sqlite.faults import explain, is_broken
from uwf.store.whole import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.sqlite import SqliteStore
    from uwf.working import OnWork


def backup(
    store: SqliteStore, path: str, *, is_verified: bool = False, on_work: OnWork | None = None
) -> int:
    """Copy the store to the new file `path`, mode 0600; its size in bytes.

    The file appears whole and durable, or not at all; when `is_verified`, only if all that is in it is sound:
    StoreError otherwise. InputError when `path` exists: nothing is overwritten. One process at a time: StoreBusy for a
    second one, which would read the same pages twice.
    """
    if os.path.lexists(path):
        raise _exists(path)
    with store.alone("backup"):
        return _published(store, path, is_verified, on_work)


def _published(store: SqliteStore, path: str, is_verified: bool, on_work: OnWork | None) -> int:
    temporary = start_new(path)
    try:
        copied(store, temporary, on_work)
        points.at("backup: copied")
        if is_verified:
            verified(temporary, f"the backup of {store.place}", on_work)
            points.at("backup: verified")
        size_bytes = os.stat(temporary).st_size
        if not publish_new(temporary, path):
            raise _exists(path)
    except sqlite3.Error as error:
        raise explain(error, store.place if is_broken(error) else path) from error
    finally:
        for side in ("", *SQLITE_SIDE_FILES):
            discard(temporary + side)
    points.at("backup: done")
    return size_bytes


def copied(store: SqliteStore, temporary: str, on_work: OnWork | None) -> None:
    """Copy the store into the empty file `temporary`, which is another instance then. Raises sqlite3.Error."""
    target = sqlite3.connect(temporary, isolation_level=None)
    try:
        target.execute("PRAGMA synchronous=OFF")  # made durable once, when it is published
        store.copy_into(target, on_work)
        target.execute("UPDATE meta SET value = ? WHERE key = 'instance'", (schema.new_instance(),))
    finally:
        target.close()


def verified(file: str, called: str, on_work: OnWork | None) -> check.Verification:
    """What is in a backup, all of it sound. StoreError, in which it is `called` so, when it is not."""
    store = open_store(file, create=False)
    try:
        found = check.verify(store, deep=True, on_work=on_work)
    finally:
        store.close()
    if found.problems:
        first = found.problems[0]
        more = f", and {len(found.problems) - 1} more" if found.problems[1:] else ""
        raise StoreError(
            f"{called} is not sound: {first.detail}{more}",
            hint="uwf store verify --deep",
            code="backup_damaged",
        )
    return found


def _exists(path: str) -> InputError:
    return InputError(
        f"{path} exists: a backup never overwrites a file",
        hint=f"uwf store backup {another_name(path)}",
    )
