"""Whether the file system of a store has locks: without them SQLite says for ever that the file is in use."""

from __future__ import annotations

import errno
import fcntl
import os

from uwf.errors import StoreError, UwfError
from uwf.store.files import discard, start_new
from uwf.store.sqlite.faults import no_locks

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)


def without_locks(path: str) -> StoreError | None:
    """The error that the file system of the store has no locks, if that is so.

    Tried with a file of its own, since closing the store file would drop the locks that this process has.
    """
    try:
        file = start_new(path)
    except UwfError:
        return None  # nothing can be made there, nor told
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return no_locks(path, error.strerror or f"{error}")
    finally:
        discard(file)
    return None
