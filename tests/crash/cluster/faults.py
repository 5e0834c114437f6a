"""The faults, and who brings them about: gremlins for each machine, one for the daemons, and one for the database."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from tests.crash.cluster.machines import LEASE_S, Machine, Machines

AT_ONCE = 2
"""So many gremlins a machine has."""
ARMED_S = 12.0
"""For so long it is waited that somebody comes to a point."""
OVER_S = LEASE_S + 1.0
"""After so long without a renewal a lease is over."""
SHORT_S = LEASE_S / 4
"""So long nobody minds."""
STALLED_S = 40.0
"""After so long a machine that says nothing has lost its jobs."""
AGAIN_S = 1.0
IN_VAIN = 3
"""A point at which nobody was met counts as tried so many times more: it is passed rarely."""
WAKES_S = 20.0
"""By then a run that was frozen has seen that its thread is another's, and has ended."""

MACHINE = {
    "run killed at a point": 36,
    "run frozen at a point": 12,
    "run killed, its agent hangs": 5,
    "run frozen, its agent hangs": 6,
    "run frozen, its agent ends": 6,
    "worker killed at a point": 9,
    "worker killed": 4,
    "worker frozen": 4,
    "worker and run killed": 4,
    "agent frozen": 4,
    "wire reset": 5,
    "wire slow": 3,
    "wire cut shortly": 3,
    "wire cut, an agent hangs": 4,
    "wire cut": 3,
    "machine frozen": 0.6,
}
DAEMONS = {"daemon killed at a point": 14, "leader killed": 6, "leader frozen": 4}
DATABASE = {"database restarted in a publish": 8}
KINDS = {**MACHINE, **DAEMONS, **DATABASE}
PUBLISHING = (
    *("step: begun", "step: written", "step: done", "step: head moved"),
    *("attempt: written", "attempt: done", "turn: done", "step: objects written"),
)


class Fault(NamedTuple):
    """What was done: when, where, at which point, and whether it came about at all."""

    kind: str
    host: str
    point: str
    at: float
    is_reached: bool
    note: str


def plan(count: int, seed: int) -> list[str]:
    """The kinds of `count` faults in the order in which they come; each once at least where there is room for that."""
    chance = random.Random(seed)
    each_once = list(KINDS) if count >= len(KINDS) else []
    others = chance.choices(list(KINDS), list(KINDS.values()), k=count - len(each_once))
    kinds = [*each_once, *others]
    chance.shuffle(kinds)
    return kinds


