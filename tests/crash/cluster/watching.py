"""Watching agents all the while: none lives for long once its run has lost the thread."""

from __future__ import annotations

import threading
import time

from tests.crash.cluster.faults import Gremlins
from tests.crash.cluster.machines import GRACE_S, Machines

BOUND_S = 15.0
"""How long an agent may live after the lease of its run was over, beside the grace: the 40 s of a lease of 60 s, and
what processes take to begin on a machine that is busy with all of this."""
LOOK_S = 0.5


class Watch:
    """`outlived` are the agents that did: pid → words. Who was frozen, or could not end one, has time from then on."""

    def __init__(self, machines: Machines, gremlins: Gremlins) -> None:
        self._machines, self._gremlins = machines, gremlins
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._since_s: dict[int, float] = {}
        self.outlived: dict[int, str] = {}
        self.longest_s = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._is_over.wait(LOOK_S):
            self.look()

    def look(self) -> None:
        """See who lives now."""
        holders = self._machines.holders()
        if holders is None:
            return
        lines = self._machines.lines("agents")
        over = {line["mark"] for line in lines if line["what"] == "end"}
        now_s, seen = time.monotonic(), set[int]()
        frozen = set(self._gremlins.frozen)
        for line in lines:
            if line["mark"] in over or not _is_alive(line["pid"]):
                continue
            pid, run = line["pid"], line["run"]
            is_held = (line["host"], run, line["thread"]) in holders
            if is_held or {pid, run} & frozen:
                continue
            seen.add(pid)
            alone_s = now_s - self._since_s.setdefault(pid, now_s)
            self.longest_s = max(self.longest_s, alone_s)
            if alone_s > GRACE_S + BOUND_S and pid not in self.outlived:
                self.outlived[pid] = (
                    f"the agent {pid} of thread {line['thread']} at {line['host']} lives {alone_s:.0f} s after its run "
                    f"{run} has lost it; seen at {time.time():.1f}"
                )
        self._since_s = {pid: since_s for pid, since_s in self._since_s.items() if pid in seen}


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return "agent.py" in file.read()
    except OSError:
        return False
