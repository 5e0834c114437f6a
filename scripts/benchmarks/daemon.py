"""The daemon: from a poke to the agent, its start with many threads, who takes over, and what it costs while idle."""

from __future__ import annotations

import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.measure import report, seconds
from benchmarks.stepping import SCHEMA
from uwf import clock
from uwf.app import App
from uwf.app.unattended import poke
from uwf.app.values import DueThread
from uwf.daemon.loop.loop import LOOK_S, Loop
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import Quarantine
from uwf.daemon.parts import parts
from uwf.daemon.runs.runs import NoRuns
from uwf.engine.actions import lifecycle
from uwf.engine.chain.tags import COMPLETED, IDLE, THREADS
from uwf.engine.events.event import Event
from uwf.store.codec import Link
from uwf.store.sqlite import SqliteStore, open_store
from uwf.workflow import model
from uwf.workflow.model import Edge, Role, Workflow

UWF = str(Path(sys.executable).parent / "uwf")
AT_ONCE = 20_000
FIRST_TIMES, FIRST_MS, OWN_MS, TAKEOVER_MS = 15.0, 150, 20, 100
START_S, START_TIMES = 0.5, 2.0
MOST_KB = 45_000

WORKFLOW = Workflow(
    name="once",
    description="One role that replies once.",
    roles={"one": Role("one", "The one.", "Go.", (), "Think.", "Words.", SCHEMA)},
    graph={
        "$START": {"new": Edge("one", "Begin.", None)},
        "one": {"go": Edge("$END", "", None)},
    },
)

BEGINS = """\
#!/bin/sh
date +%s%N >"$UWF_HOME/began.$UWF_THREAD"
cat >/dev/null
printf -- '---\\n$status: go\\n---\\nDone by '$$.'\\n'
"""


FIRST_CHECKS_S = LOOK_S * 2 + 5
"""It checks its home once soon after it has begun to lead."""


def bench_daemon(folder: Path, rounds: int, threads: int, timers: int, idle_s: float) -> None:
    """As many events wait as there are `timers`."""
    print("\nThe daemon, a slot free")
    pokes, bare = _pokes(folder / "pokes", rounds)
    report("poke to the agent, against python", pokes, bare, FIRST_TIMES)
    _tell_p99("poke to the agent's begin", pokes, FIRST_MS)
    _tell_p99("of which its own waiting", _own(folder / "own", rounds * 5), OWN_MS)
    _tell_p99("standby leads after SIGKILL", _takeovers(folder / "standby", rounds), TAKEOVER_MS)
    print(f"\nThe daemon with {threads} threads, {timers} timers, {timers} events that wait")
    home = folder / "many"
    fill(home, threads, timers)
    starts, scans = [], []
    for _ in range(max(3, rounds // 10)):
        _events(home, timers)
        scans.append(seconds(lambda: _scan(home)))
        starts.append(seconds(lambda: _start(home)))
    less = [max(0.0, took - START_S) for took in starts]
    report(f"start, less {START_S:g} s, against a scan", less, scans, START_TIMES)
    _idle(home, idle_s)


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[str], float]]]:
    """A daemon, and a function that gives the time at which it has said a line to its supervisor."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        path = home / f"notify.{time.monotonic_ns()}"
        supervisor.bind(str(path))
        supervisor.settimeout(120)
        env = {**os.environ, "UWF_HOME": str(home), "NOTIFY_SOCKET": str(path)}
        process = subprocess.Popen([UWF, "daemon", "run"], env=env, stderr=subprocess.DEVNULL)

        def said(line: str) -> float:
            while line not in supervisor.recv(4096).decode().splitlines():
                pass
            return time.perf_counter()

        try:
            yield process, said
        finally:
            process.kill()
            process.wait()
            path.unlink()


def new_home(home: Path) -> SqliteStore:
    home.mkdir(parents=True)
    agent = home / "agent"
    agent.write_text(BEGINS)
    agent.chmod(0o755)
    settings = f'default_agent = "a"\n[agents.a]\ncommand = "{agent}"\n'
    (home / "config.toml").write_text(settings)
    return open_store(str(home / "store.db"))


def begin(store: SqliteStore, home: Path) -> str:
    return lifecycle.start(store, lifecycle.Begin(WORKFLOW, "Go.", str(home), {})).id


def due(store: SqliteStore, thread: str) -> None:
    ref = store.ref(THREADS + thread)
    assert ref is not None
    tags = {**ref.tags, "wakeAt": f"{clock.now_ms():013d}", "wakeWhy": "timer: bench"}
    with store.transaction("bench", durable=False) as tx:
        tx.set_ref(ref.name, ref.id, tags=tags, expect=ref, why="due")


def _pokes(home: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds from each poke to the first line of the agent; and those that `python -c pass` takes, in turn."""
    store = new_home(home)
    ids = [begin(store, home) for _ in range(rounds)]
    took, bare = [], []
    with serving(home) as (_, said):
        said("STATUS=leads")
        for id in ids:
            due(store, id)
            began = home / f"began.{id}"
            poked_ns = time.time_ns()
            poke.send(str(home))
            while not (began.exists() and (text := began.read_text().strip())):
                time.sleep(0.001)
            took.append((int(text) - poked_ns) / 1e9)
            while (ref := store.ref(THREADS + id)) and ref.tags["status"] != COMPLETED:
                time.sleep(0.005)
            time.sleep(0.05)
            bare.append(seconds(lambda: subprocess.run([sys.executable, "-c", "pass"])))
    store.close()
    return took, bare


