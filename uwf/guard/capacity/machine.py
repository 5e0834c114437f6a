"""What the machine has left. A figure that the platform does not give is None, and nothing is refused for it."""

from __future__ import annotations

import os

from uwf.record import Record

GROUPS = "/sys/fs/cgroup"
NO_LIMIT = 1 << 60
GROUP_FILES_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


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
    """What new programs can have without swapping: MemAvailable of proc(5), or less in a container that has a limit
    (cgroups(7)). Elsewhere unknown.
    """
    left = _left_in_groups()
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            left.append(int(line.split()[1]) * 1024)
    return min(left, default=None)


def _left_in_groups() -> list[int]:
    """What is left of the limit of this process's control group and of each above it. What files fill is free."""
    left = []
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, (limit, used, files) = GROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root, (limit, used, files) = f"{GROUPS}/memory", GROUP_FILES_V1
        else:
            continue
        path = root + path.rstrip("/")
        while path.startswith(root):
            most = _read(f"{path}/{limit}").strip()
            if most.isdigit() and int(most) < NO_LIMIT:
                facts = dict(fact.split() for fact in _read(f"{path}/memory.stat").splitlines())
                taken = int(_read(f"{path}/{used}") or 0) - int(facts.get(files, 0))
                left.append(max(0, int(most) - taken))
            path = os.path.dirname(path)
    return left


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
