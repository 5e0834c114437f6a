"""A source that is a file: lines of JSON that some program adds to it. Each is taken once it is whole.

A file that was put aside under its name with `.1` behind it, as log rotation does, is read to its end first.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from uwf.daemon.intake import strict_json
from uwf.daemon.sources import lines
from uwf.daemon.sources.polled import Polled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from uwf.daemon.sources.polled import PollTask

MOST_BYTES = 8 << 20
"""Read in one poll."""
PUT_ASIDE = ".1"


def poll(task: PollTask) -> Polled:
    """The lines that are new since the cursor: which file it was, and how much of it was read."""
    path = task.source.path
    before = task.cursor if isinstance(task.cursor, dict) else {}
    inode, offset = before.get("inode"), before.get("offset", 0)
    try:
        with _opened(path) as file:
            about = os.fstat(file.fileno())
            if inode not in (None, about.st_ino):
                older = _rest(task, path + PUT_ASIDE, inode, offset)
                if older is not None:
                    return older
            if inode != about.st_ino or about.st_size < offset:
                offset = 0  # another file, or one that was begun anew
            return _polled(task, file, about.st_ino, offset)
    except OSError as error:
        return Polled(
            cursor=task.cursor, faults=(f"cannot read {path}: {error.strerror}",), is_down=True
        )


def _rest(task: PollTask, path: str, inode: int, offset: int) -> Polled | None:
    """What is left of the file that was put aside; None where nothing is, or it is gone."""
    with suppress(OSError), _opened(path) as file:
        about = os.fstat(file.fileno())
        if about.st_ino == inode and about.st_size > offset:
            found = _polled(task, file, inode, offset)
            if found.cursor != {"inode": inode, "offset": offset}:
                return Polled(found.events, cursor=found.cursor, faults=found.faults, is_cut=True)
    return None


def _polled(task: PollTask, file: IO[bytes], inode: int, offset: int) -> Polled:
    file.seek(offset)
    data = file.read(MOST_BYTES)
    if len(data) == MOST_BYTES and b"\n" not in data:
        cursor = {"inode": inode, "offset": offset + len(data)}
        return Polled(
            cursor=cursor, faults=(f"a line is longer than {MOST_BYTES >> 20} MiB",), is_cut=True
        )
    whole = data[: data.rfind(b"\n") + 1]
    split = whole.splitlines(keepends=True)
    found = lines.read(task.source, _placed(split, inode, offset))
    read = sum(map(len, split[: found.taken]))
    return Polled(
        found.events,
        cursor={"inode": inode, "offset": offset + read},
        faults=found.faults,
        is_cut=found.is_cut or len(data) == MOST_BYTES,
    )


def _placed(split: list[bytes], inode: int, offset: int) -> Iterator[tuple[str, bytes]]:
    for line in split:
        yield f"byte {offset} of file {inode}", line[: strict_json.MAX_BYTES + 1]
        offset += len(line)


def _opened(path: str) -> IO[bytes]:
    """Without waiting for the writer of a pipe. OSError for what is no file."""
    found = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(0, "it is not a regular file")
    return os.fdopen(found, "rb")