class _NotedRuns(NoRuns):
    """Notes when a run was begun, and begins none."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}

    def room(self, running: int, jobs: int) -> int:
        return jobs

    def start(self, due: Sequence[DueThread]) -> None:
        for each in due:
            self.began[each.thread] = time.perf_counter()


def _own(home: Path, rounds: int) -> list[float]:
    """Seconds from each poke to the beginning of a process, in the loop with nothing to begin."""
    store, runs = new_home(home), _NotedRuns()
    ids = [begin(store, home) for _ in range(rounds)]
    took = []
    with App.open(str(home)) as app:
        daemon = Daemon(app, runs, Quarantine(), lambda: None, lambda text, facts: None)
        listener = poke.listen(str(home))
        loop = Loop(parts(daemon), _Nothing(), lambda text: None)
        loop.once()
        for id in ids:
            due(store, id)
            poked = time.perf_counter()
            poke.send(str(home))
            listener.setblocking(True)
            listener.recv(1)
            loop.once()
            took.append(runs.began[id] - poked)
            _completed(store, id)
        loop.close()
        listener.close()
    store.close()
    return took


class _Nothing:
    def until(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")


def _completed(store: SqliteStore, thread: str) -> None:
    ref = store.ref(THREADS + thread)
    assert ref is not None
    with store.transaction("bench", durable=False) as tx:
        tx.set_ref(ref.name, ref.id, tags={"status": COMPLETED, "completedAt": "1"}, why="done")


def _takeovers(home: Path, rounds: int) -> list[float]:
    new_home(home).close()
    took = []
    for _ in range(rounds):
        with serving(home) as (first, said):
            said("STATUS=leads")
            with serving(home) as (_, other_said):
                other_said(f"STATUS=process {first.pid} leads; this one waits to take over")
                time.sleep(0.05)
                began = time.perf_counter()
                first.kill()
                took.append(other_said("STATUS=leads") - began)
    return took


def fill(home: Path, threads: int, timers: int) -> None:
    """A store of many threads, each at its start node; the newest have timers of later today."""
    store = new_home(home)
    now_ms = clock.now_ms()
    with store.transaction("bench") as tx:
        workflow = Link(tx.put("workflow", model.to_payload(WORKFLOW)))
    for first in range(0, threads, AT_ONCE):
        with store.transaction("bench", durable=False) as tx:
            for n in range(first, min(first + AT_ONCE, threads)):
                id = clock.ulid(now_ms - threads + n)
                start = {
                    "thread": id,
                    "workflow": workflow,
                    "task": f"Task {n}",
                    "cwd": str(home),
                    "startedAt": now_ms,
                }
                tags = {"status": COMPLETED, "workflow": "once", "completedAt": str(now_ms)}
                if n >= threads - timers:
                    at_ms = now_ms + 3_600_000 + n
                    wakes = {"wakeAt": f"{at_ms:013d}", "wakeWhy": "timer: bench"}
                    tags = {"status": IDLE, "workflow": "once", **wakes}
                tx.set_ref(THREADS + id, tx.put("start", start), tags=tags, why="started")
    store.close()


def _events(home: Path, number: int) -> None:
    """Take events in that nobody has decided."""
    now_ms = clock.now_ms()
    with App.open(str(home)) as app:
        for first in range(0, number, 1000):
            ids = (f"{now_ms}-{n}" for n in range(first, min(first + 1000, number)))
            app.events.take([Event(id, "bench", "bench.tick", now_ms) for id in ids])


def _scan(home: Path) -> None:
    """A process that reads the same rows, and does nothing with them."""
    code = (
        "import sqlite3,sys\n"
        "db = sqlite3.connect(sys.argv[1])\n"
        "for table in ('ref', 'entry'):\n"
        "    for row in db.execute('SELECT * FROM ' + table): pass\n"
    )
    subprocess.run([sys.executable, "-c", code, str(home / "store.db")], check=True)


def _start(home: Path) -> None:
    with serving(home) as (_, said):
        said("STATUS=leads")


def _idle(home: Path, idle_s: float) -> None:
    """How often a daemon wakes up that has nothing to do, and what it keeps in memory."""
    with serving(home) as (process, said):
        said("STATUS=leads")
        before, now = -1, 0
        while before != now:  # it decides what waits
            time.sleep(1.0)
            before, now = now, _told(process.pid)[0]
        time.sleep(FIRST_CHECKS_S)
        before = _told(process.pid)[0]
        time.sleep(idle_s)
        after, rss_kb = _told(process.pid)
    looks = int(idle_s // LOOK_S) + 1
    woken = after - before
    verdict = "" if woken <= 2 * looks else "  MISSED"
    print(f"idle for {idle_s:g} s: woken {woken} times, target ≤ {2 * looks}{verdict}")
    verdict = "" if rss_kb <= MOST_KB else "  MISSED"
    print(f"memory: {rss_kb / 1000:.1f} MB, target ≤ {MOST_KB / 1000:g} MB{verdict}", flush=True)


def _told(pid: int) -> tuple[int, int]:
    """How often all threads of a process have slept, and its memory in kB."""
    switches = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):
            found = re.search(
                r"^voluntary_ctxt_switches:\s*(\d+)", (task / "status").read_text(), re.M
            )
            switches += int(found[1]) if found else 0
    rss = re.search(r"^VmRSS:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)
    return switches, int(rss[1]) if rss else 0


def _tell_p99(name: str, took: list[float], target_ms: float) -> None:
    took.sort()
    p99_ms = took[min(len(took) - 1, len(took) * 99 // 100)] * 1e3
    print(
        f"{name:34} p99 {p99_ms:7.2f} ms  (median {statistics.median(took) * 1e3:.2f} ms)  "
        f"target ≤ {target_ms:g} ms{'' if p99_ms <= target_ms else '  MISSED'}",
        flush=True,
    )
