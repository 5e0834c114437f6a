"""New files that appear whole or not at all, and a file that only one process at a time has to itself."""

from __future__ import annotations

import errno
import os
import stat

from uwf import home as paths
from uwf import owned, points
from uwf.errors import InputError, StoreBusy, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any

FILE_MODE = 0o600
SQLITE_SIDE_FILES = ("-wal", "-shm", "-journal")
TRACES = ("", "-wal", "-mark")
"""What stands after the path of a store in the names of files that tell of one: itself, and what outlives its loss."""


def start_new(path: str) -> str:
    """Make an empty private file beside `path` to write what shall become `path`; its name."""
    temporary = f"{path}.new-{os.getpid()}-{os.urandom(4).hex()}"
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, FILE_MODE))
        owned.give(temporary)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"cannot create {path}: there is no folder {os.path.dirname(path) or '.'}"
        ) from None
    except OSError as error:
        raise cannot_create(path, error) from error
    return temporary


def publish_new(temporary: str, path: str) -> bool:
    """Give a finished file its name and make that durable. False, and nothing changed, when `path` exists.

    The file must not be open by an SQLite connection. A hard link, because a rename would replace.
    """
    try:
        sync(temporary)
        points.at("file: synced")
        os.link(temporary, path)
        points.at("file: linked")
    except FileExistsError:
        return False
    except OSError as error:
        raise cannot_create(path, error) from error
    finally:
        discard(temporary)
    sync(os.path.dirname(path) or ".")
    return True


def put(path: str, data: bytes) -> None:
    """Let the file `path` have `data`, whole or not at all; one that is there is replaced, and keeps its mode.

    Raises `InputError` for what is no file, or names none, and for a folder that is not there.
    """
    mode = None
    if not os.path.basename(path) and not os.path.exists(path):
        raise InputError(f"'{path}' names no file", code="not_a_file")
    if os.path.exists(path):
        found = os.stat(path).st_mode
        if not stat.S_ISREG(found):
            what = "a folder" if stat.S_ISDIR(found) else "no file"
            raise InputError(f"{path} is {what}", code="not_a_file")
        mode = stat.S_IMODE(found)
    temporary = start_new(os.path.realpath(path))
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        if mode is not None:
            os.chmod(temporary, mode)
        sync(temporary)
        os.replace(temporary, os.path.realpath(path))
    except OSError as error:
        raise cannot_create(path, error) from error
    finally:
        discard(temporary)


def exclusive(path: str, refusal: str, wait_s: float = 0.0) -> AbstractContextManager[Any]:
    """Hold the lock file at `path`. StoreBusy, which begins with `refusal`, when another process does for `wait_s`.

    Where no file can be made nothing is locked: neither can others write there, so there is nothing to keep apart.
    """
    from contextlib import nullcontext

    from filelock import FileLock, Timeout  # 50 ms, and few commands need it

    try:
        lock = FileLock(path, mode=FILE_MODE).acquire(timeout=wait_s)
        owned.give(path)
        return lock
    except Timeout as error:
        waited = f"; gave up after {wait_s:g} s" if wait_s else ""
        raise StoreBusy(
            f"{refusal}: another process is at work on the whole of it{waited}",
            hint=f"fuser {path}",
        ) from error
    except PermissionError:
        return nullcontext()
    except OSError as error:
        if error.errno == errno.EROFS:
            return nullcontext()
        raise cannot_create(path, error) from error


def discard(temporary: str) -> None:
    """Remove a file that may be gone already."""
    try:
        os.unlink(temporary)
    except FileNotFoundError:
        return


def was_never_made(path: str) -> bool:
    """Whether there certainly is no store at `path`, and never was one that is gone without the files beside it."""
    if dangling(path) is not None:
        return False
    for trace in TRACES:
        try:
            os.lstat(path + trace)
        except FileNotFoundError:
            continue
        except OSError:
            return False  # what cannot be looked at may be there: opening it says what is wrong
        return False
    return True


def dangling(path: str) -> str | None:
    """The link on the way to `path` that leads to nothing, such as a folder on a disk that is not mounted."""
    while not os.path.exists(path):
        if os.path.islink(path):
            return path
        above = os.path.dirname(path)
        if above == path:
            break
        path = above
    return None


def restoring(path: str) -> str:
    """The command that puts a backup in the place of the store at `path`: the newest of those kept beside it; for one
    in a database, what says how that is done.
    """
    import shlex

    from uwf.store_address import is_database

    if is_database(path):
        return "uwf help operations"
    folder = paths.backups(os.path.dirname(path))
    try:
        newest = max(name for name in os.listdir(folder) if name.endswith(".db"))
    except (OSError, ValueError):
        return "uwf store restore BACKUP"
    return f"uwf store restore {shlex.quote(os.path.join(folder, newest))}"


def another_name(path: str) -> str:
    """A name like `path` that nothing has."""
    stem, ending = os.path.splitext(path)
    number = 2
    while os.path.lexists(f"{stem}-{number}{ending}"):
        number += 1
    return f"{stem}-{number}{ending}"


def cannot_create(path: str, error: OSError) -> StoreError:
    return StoreError(f"cannot create {path}: {error.strerror or error}")


def sync(path: str) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
