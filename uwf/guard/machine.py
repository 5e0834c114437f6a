"""What the machine has left. A figure that the platform does not give is None, and nothing is refused for it."""

from __future__ import annotations

import os

from uwf.record import Record


class Left(Record):
    """Free memory and disk in bytes, the CPUs that load leaves, the share of time lost to swapping (0 to 100)."""

    memory_bytes: int | None
    disk_bytes: int | None
    cpus: float | None
    stalled_percent: float | None


def look(folder: str) -> Left:
    """The machine as it is now; `folder` is on the disk that matters."""
    return Left(
        memory_bytes=_memory(), disk_bytes=_disk(folder), cpus=_cpus(), stalled_percent=_stalled()
    )


def _memory() -> int | None:
    """What new programs can have without swapping: MemAvailable of proc(5). Elsewhere unknown."""
    text = _read("/proc/meminfo")
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _disk(folder: str) -> int | None:
    try:
        facts = os.statvfs(folder)
    except OSError:
        return None
    return facts.f_bavail * facts.f_frsize


def _cpus() -> float | None:
    try:
        load = os.getloadavg()[0]
    except OSError:
        return None
    return (os.cpu_count() or 1) - load


def _stalled() -> float | None:
    """The ten-second average of the time in which every task waited for memory: PSI, Linux 4.20 and newer."""
    for line in _read("/proc/pressure/memory").splitlines():
        if line.startswith("full "):
            return float(line.split()[1].removeprefix("avg10="))
    return None


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