class Gremlins:
    """Bring the planned faults about. Those that did not come about are tried again, as others of their kind."""

    def __init__(self, machines: Machines, kinds: list[str], seed: int) -> None:
        self._machines = machines
        self._planned = [
            [kind for kind in kinds if kind in group] for group in (MACHINE, DAEMONS, DATABASE)
        ]
        self._tried: dict[str, Counter[str]] = defaultdict(Counter)
        self._lock = threading.Lock()
        self._orders: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._chance = random.Random(seed)
        self.done: list[Fault] = []
        self.frozen: set[int] = set()
        """Who cannot do anything just now."""
        self.broken: list[str] = []
        self._until_s = 0.0
        of_machines, *others = self._planned
        works = [
            *((box, of_machines) for box in machines.boxes * AT_ONCE),
            *((None, each) for each in others),
        ]
        self._threads = [
            threading.Thread(target=self._work, args=work, daemon=True) for work in works
        ]

    def run(self, within_s: float) -> None:
        """Until all are done, or the time is over. Ctrl-C ends it, and what was done is looked at."""
        self._until_s = time.monotonic() + within_s
        for each in self._threads:
            each.start()
        try:
            for each in self._threads:
                each.join()
        except KeyboardInterrupt:
            self._until_s = 0.0
            for each in self._threads:
                each.join()

    def _work(self, box: Machine | None, kinds: list[str]) -> None:
        while time.monotonic() < self._until_s:
            with self._lock:
                if not kinds:
                    return
                kind = kinds.pop()
            fault = self._bring(kind, box)
            with self._lock:
                self.done.append(fault)
                with (self._machines.folder / "faults").open("a") as log:
                    log.write(json.dumps(fault._asdict()) + "\n")
                if not fault.is_reached:
                    kinds.insert(0, kind)
                self._tell()
            time.sleep(self._chance.uniform(0, 0.5) if fault.is_reached else AGAIN_S)

    def _tell(self) -> None:
        if sys.stderr.isatty():
            left = sum(map(len, self._planned))
            reached = sum(each.is_reached for each in self.done)
            print(f"\r{reached} faults, {left} to come ", end="", file=sys.stderr)

    def _bring(self, kind: str, box: Machine | None) -> Fault:
        at, where = time.time(), "" if box is None else box.host
        point, note, is_reached = "", "", False
        try:
            done = self._machine(kind, box) if box is not None else self._cluster(kind)
            is_reached, (point, note) = done is not None, done or ("", "")
        except Exception as error:
            self.broken.append(f"{kind} at {where}: {type(error).__name__}: {error}")
        return Fault(kind, where, point, at, is_reached, note)

    def _machine(self, kind: str, box: Machine) -> tuple[str, str] | None:
        """Do it: (point, what to know of it); None when it did not come about."""
        worker = self._machines.workers[self._machines.boxes.index(box)]
        if kind in ("run killed at a point", "worker killed at a point"):
            role = kind.split()[0]
            met = self._at_a_point(role, f"{box.host}.{role}", "kill")
            return None if met is None else (met[0], "")
        if kind == "run frozen at a point":
            met = self._at_a_point("run", f"{box.host}.run", "stop")
            return None if met is None else (met[0], self._taken_over(box, met[1], is_frozen=True))
        if kind == "worker killed":
            return self._kill(worker.pid)
        if kind == "worker frozen":
            return self._freeze([worker.pid], OVER_S)
        if kind.startswith("wire"):
            return self._wire(kind, box)
        agent = self._armed(f"{box.host}.agent", "hang")
        run = None if agent is None else self._run_of(agent)
        if agent is None or run is None:
            return None
        try:
            if kind == "agent frozen":
                return self._freeze([agent], OVER_S)
            if kind == "run killed, its agent hangs":
                return self._kill(run)
            if kind == "worker and run killed":
                self._kill(worker.pid)
                return self._kill(run)
            if kind == "machine frozen":
                own = [pid for pid in self._machines.alive() if self._is_of(box, pid)]
                return self._freeze(own, STALLED_S)
            assert kind in ("run frozen, its agent hangs", "run frozen, its agent ends")
            with self._held_still([run]):
                if kind.endswith("ends"):
                    self._let_go(agent)
                note = self._taken_over(box, run, is_frozen=False)
            return "", note or self._has_ended(run)
        finally:
            self._let_go_later(agent)

    def _cluster(self, kind: str) -> tuple[str, str] | None:
        if kind == "daemon killed at a point":
            met = self._at_a_point("daemon", "daemon", "kill")
            return None if met is None else (met[0], "")
        if kind == "database restarted in a publish":
            point = self._chance.choice(PUBLISHING)
            pid = self._armed("run", f"hold {point}")
            self._machines.cluster.stop()
            self._machines.cluster.start()
            return point if pid is not None else "", ""
        leader = next(
            (pid for _, pid, name in self._machines.holders() or () if name == "daemon"), None
        )
        if leader is None:
            return None
        return self._kill(leader) if kind == "leader killed" else self._freeze([leader], OVER_S)

    def _wire(self, kind: str, box: Machine) -> tuple[str, str] | None:
        proxy = box.proxy
        if kind == "wire reset":
            proxy.reset()
        elif kind == "wire slow":
            proxy.delay_s = 0.15
            time.sleep(OVER_S)
            proxy.heal()
        else:
            agent = None
            if kind == "wire cut, an agent hangs":
                agent = self._armed(f"{box.host}.agent", "hang")
                if agent is None:
                    return None
            proxy.cut()
            time.sleep(SHORT_S if kind == "wire cut shortly" else OVER_S)
            proxy.heal()
            if agent is not None:
                self._let_go_later(agent)
        return "", ""

    def _at_a_point(self, role: str, whom: str, what: str) -> tuple[str, int] | None:
        """Do `what` to the next of `whom` at a point that such processes were seen to pass, one that was tried least:
        which point, and who it was. None when nobody came.
        """
        seen = os.listdir(self._machines.folder / "points" / role)
        if not seen:
            return None
        tried = self._tried[f"{what} {role}"]
        with self._lock:
            least = min(tried[each] for each in seen)
            point = self._chance.choice(sorted(each for each in seen if tried[each] == least))
            tried[point] += 1
        pid = self._armed(whom, f"{what} {point}")
        if pid is not None:
            return point, pid
        with self._lock:
            tried[point] += IN_VAIN
        return None

    def _armed(self, whom: str, order: str) -> int | None:
        """Give an order to the first that comes to where it is for; its pid, None when none came."""
        with self._lock:
            is_alone = self._orders[whom]
        with is_alone:
            return self._taken(whom, order)

    def _taken(self, whom: str, order: str) -> int | None:
        folder = self._machines.folder / "arm"
        new, file = folder / f".{whom}", folder / whom
        new.write_text(order)
        new.rename(file)
        deadline_s = time.monotonic() + ARMED_S
        while (taken := next(folder.glob(f"{whom}.[0-9]*"), None)) is None:
            if time.monotonic() > deadline_s:
                with suppress(FileNotFoundError):
                    file.unlink()
                    return None
            time.sleep(0.02)
        taken.unlink()
        return int(taken.suffix[1:])

    def _run_of(self, agent: int) -> int | None:
        """The run of the agent with this pid."""
        lines = self._machines.lines("agents")
        return next((line["run"] for line in reversed(lines) if line["pid"] == agent), None)

    def _taken_over(self, box: Machine, run: int, *, is_frozen: bool) -> str:
        """Let another machine go on with the thread of a `run` that stands still, once its lease is over. With
        `is_frozen` it stood still by itself, and wakes afterwards.
        """
        lines = self._machines.lines("processes")
        thread = next((each["thread"] for each in reversed(lines) if each["pid"] == run), None)
        if thread is None:
            return f"nobody knows which thread {run} runs"
        if is_frozen:
            with self._held_still([run]):
                self._go_on(box, thread)
            return self._has_ended(run)
        self._go_on(box, thread)
        return ""

    def _go_on(self, box: Machine, thread: str) -> None:
        time.sleep(OVER_S)
        boxes = self._machines.boxes
        other = boxes[(boxes.index(box) + 1) % len(boxes)]
        done = other.run("thread", "exec", thread, "--due", "--until-done")
        if '"internal"' in done.err or "Traceback" in done.err or done.code == 2:
            self.broken.append(f"thread exec {thread} at {other.host}: {done}")

    def _has_ended(self, run: int) -> str:
        """Wait until a run that has woken has seen what has become of its thread."""
        deadline_s = time.monotonic() + WAKES_S
        while _state(run) not in (None, "Z"):
            if time.monotonic() > deadline_s:
                return f"the run {run}, woken, goes on"
            time.sleep(0.05)
        return ""

    def _let_go(self, agent: int) -> None:
        with suppress(FileNotFoundError):  # all is over by now
            (self._machines.folder / "go" / str(agent)).touch()

    def _let_go_later(self, agent: int) -> None:
        """An agent that hangs for longer than it may is seen by then."""
        timer = threading.Timer(45.0, self._let_go, (agent,))
        timer.daemon = True
        timer.start()

    def _kill(self, pid: int) -> tuple[str, str] | None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        return "", ""

    def _freeze(self, pids: list[int], seconds: float) -> tuple[str, str]:
        with self._held_still(pids):
            time.sleep(seconds)
        return "", ""

    @contextmanager
    def _held_still(self, pids: list[int]) -> Iterator[None]:
        with self._lock:
            self.frozen |= set(pids)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            with self._lock:
                self.frozen -= set(pids)

    def _is_of(self, box: Machine, pid: int) -> bool:
        with suppress(OSError), open(f"/proc/{pid}/environ") as environ:
            return f"UWF_HOST={box.host}\0" in environ.read()
        return False


def _state(pid: int) -> str | None:
    """The state of a process as the kernel has it; None when there is none."""
    with suppress(OSError), open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]
    return None
