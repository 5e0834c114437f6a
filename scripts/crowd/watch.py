"""Looks at the process table every 20 ms: watch.py MARK PARENT LIMIT. Prints a line when it is about to begin; ends
with its stdin, and prints JSON.

An agent is a process that is called MARK and whose parent is not: what an agent forks has its name until it becomes
another program. A uwf process is a child of PARENT that is called uwf. A table is read line by line, so two that
never lived together may be seen in one; more than LIMIT are counted only if all of them still live after the last
line was read.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import NamedTuple

EVERY_S = 0.02
MEMORY_EVERY_S = 1.0
_PROC = os.path.exists("/proc/self/stat")


class Process(NamedTuple):
    """One line of the process table."""

    name: str
    parent: int
    start: str


class Watch:
    def __init__(self, mark: str, parent: int, limit: int) -> None:
        self._mark, self._parent, self._limit = mark, parent, limit
        self._strangers = set(_pids()) if _PROC else set()
        self._uwf: set[int] = set()
        self.most_agents = self.most_uwf = self.peak_bytes = self.largest_bytes = 0
        self.gaps_ms: list[float] = []

    def run(self) -> None:
        """Look until stdin ends."""
        before_s = time.monotonic()
        if _PROC:
            threading.Thread(target=self._weigh, daemon=True).start()
        while not select.select([0], [], [], max(0.0, before_s + EVERY_S - time.monotonic()))[0]:
            now_s = time.monotonic()
            self.gaps_ms.append((now_s - before_s) * 1000)
            before_s = now_s
            self._look() if _PROC else self._look_with_ps()

    def _look(self) -> None:
        pids = set(_pids())
        self._strangers &= pids
        uwf = self._uwf & pids
        agents: dict[int, Process] = {}
        for pid in pids - self._strangers - uwf:
            found = _stat(pid)
            if found is None:
                continue
            if found.name == self._mark:
                agents[pid] = found
            elif found.name == "uwf" and found.parent == self._parent:
                uwf.add(pid)
        self._uwf = uwf
        mains = {pid: each for pid, each in agents.items() if each.parent not in agents}
        if len(mains) > self._limit:
            mains = {pid: each for pid, each in mains.items() if _still(pid, each.start)}
        self.most_agents = max(self.most_agents, len(mains))
        self.most_uwf = max(self.most_uwf, len(uwf))

    def _look_with_ps(self) -> None:
        words = ["ps", "-axo", "pid=,ppid=,rss=,comm="]
        agents, uwf = {}, []
        for text in subprocess.run(words, capture_output=True, text=True).stdout.splitlines():
            pid, parent, memory, name = text.split(None, 3)
            if name.endswith(self._mark):
                agents[int(pid)] = int(parent)
            elif int(parent) == self._parent and not name.endswith("ps"):
                uwf.append(int(memory) * 1024)
        mains = [pid for pid, parent in agents.items() if parent not in agents]
        self.most_agents = max(self.most_agents, len(mains))
        self.most_uwf = max(self.most_uwf, len(uwf))
        self.peak_bytes = max(self.peak_bytes, sum(uwf))
        self.largest_bytes = max(self.largest_bytes, *uwf, 0)

    def _weigh(self) -> None:
        """Add up the memory of all uwf processes, again and again; what they share is counted once."""
        while True:
            sizes = [_memory(pid) for pid in self._uwf]
            self.peak_bytes = max(self.peak_bytes, sum(sizes))
            self.largest_bytes = max(self.largest_bytes, *sizes, 0)
            time.sleep(MEMORY_EVERY_S)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read() or b""
    except OSError:
        return b""


def _stat(pid: int) -> Process | None:
    """None for a process that is gone, or a corpse."""
    front, _, rest = _read(f"/proc/{pid}/stat").decode(errors="replace").rpartition(")")
    fields = rest.split()
    if not fields or fields[0] in ("Z", "X"):
        return None
    return Process(front.partition("(")[2], int(fields[1]), fields[19])


def _still(pid: int, start: str) -> bool:
    found = _stat(pid)
    return found is not None and found.start == start


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
    watch = Watch(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    print("looking", flush=True)
    watch.run()
    facts = {name: value for name, value in vars(watch).items() if not name.startswith("_")}
    print(json.dumps(facts))
