"""Looks at the process table every 20 ms: watch.py MARK TOKEN PARENT LIMIT. Ends with its stdin, then prints JSON.

An agent is a process that has MARK among its words and whose parent has not: what an agent forks looks like it until
it becomes another program. A uwf process is a child of PARENT that carries TOKEN. A table is read line by line, so
two that never lived together may be seen in one; more than LIMIT are counted only if all of them still live after
the last line was read.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from contextlib import suppress

EVERY_S = 0.02
MEMORY_EVERY_S = 1.0
_PROC = os.path.exists("/proc/self/stat")


class Watch:
    def __init__(self, mark: str, token: str, parent: int, limit: int) -> None:
        self._mark, self._token = mark.encode(), token.encode()
        self._parent, self._limit = parent, limit
        self._strangers = set(_pids()) if _PROC else set()
        self._uwf: set[int] = set()
        self.most_agents = self.most_uwf = self.peak_bytes = self.largest_bytes = 0
        self.gaps_ms: list[float] = []

    def run(self) -> None:
        """Look until stdin ends."""
        before_s = memory_s = time.monotonic()
        while not select.select([0], [], [], max(0.0, before_s + EVERY_S - time.monotonic()))[0]:
            now_s = time.monotonic()
            self.gaps_ms.append((now_s - before_s) * 1000)
            before_s = now_s
            self._look() if _PROC else self._look_with_ps()
            if _PROC and now_s >= memory_s:
                memory_s = now_s + MEMORY_EVERY_S
                self._weigh()

    def _look(self) -> None:
        pids = set(_pids())
        self._strangers &= pids
        self._uwf &= pids
        agents = {}
        for pid in pids - self._strangers - self._uwf:
            words = _read(f"/proc/{pid}/cmdline").split(b"\0")
            if self._mark in words:
                agents[pid] = _stat(pid)
            elif any(self._token in word for word in words):
                found = _stat(pid)
                if found is not None and found[0] == self._parent:
                    self._uwf.add(pid)
        mains = {pid: stat for pid, stat in agents.items() if stat and stat[0] not in agents}
        if len(mains) > self._limit:
            mains = {pid: stat for pid, stat in mains.items() if _still(pid, stat[1])}
        self.most_agents = max(self.most_agents, len(mains))
        self.most_uwf = max(self.most_uwf, len(self._uwf))

    def _look_with_ps(self) -> None:
        words = ["ps", "-axww", "-o", "pid=,ppid=,rss=,command="]
        agents, uwf = {}, []
        for text in subprocess.run(words, capture_output=True, check=False).stdout.splitlines():
            pid, parent, memory, command = text.split(None, 3)
            if self._mark in command.split():
                agents[int(pid)] = int(parent)
            elif self._token in command and int(parent) == self._parent:
                uwf.append(int(memory) * 1024)
        mains = [pid for pid, parent in agents.items() if parent not in agents]
        self.most_agents = max(self.most_agents, len(mains))
        self.most_uwf = max(self.most_uwf, len(uwf))
        self.peak_bytes = max(self.peak_bytes, sum(uwf))
        self.largest_bytes = max(self.largest_bytes, *uwf, 0)

    def _weigh(self) -> None:
        """Memory of all uwf processes; what they share is counted once."""
        sizes = [_memory(pid) for pid in self._uwf]
        self.peak_bytes = max(self.peak_bytes, sum(sizes))
        self.largest_bytes = max(self.largest_bytes, *sizes, 0)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read() or b""
    except OSError:
        return b""


def _stat(pid: int) -> tuple[int, bytes] | None:
    """Parent and start time; None for a process that is gone, or a corpse."""
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return None if not fields or fields[0] in (b"Z", b"X") else (int(fields[1]), fields[19])


def _still(pid: int, start: bytes) -> bool:
    found = _stat(pid)
    return found is not None and found[1] == start


def _memory(pid: int) -> int:
    for text in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if text.startswith(b"Pss:"):
            return int(text.split()[1]) * 1024
    return 0


def _go_first() -> None:
    """On a machine that is full a look every 20 ms takes precedence, if we may have it."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -19)


if __name__ == "__main__":
    _go_first()
    watch = Watch(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    watch.run()
    facts = {name: value for name, value in vars(watch).items() if not name.startswith("_")}
    print(json.dumps(facts))
