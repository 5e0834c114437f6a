"""A backup in the place of the store: read and checked whole before anything is touched, and what it replaces is kept.

    copy it beside the store, check the copy -> have the store to itself -> keep what is there -> swap, by one rename

Killed between any two instructions, the old store is there or the new one. Where the old one can be read, its WAL is
copied into it first: SQLite would replay a WAL into whatever file stands beside it. Where it cannot, its WAL is kept
with it and taken away from its place, which loses nothing that could still be read.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress

from uwf import clock, owned, points
from uwf import home as paths
from uwf.errors import InputError, StoreBusy, StoreError, StoreTooNew, StoreUnreadable
from uwf.record import Record
from uwf.store.files import SQLITE_SIDE_FILES, discard, exclusive, start_new, sync
from uwf.store.leases import refuse_in_use
from uwf.store.sqlite import SqliteStore, open_store
from uwf.store.sqlite.database import address_of
from uwf.store.sqlite.faults import explain, is_broken, is_busy
from uwf.store.sqlite.schema import connect
from uwf.store.whole import check
from uwf.store.whole.backup import copied, verified

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.working import OnWork


ALONE = (
    "PRAGMA locking_mode=EXCLUSIVE",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "PRAGMA wal_checkpoint(TRUNCATE)",
)
"""What gets a store for this connection alone, as long as it lasts: every other one shares a lock of the file."""


class Restored(Record):
    """The backup that is the store now, what is in it, and the folder with what it has replaced, if there was any."""

    file: str
    replaced: str | None
    objects: int
    refs: int
    bytes: int


def restore(file: str, path: str, on_work: OnWork | None = None) -> Restored:
    """Put the backup `file` in the place of the store at `path`.

    Nothing is changed by a file that is no sound store (InputError, StoreError), nor while a process has the store open
    or runs a thread of it (StoreBusy).
    """
    real = os.path.realpath(path)
    if os.path.exists(real) and os.path.exists(file) and os.path.samefile(file, real):
        raise InputError(
            f"{file} is the store itself, no backup of it", hint="uwf store backup FILE"
        )
    temporary, found = checked_copy(file, real, on_work)
    try:
        points.at("restore: checked")
        with exclusive(f"{path}-upkeep", f"cannot restore {path}"):
            replaced = _keep(real)
            try:
                with _to_itself(path) as is_whole:
                    if replaced is not None and is_whole:
                        discard(os.path.join(replaced, f"{os.path.basename(real)}-wal"))
                    points.at("restore: kept")
                    size_bytes = os.stat(temporary).st_size
                    _swap(temporary, real)
            except StoreBusy:
                _discard_folder(replaced)
                raise
            discard(f"{path}-mark")  # which is about the store that was here, and says so
    finally:
        _discard_all(temporary)
    points.at("restore: done")
    return Restored(file, replaced, found.objects, found.refs, size_bytes)


def checked_copy(file: str, path: str, on_work: OnWork | None) -> tuple[str, check.Verification]:
    """A sound copy of the backup `file` under a name of its own beside `path`, durable, and what was found in it."""
    if not os.path.isfile(file):
        raise InputError(f"there is no backup {file}", hint=_look(file))
    with closing(_opened(file)) as backup:
        owned.make_folder(os.path.dirname(path))
        temporary = start_new(path)
        try:
            copied(backup, temporary, on_work)
            found = _verified(temporary, file, on_work)
            sync(temporary)
        except sqlite3.Error as error:
            _discard_all(temporary)
            raise explain(error, file if is_broken(error) else path) from error
        except BaseException:
            _discard_all(temporary)
            raise
    return temporary, found


def _opened(file: str) -> SqliteStore:
    try:
        return open_store(file, create=False)
    except StoreUnreadable as error:
        raise StoreUnreadable(f"{error.message}; nothing was changed", hint=_look(file)) from error


def _verified(copy: str, file: str, on_work: OnWork | None) -> check.Verification:
    try:
        return verified(copy, file, on_work)
    except StoreError as error:
        error.message += "; nothing was changed"
        error.hint = _look(file)
        raise


def _look(file: str) -> str:
    """How to find another backup."""
    return f"ls -la {os.path.dirname(file) or '.'}"


@contextmanager
def _to_itself(path: str) -> Iterator[bool]:
    """Keep every other process from the store at `path`, and leave nothing in its WAL. StoreBusy when one has it.

    False for a store that cannot be read, of which it is known only whether a thread of it runs.
    """
    refuse_in_use(path, "a store is not replaced under it")
    if not _is_whole(path):
        yield False
        return
    # What keeps others out goes with the connection: it lasts until the swap is done.
    connection = sqlite3.connect(
        address_of(path, b"mode=rw"), uri=True, isolation_level=None, timeout=0
    )
    try:
        try:
            for sql in ALONE:
                connection.execute(sql).fetchall()
        except sqlite3.Error as error:
            if not is_busy(error):
                raise explain(error, path) from error
            raise StoreBusy(
                f"another process has {path} open: a store is not replaced under it",
                hint=f"fuser {path}",
            ) from error
        yield True
    finally:
        connection.close()


def _is_whole(path: str) -> bool:
    """Whether there is a store at `path` that can be read, with all that was ever committed to it."""
    try:
        connect(path, create=False, wait_s=0.0).close()
    except (StoreBusy, StoreTooNew):
        return True
    except StoreError:
        return False
    return True


def _keep(path: str) -> str | None:
    """Give what there is of the store at `path` a second name, in a folder of its own; that folder.

    Before the store is opened: SQLite deletes a WAL that it can make nothing of.
    """
    there = [path + ending for ending in ("", "-wal") if _has_something(path + ending)]
    if not there:
        return None
    folder = paths.made(_new_folder(os.path.dirname(path)))
    for file in there:
        os.link(file, os.path.join(folder, os.path.basename(file)))
    sync(folder)
    return folder


def _discard_folder(folder: str | None) -> None:
    """Nothing was replaced: what was given a second name in `folder` has the first one still."""
    if folder is not None:
        for name in os.listdir(folder):
            discard(os.path.join(folder, name))
        os.rmdir(folder)
        with suppress(OSError):  # others stand beside it
            os.rmdir(os.path.dirname(folder))


def _has_something(path: str) -> bool:
    try:
        return os.lstat(path).st_size > 0
    except FileNotFoundError:
        return False


def _new_folder(home: str) -> str:
    stamp = clock.iso(clock.now_ms()).replace("-", "").replace(":", "")
    folder, number = os.path.join(home, paths.REPLACED, stamp), 1
    while os.path.lexists(folder):
        number += 1
        folder = os.path.join(home, paths.REPLACED, f"{stamp}-{number}")
    return folder


def _swap(temporary: str, path: str) -> None:
    for ending in SQLITE_SIDE_FILES:
        discard(path + ending)
    points.at("restore: cleared")
    os.replace(temporary, path)
    points.at("restore: swapped")
    sync(os.path.dirname(path))


def _discard_all(temporary: str) -> None:
    for ending in ("", *SQLITE_SIDE_FILES):
        discard(temporary + ending)
