"""Objects of a store that is far away, kept near: in a store file of their own, which may be deleted at any time.

An object never changes, so that nothing in it can be stale, and what is read from it is hashed as everywhere. What only
the store itself can tell is asked of it: whether an object is there, refs, the log. A cache that cannot be used, full
disk or spoilt file, is the same as none.
"""

from __future__ import annotations

import os
from contextlib import suppress

from uwf.errors import (
    NotFound,
    ObjectDamaged,
    ObjectMissing,
    StoreBusy,
    StoreError,
    StoreUnreadable,
    UwfError,
)
from uwf.store.files import SQLITE_SIDE_FILES, discard
from uwf.store.sqlite import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.sqlite import SqliteStore

MOST_BYTES = 256 << 20
"""A cache that has grown to this is given up, and another one begun."""
LARGEST_BYTES = 4 << 20
"""A larger object is not kept."""
TOGETHER, TOGETHER_BYTES = 500, 1 << 20
"""So much that is new is written at once."""
MOST_FAILURES = 3
"""After so many a process goes on without it."""


class ObjectCache:
    """The cache in the file at `path`, which is made when there is something to keep. It serves one store."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._store: SqliteStore | None = None
        self._is_absent = False
        self._failures = 0
        self._new: dict[str, bytes] = {}
        self._new_bytes = 0

    def raw(self, id: str) -> bytes | None:
        """The bytes of an object; None when they are not here."""
        store = self._store or self._opened(create=False)
        if store is None:
            return self._new.get(id)
        try:
            return store.raw(id)
        except ObjectMissing:
            return self._new.get(id)
        except StoreError as error:
            self._failed(error)
            return None

    def find(self, prefix: str, what: str) -> str:
        """The id of the one object here that begins with `prefix`: see `Objects.find`."""
        store = self._store or self._opened(create=False)
        if store is None:
            raise NotFound(f"no {what} that is kept here has an id that begins with {prefix}")
        return store.find(prefix, what=what)

    def keep(self, id: str, data: bytes) -> None:
        """Keep the bytes of an object, sooner or later."""
        if self._failures >= MOST_FAILURES or len(data) > LARGEST_BYTES:
            return
        self._new[id] = data
        self._new_bytes += len(data)
        if len(self._new) >= TOGETHER or self._new_bytes >= TOGETHER_BYTES:
            self._write()

    def close(self) -> None:
        """Write what is new, and close. May be called twice."""
        self._write()
        self._let_go()

    def _write(self) -> None:
        """One that somebody else writes to loses nothing that could not be read again."""
        new, self._new, self._new_bytes = self._new, {}, 0
        store = self._opened(create=True) if new else None
        try:
            if store is not None and store.used_bytes() > MOST_BYTES:
                self._remove()
                store = self._opened(create=True)
            if store is not None:
                with store.transaction("keep near", durable=False) as tx:
                    for data in new.values():
                        tx.put_raw(data)
        except UwfError as error:
            self._failed(error)

    def _opened(self, *, create: bool) -> SqliteStore | None:
        if self._store is None and self._failures < MOST_FAILURES:
            if self._is_absent and not create:
                return None
            self._is_absent = not create and not os.path.exists(self._path)
            if self._is_absent:
                return None
            try:
                self._store = open_store(self._path, create=create, wait_s=0.0)
            except UwfError as error:
                self._failed(error)
        return self._store

    def _failed(self, error: UwfError) -> None:
        """Go on without, for now. What is spoilt is removed."""
        if isinstance(error, StoreBusy):
            return
        self._failures += 1
        if isinstance(error, (StoreUnreadable, ObjectDamaged)):
            self._remove()
        self._let_go()

    def _let_go(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _remove(self) -> None:
        self._let_go()
        with suppress(OSError):
            for ending in ("", *SQLITE_SIDE_FILES, "-mark"):
                discard(self._path + ending)
