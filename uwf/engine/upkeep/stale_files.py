"""Files of a home that a killed uwf had not finished. They are told by their names:

| name                                            | folder               | written by                        |
|-------------------------------------------------|----------------------|-----------------------------------|
| `NAME.new-PID-HEX`, and SQLite's files of it    | the home, `schemas`  | `store.files`: store, copy, schema |
| `config.toml.PID.tmp`                           | that of the settings | `config.edit`, which has its lock |
| `config.msgpack.PID`                            | `cache`              | `config.cache`                    |
| `.spool-HEX`                                    | the home, `spool`    | `agent.process.pump`, `store.whole.bundle` |
| `.events-PID-HEX`                               | `spool`              | `agent.process.fifo`              |
| `.room-PID-HEX`                                 | `replies`            | `chain.kept`: a run, room for a reply |

Backups have files of the first kind in `backups`. The settings may be a link to a file elsewhere, with another name. A
writer removes its file or gives it its name, unless it is killed. A file outside the home, where a person wanted a
backup or an export, is that person's to remove.
"""

from __future__ import annotations

import os
import re
import stat

from uwf import clock
from uwf.agent.process import platform
from uwf.errors import StoreError
from uwf.home import BACKUPS, CACHE, REPLIES, SCHEMAS, SPOOL, config_file, config_lock
from uwf.store.files import exclusive

FOLDERS = ("", SCHEMAS, SPOOL, CACHE, REPLIES, BACKUPS)
OLD_S = 3600.0
"""What was written to less than this ago is left alone: its writer may live where this process cannot see it."""

_NAME = re.compile(
    r".+\.new-(?P<writer>\d+)-[0-9a-f]{8}(-wal|-shm|-journal)?"
    r"|config\.msgpack\.(?P<cache>\d+)"
    r"|\.room-(?P<room>\d+)-[0-9a-f]{8}"
    r"|\.events-(?P<events>\d+)-[0-9a-f]{8}"
    r"|\.spool-\w+"
)


def find(home: str) -> list[str]:
    """The paths of the unfinished files in `home` that no process is writing any more."""
    found = [path for folder in FOLDERS for path in unfinished(os.path.join(home, folder))]
    return sorted(found + _of_settings(home))


def unfinished(folder: str) -> list[str]:
    """Those in one folder, by the names that are the same everywhere."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []  # not made yet, or not ours to look at
    found = []
    for name in names:
        match = _NAME.fullmatch(name)
        path = os.path.join(folder, name)
        if match and _is_left(path, [int(pid) for pid in match.groupdict().values() if pid]):
            found.append(path)
    return found


def _of_settings(home: str) -> list[str]:
    """Those that were to become the settings. Who has their lock writes them, so that no age need tell."""
    folder, name = os.path.split(os.path.realpath(config_file(home)))
    unfinished = re.compile(rf"{re.escape(name)}\.\d+\.tmp")
    try:
        found = [
            os.path.join(folder, each) for each in os.listdir(folder) if unfinished.fullmatch(each)
        ]
        if not found:
            return []
        with exclusive(config_lock(home), "cannot look for unfinished settings"):
            return [path for path in found if stat.S_ISREG(os.lstat(path).st_mode)]
    except (OSError, StoreError):
        return []  # it is being written, has got its name, or is not ours to look at


def remove(path: str) -> bool:
    """Remove one of them. False when that cannot be done."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return True  # by another process
    except OSError:
        return False
    return True


def _is_left(path: str, writers: list[int]) -> bool:
    """Whether no process is writing the file at `path`, as far as its age and the process in its name tell."""
    try:
        status = os.lstat(path)
    except OSError:
        return False  # it has got its name meanwhile
    is_ours = stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)
    if not is_ours or any(platform.look(pid) for pid in writers):
        return False
    # With a second name it is finished, and what keeps it young is that it is in use under that one.
    return status.st_nlink > 1 or status.st_mtime < clock.own_ms() / 1000 - OLD_S
