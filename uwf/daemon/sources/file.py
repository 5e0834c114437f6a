"""A source that is a file: lines of JSON that some program adds to it. Each is taken once it is whole.

A file that was put aside under its name with `.1` behind it, as log rotation does, is read to its end first.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from uwf.daemon.intake import strict_json
from uwf.daemon.sources import lines
from uwf.daemon.sources.forges.forge import mark
from uwf.daemon.sources.polled import Polled
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Any

    from uwf.daemon.sources.polled import PollTask

MOST_BYTES = 8 << 20
"""Read in one poll."""
PUT_ASIDE = ".1"
MARKED_BYTES = 64


class _Place(Record):
    """How far a file was read. `before` is a mark of what stands right before the place, by which is noticed that the
    file was written anew; `begun` says how often that, or another file, was begun with.
    """

    inode: int | None = None
    offset: int = 0
    begun: int = 0
    before: str = ""


def poll(task: PollTask) -> Polled:
    """The lines that are new since the cursor: which file it was, and how much of it was read."""
    path = task.source.path
    known = task.cursor if isinstance(task.cursor, dict) else {}
    place = _Place(**{name: each for name, each in known.items() if name in _Place._fields})
    try:
        with _opened(path) as file:
            about = os.fstat(file.fileno())
            if place.inode not in (None, about.st_ino):
                older = _rest(task, path + PUT_ASIDE, place)
                if older is not None:
                    return older
            if not _is_in(file, about, place):
                begun = place.begun if place.inode is None else place.begun + 1
                place = _Place(about.st_ino, begun=begun)
            return _polled(task, file, place)
    except OSError as error:
        return Polled(
            cursor=task.cursor, faults=(f"cannot read {path}: {error.strerror}",), is_down=True
        )


def _is_in(file: IO[bytes], about: os.stat_result, place: _Place) -> bool:
    """Whether this is the file that was read up to the place, and not written anew since."""
    if about.st_ino != place.inode or about.st_size < place.offset:
        return False
    return place.before in ("", _before(file, place.offset))


def _before(file: IO[bytes], offset: int) -> str:
    start = max(0, offset - MARKED_BYTES)
    file.seek(start)
    return mark(file.read(offset - start))


def _rest(task: PollTask, path: str, place: _Place) -> Polled | None:
    """What is left of the file that was put aside; None where nothing is, or it is gone."""
    with suppress(OSError), _opened(path) as file:
        about = os.fstat(file.fileno())
        if about.st_ino == place.inode and about.st_size > place.offset:
            found = _polled(task, file, place)
            if found.cursor["offset"] != place.offset:
                return replace(found, is_cut=True)
    return None


def _polled(task: PollTask, file: IO[bytes], place: _Place) -> Polled:
    file.seek(place.offset)
    data = file.read(MOST_BYTES)
    if len(data) == MOST_BYTES and b"\n" not in data:
        fault = f"a line is longer than {MOST_BYTES >> 20} MiB"
        return Polled(cursor=_read_to(file, place, len(data)), faults=(fault,), is_cut=True)
    whole = data[: data.rfind(b"\n") + 1]
    split = whole.splitlines(keepends=True)
    found = lines.read(task.source, _placed(split, place))
    return Polled(
        found.events,
        cursor=_read_to(file, place, sum(map(len, split[: found.taken]))),
        faults=found.faults,
        is_cut=found.is_cut or len(data) == MOST_BYTES,
    )


def _read_to(file: IO[bytes], place: _Place, size: int) -> dict[str, Any]:
    """The cursor after so many bytes more."""
    offset = place.offset + size
    return {**place.__dict__, "offset": offset, "before": _before(file, offset)}


def _placed(split: list[bytes], place: _Place) -> Iterator[tuple[str, bytes]]:
    offset, again = place.offset, f", begun {place.begun} times more" if place.begun else ""
    for line in split:
        yield f"byte {offset} of file {place.inode}{again}", line[: strict_json.MAX_BYTES + 1]
        offset += len(line)


def _opened(path: str) -> IO[bytes]:
    """Without waiting for the writer of a pipe. OSError for what is no file."""
    found = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(0, "it is not a regular file")
    return os.fdopen(found, "rb")
