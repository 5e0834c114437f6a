"""What of the folder `logs/` goes in time: lines of the log and what runs have printed, by age and by size.

Nothing goes that a process may still write to: neither the newest file of the log, nor what belongs to a thread that
runs, nor what was written to within the hour.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf import home as paths
from uwf.engine.upkeep import stale_files
from uwf.engine.upkeep.log.writer import ENDING
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.config.records import KeepConfig
    from uwf.store.protocols import Leases

OUTPUTS = (".log", ".log.1")
YOUNG_MS = 3_600_000


class _File(Record):
    name: str
    size_bytes: int
    written_ms: int


def prune(home: str, rules: KeepConfig, leases: Leases, *, dry_run: bool = False) -> list[str]:
    """Remove what is too old or too much; the names of the files that are gone, or would be."""
    folder = paths.logs(home)
    files, now_ms = _files(folder), clock.own_ms()
    log = [file for file in files if file.name.endswith(ENDING)]
    outputs = [
        file
        for file in files
        if file.name.endswith(OUTPUTS)
        and now_ms - file.written_ms > YOUNG_MS
        and leases.holder(file.name.partition(".")[0]) is None
    ]
    gone = [
        *_too_much(log[:-1], rules.log_s, rules.log_size_bytes, now_ms),
        *_too_much(outputs, rules.output_s, rules.output_size_bytes, now_ms),
    ]
    return [name for name in gone if dry_run or stale_files.remove(os.path.join(folder, name))]


def _too_much(files: Iterable[_File], keep_s: float, most_bytes: int, now_ms: int) -> list[str]:
    """Of these files, those that are too old, and the oldest beyond so many bytes."""
    gone, total_bytes = [], 0
    for file in sorted(files, key=lambda one: (one.written_ms, one.name), reverse=True):
        total_bytes += file.size_bytes
        if now_ms - file.written_ms > keep_s * 1000 or total_bytes > most_bytes:
            gone.append(file.name)
    return gone


def _files(folder: str) -> list[_File]:
    """The files of `folder`, by name."""
    found = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if entry.is_file(follow_symlinks=False):
            found.append(_File(entry.name, status.st_size, round(status.st_mtime * 1000)))
    return found
