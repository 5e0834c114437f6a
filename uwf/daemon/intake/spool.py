"""The spool folder: any program writes an event as JSON under a name of its own and renames it to `events/NAME.json`.

    printf '{"name": "deploy.done"}' > ~/.uwf/events/.new && mv ~/.uwf/events/.new ~/.uwf/events/deploy.json

Names that begin with a dot or do not end in `.json` are still being written. What is taken in is durable before its
file is removed; killed in between, the file is read again and its event was seen. What is no event is moved aside into
`events/refused/` with its reason beside it, and named in `daemon status` until somebody removes it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from uwf import clock, owned
from uwf import home as paths
from uwf.daemon.intake import event_json, strict_json
from uwf.daemon.loop.budget import words
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from uwf.app.unattended.events import Event

SOURCE = "spool"
ENDING = ".json"
WHY = ".why"
MOST = 500
"""Files in one transaction."""


class SpoolFile(Record):
    """A file with its event; `error` says why it has none."""

    name: str
    event: Event | None
    error: str = ""


class SpoolTaken(Record):
    """How many files there were; those that can neither be removed nor moved aside, by name with the reason."""

    files: int
    stuck: Mapping[str, str]


class RefusedFile(Record):
    """A file that was moved aside, by its name as it is `shown`."""

    name: str
    why: str


def names(home: str) -> list[str]:
    """All that is in the folder."""
    try:
        return os.listdir(paths.events(home))
    except FileNotFoundError:
        return []


def waiting(home: str, but: Container[str] = ()) -> list[str]:
    """Names of files that are whole, in their order, but for some; so many as one transaction takes."""
    whole = (name for name in names(home) if name.endswith(ENDING) and not name.startswith("."))
    return sorted(name for name in whole if name not in but)[:MOST]


def take_in(
    home: str, store: Callable[[Sequence[Event]], object], but: Container[str] = ()
) -> SpoolTaken:
    """Have what waits stored by `store`, in one go, and remove it, `but` for files that are known to be stuck.

    What `store` raises leaves all files where they are. OSError where the folder cannot be looked into.
    """
    files = [file for name in waiting(home, but) if (file := read(home, name)) is not None]
    refusals = _stored(files, store) if any(file.event is not None for file in files) else {}
    stuck = {}
    for file in files:
        error = file.error or refusals.get(file.name, "")
        try:
            if error:
                move_aside(home, file.name, error)
            else:
                os.unlink(os.path.join(paths.events(home), file.name))
        except FileNotFoundError:
            continue  # somebody was quicker
        except OSError as fault:
            stuck[file.name] = f"it cannot be taken away: {fault.strerror}"
    return SpoolTaken(len(files), stuck)


def read(home: str, name: str) -> SpoolFile | None:
    """What is in a file, without waiting for anything; None where another has taken it meanwhile."""
    path = os.path.join(paths.events(home), name)
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        return SpoolFile(name, None, "it is a link" if is_link else f"{error.strerror}")
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            return SpoolFile(name, None, "it is not a regular file")
        if about.st_size > strict_json.MAX_BYTES:
            return SpoolFile(name, None, "it is longer than 1 MiB")
        with os.fdopen(os.dup(file), "rb") as stream:
            data = stream.read(strict_json.MAX_BYTES + 1)
    finally:
        os.close(file)
    this_one = f"{name} {about.st_ino} {about.st_mtime_ns}"
    try:
        value = strict_json.parse(data, "it")
        at_ms = max(about.st_mtime_ns // 1_000_000 - clock.off_ms(), 0)
        event = event_json.event(value, SOURCE, otherwise=this_one, at_ms=at_ms)
        return SpoolFile(name, event)
    except InputError as error:
        return SpoolFile(name, None, error.message)
    except Exception as error:  # of one file, which must not keep the others from being taken in
        return SpoolFile(name, None, f"internal fault: {words(error)}")


def move_aside(home: str, name: str, why: str) -> None:
    """Move a file to those that were refused, with its reason beside it where there is room for that."""
    folder = paths.refused_events(home)
    owned.make_folder(folder)
    there = os.path.join(folder, name)
    number = 1
    while os.path.lexists(there):
        number += 1
        there = os.path.join(folder, f"{name.removesuffix(ENDING)}.{number}{ENDING}")
    os.rename(os.path.join(paths.events(home), name), there)
    with suppress(OSError):  # the file is kept, and where it is says that it was refused
        with open(there + WHY, "w", encoding="utf-8") as reason:
            reason.write(f"{why}\n")
        owned.give(there + WHY)


def refused(home: str) -> list[RefusedFile]:
    """What was moved aside and is still there, by name."""
    folder = paths.refused_events(home)
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    there = (name for name in names if not name.endswith(WHY))
    return [RefusedFile(shown(name), _reason(folder, name)) for name in there]


def shown(name: str) -> str:
    """The name of a file in one line, whatever signs are in it."""
    return name if name.isprintable() else repr(name)[1:-1]


def _stored(
    files: Sequence[SpoolFile], store: Callable[[Sequence[Event]], object]
) -> dict[str, str]:
    """Store the events of `files`; by name why one cannot be. One that cannot keeps no other from it."""
    whole = [file for file in files if file.event is not None]
    try:
        store([file.event for file in whole if file.event is not None])
    except InputError as error:
        if len(whole) == 1:
            return {whole[0].name: error.message}
        found: dict[str, str] = {}
        for file in whole:
            found |= _stored([file], store)
        return found
    return {}


def _reason(folder: str, name: str) -> str:
    try:
        with open(os.path.join(folder, name + WHY), encoding="utf-8", errors="replace") as reason:
            return reason.read(500).strip()
    except OSError:
        return "its reason could not be written"
