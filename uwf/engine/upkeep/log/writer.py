"""The log of a home: JSON Lines in `logs/`, one file a day, a further one when it grows large.

Every process of a home writes to it: a run, by hand or by a daemon, and all parts of a daemon. A line is whole or not
there: it is written with the file locked, and taken back when the disk takes only part of it. The log tells of work and
is none: whatever keeps a line from being written, its caller goes on.

    {"at": 1764425640123, "what": "step_done", "thread": "01…", "process": 4711, "by": "thread exec", "role": "writer"}

`at` is epoch milliseconds. `thread`, `step` and `event` are there where a line is about one. Everything in a line but
these ids is rid of secrets.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time

from uwf import clock, owned
from uwf import home as paths
from uwf.errors import UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uwf.engine.chain.redact import Redactor

ENDING = ".jsonl"
FILE_BYTES = 16 << 20
"""A file that has grown to this is followed by another one of the same day."""
TEXT_CHARS = 2000
LOCK_TRIES, LOCK_PAUSE_S = 20, 0.002
"""How long a line waits for that of another process. One that was stopped with the lock keeps nobody: without the lock
a line is appended whole all the same, unless the disk is full."""


class Log:
    """The log of the home at `home`. `by` is what this process does, in words; `redactor` is asked with each line."""

    def __init__(self, home: str, by: str, redactor: Callable[[], Redactor]) -> None:
        self._home = home
        self._by = by
        self._redactor = redactor
        self._day, self._number = "", 1

    def write(
        self,
        what: str,
        /,
        *,
        thread: str | None = None,
        step: str | None = None,
        event: str | None = None,
        **facts: Any,
    ) -> None:
        """Add a line. Never raises for what the disk, the config or another process does."""
        about = {"thread": thread, "step": step, "event": event}
        at_ms = clock.now_ms()
        line = {
            "at": at_ms,
            "what": what,
            **{name: id for name, id in about.items() if id is not None},
            "process": os.getpid(),
            "by": self._by,
        }
        try:
            clean = self._redactor().value
            known = {name: _short(clean(fact)) for name, fact in facts.items() if fact is not None}
            line |= {f"{name}_" if name in line else name: fact for name, fact in known.items()}
        except UwfError:
            pass  # what is a secret cannot be told: only what certainly is none is written
        text = json.dumps(line, ensure_ascii=False, default=str, separators=(",", ":"))
        try:
            self._append(f"{text}\n".encode(errors="backslashreplace"), at_ms)
        except OSError:
            return

    def _append(self, data: bytes, at_ms: int) -> None:
        if not os.path.isdir(self._home):
            return  # nothing is made that was not there: a disk may not be mounted
        folder = paths.made(paths.logs(self._home))
        day = clock.iso(at_ms)[:10]
        if day != self._day:
            self._day, self._number = day, 1
        while _size(path := os.path.join(folder, name_of(day, self._number))) >= FILE_BYTES:
            self._number += 1
        file = owned.open_at_end(path)
        try:
            _write_whole(file, data, is_alone=_lock(file))
        finally:
            os.close(file)


def name_of(day: str, number: int) -> str:
    """The name of a file of the log: the `number`-th of that `day`. Names are in the order of time."""
    return f"{day}-{number:03d}{ENDING}"


def files(home: str) -> list[str]:
    """The names of the files of the log of `home`, oldest first."""
    try:
        return sorted(name for name in os.listdir(paths.logs(home)) if name.endswith(ENDING))
    except OSError:
        return []


def _write_whole(file: int, data: bytes, *, is_alone: bool) -> None:
    """Write all of `data` or nothing. Only who is alone may take back what it wrote of it."""
    before = os.fstat(file).st_size
    try:
        written = os.write(file, data)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        return
    if written < len(data) and is_alone:
        os.ftruncate(file, before)


def _lock(file: int) -> bool:
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(LOCK_PAUSE_S)
        except OSError:
            return False  # a file system without locks
    return False


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > TEXT_CHARS:
        return f"{value[:TEXT_CHARS]}…"
    if isinstance(value, (list, tuple)):
        return [_short(each) for each in value[:50]]
    if isinstance(value, dict):
        return {str(key): _short(each) for key, each in value.items()}
    return value


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
