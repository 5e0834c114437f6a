"""Many machines that share a store: from a wake on one to the agent on another, taking over, connections, adding up.

Each machine is a home of its own on this one, with real daemons and workers, over a Unix socket and with fsync. So a
time is only as good as this machine is idle: how many processes wait for a processor stands beside it.
"""

from __future__ import annotations

import math
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.helpers.postgres import Cluster
from tests.helpers.project import ONE, Project, reply, until
from uwf.app import App
from uwf.jobs.schema import apply_schema

BY_POLL_MS, BY_NOTIFY_MS = 1500.0, 200.0
LEASE_S = 60.0
LATE_S = 10.0
SLOTS = 5
ADDS_UP, WORKS_S = 0.9, 10.0
PATIENCE_S = 180.0
ONE_RUN_S = 1.0
"""What the beginning of a run may take; where no lease is waited for, that is all."""
TWO = """\
version: 1
name: two
description: Two roles, one after the other.
roles:
  first: {description: Begins., frontmatter: &done {type: object, properties: {$status: {const: done}}}}
  second: {description: Goes on., frontmatter: *done}
graph:
  $START: {new: {role: first, prompt: Do it.}}
  first: {done: {role: second, prompt: Go on.}}
  second: {done: {role: $END}}
"""
DEAF = (
    "from uwf.jobs.link import QueueLink as link; from uwf.cli.main import leave; begin = link.__init__;"
    " link.__init__ = lambda self, url, name, channels=(), *more, **named:"
    " begin(self, url, name, (), *more, **named); leave()"
)
"""uwf, but that it hears nothing of what PostgreSQL says."""


def bench_machines(folder: Path, cluster: Cluster, quick: bool) -> None:
    print(f"\nMachines that share a store ({os.cpu_count()} processors here)", flush=True)
    wakes = 5 if quick else 100
    for name, program, most_ms in (
        ("wake to agent, told by NOTIFY", ("-m", "uwf"), BY_NOTIFY_MS),
        ("wake to agent, by looking", ("-c", DEAF), BY_POLL_MS),
    ):
        with _world(folder, cluster) as world:
            world.program = program
            _wakes(world, name, wakes, most_ms)
    with _world(folder, cluster) as world:
        _take_over(world, 12.0 if quick else LEASE_S)
    with _world(folder, cluster) as world:
        _let_go(world)
    with _world(folder, cluster) as world:
        _connections(world)
    with _world(folder, cluster) as world:
        _crowd(world, 10 if quick else 100)
    _adding_up(folder, cluster, 30 if quick else 300)


class _Machine(Project):
    def __init__(self, world: _World, host: str) -> None:
        (world.folder / host / "project").mkdir(parents=True)
        super().__init__(world.folder / host / "home", world.folder / host / "project")
        self.environ |= {"UWF_HOST": host, "UWF_STORE": world.url}
        self.home.mkdir()
        (self.home / "config.toml").write_text(
            f'default_agent = "quick"\nlease = "{world.lease_s:g}s"\n[agents.quick]\n'
            f'command = "{world.agent}"\n[limits]\nmax_running = 100\n'
        )
        self._world = world

    def run(self, *words: str, says: str = "") -> subprocess.Popen[bytes]:
        said = self._world.folder / f"said.{len(self._world.processes)}"
        with said.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, *self._world.program, *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.cwd,
                env=self.environ,
            )
        self._world.processes.append(process)
        if says:
            until(
                lambda: says in said.read_text() or process.poll() is not None, within_s=PATIENCE_S
            )
            assert process.poll() is None, said.read_text()
        return process

    def daemon(self) -> None:
        self.run("daemon", "run", says="leads the daemons")

    def worker(self, slots: int = SLOTS) -> subprocess.Popen[bytes]:
        return self.run("worker", "run", "--slots", str(slots), says="takes from")


class _World:
    """A database, machines, and an agent that leaves a file when it begins, and works for `works_s`."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.program: tuple[str, ...] = ("-m", "uwf")
        self.lease_s, self.processes = LEASE_S, list[subprocess.Popen[bytes]]()
        self.began = folder / "began"
        self.began.mkdir(parents=True)
        self.agent, self._seen = "", 0
        self.works(0.0)

    def works(self, for_s: float) -> None:
        """How long its agents take from now on."""
        done = reply("done", "I did it.")
        script = f": >'{self.began}/'$$; cat >/dev/null; sleep {for_s}; printf '%s' '{done}'\n"
        path = self.folder / "agent"
        path.write_text(f"#!/bin/sh\n{script}")
        path.chmod(0o755)
        self.agent = str(path)

    def machine(self, host: str) -> _Machine:
        return _Machine(self, host)

    def agents(self) -> list[Path]:
        """One file for each that has begun."""
        return list(self.began.iterdir())

    def ask(self, sql: str) -> int:
        with psycopg.connect(self.url, application_name="bench") as connection:
            row = connection.execute(sql.encode()).fetchone()
            return int(row[0]) if row else 0

    def connections(self) -> int:
        """How many there are, without the one that asks; those of the last look where there is no room to ask."""
        with suppress(psycopg.OperationalError):
            self._seen = self.ask(
                "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname IS NOT NULL"
            )
        return self._seen

    def end(self) -> None:
        for times in range(2):  # once is to drain
            for each in self.processes:
                if each.poll() is None:
                    each.send_signal(signal.SIGTERM)
            time.sleep(0.2 * (1 - times))
        for each in self.processes:
            try:
                each.wait(timeout=30)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()


@contextmanager
def _world(folder: Path, cluster: Cluster) -> Iterator[_World]:
    with cluster.database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            apply_schema(connection)
        world = _World(folder / url.partition("@/")[2].partition("?")[0], url)
        try:
            yield world
        finally:
            world.end()


@contextmanager
def _app(machine: _Machine, workflow: str = ONE) -> Iterator[tuple[App, Callable[[bool], str]]]:
    """The home of a machine in this process; what makes a thread, which is due or not."""
    file = str(machine.file("flow.yaml", workflow))
    with App.open(str(machine.home), store_address=machine.environ["UWF_STORE"]) as app:

        def start(wakes: bool) -> str:
            cwd = str(machine.cwd)
            return app.start(file, "Paint the fence.", cwd=cwd, wakes=wakes).thread

        yield app, start


def _wakes(world: _World, name: str, count: int, most_ms: float) -> None:
    """From before the wake is stored until the agent has begun to run, one after the other."""
    here, leads, there = (world.machine(name) for name in ("here", "leads", "there"))
    leads.daemon()
    there.worker(2)
    taken_s: list[float] = []
    with _app(here) as (app, start):
        threads = [start(False) for _ in range(count)]
        for thread in threads:
            time.sleep(random.uniform(1.5, 2.5))
            before, began_s = len(world.agents()), time.time()
            app.wakes.at(thread)
            _until_more(world, before)
            taken_s.append(max(each.stat().st_mtime for each in world.agents()) - began_s)
    _told(f"{name}, p99 of {count}", _p99(taken_s) * 1e3, most_ms, "ms", _spread(taken_s))


def _until_more(world: _World, than: int) -> None:
    until(lambda: len(world.agents()) > than, within_s=PATIENCE_S)


def _take_over(world: _World, lease_s: float) -> None:
    """All of a machine is killed at once; another, that was there, goes on."""
    world.lease_s = lease_s
    world.works(600.0)
    here, dies, other = (world.machine(name) for name in ("here", "dies", "other"))
    here.daemon()
    worker = dies.worker(1)
    with _app(here) as (_, start):
        thread = start(True)
    until(world.agents, within_s=PATIENCE_S)
    run = here.show(thread)["running"]["pid"]
    other.worker(1)
    for pid in (worker.pid, run, *(int(each.name) for each in world.agents())):
        os.kill(pid, signal.SIGKILL)
    killed_s = time.time()
    worker.wait()
    until(lambda: len(world.agents()) > 1, within_s=PATIENCE_S)
    taken_s = max(each.stat().st_mtime for each in world.agents()) - killed_s
    _told(f"taken over after SIGKILL, lease {lease_s:g} s", taken_s, lease_s + LATE_S, "s")


def _let_go(world: _World) -> None:
    """A worker is told to drain in the middle of a step: that is made, and the next one is another's."""
    works_s = 3.0
    world.works(works_s)
    here, drains, other = (world.machine(name) for name in ("here", "drains", "other"))
    here.daemon()
    drains.worker(1)
    with _app(here, TWO) as (_, start):
        start(True)
    until(world.agents, within_s=PATIENCE_S)
    other.worker(1)
    here("worker", "drain", "drains")
    until(lambda: len(world.agents()) > 1, within_s=PATIENCE_S)
    first, second = sorted(each.stat().st_mtime for each in world.agents())
    _told("after `worker drain` another goes on", second - first - works_s, ONE_RUN_S, "s")


def _connections(world: _World) -> None:
    """Those of one worker with all its slots in use, beside the daemon's: counted again and again."""
    world.works(3.0)
    here, there = world.machine("here"), world.machine("there")
    here.daemon()
    alone = world.connections()
    there.worker(SLOTS)
    idle = world.connections() - alone
    with _app(here) as (_, start):
        for _ in range(SLOTS):
            start(True)
    most, deadline_s = 0, time.monotonic() + 8.0
    while time.monotonic() < deadline_s:
        most = max(most, world.connections() - alone)
        time.sleep(0.05)
    name = f"connections of a worker, {SLOTS} runs"
    _told(name, most, 2 + SLOTS, "", f"({idle} while it has none, {alone} of the daemon)")


def _crowd(world: _World, count: int) -> None:
    """So many workers begin in the same second, and connections are counted until each is at work or has said why not;
    then as many runs as there is room for.
    """
    here = world.machine("here")
    here.daemon()
    began = len(world.processes)
    for each in [world.machine(f"m{number}") for number in range(count)]:
        each.run("worker", "run", "--slots", "1")
    workers, most = world.processes[began:], 0

    def said() -> list[str]:
        return [path.read_text() for path in world.folder.glob("said.*")]

    def have_come() -> bool:
        nonlocal most
        most = max(most, world.connections())
        return sum("takes from" in text or "connections" in text for text in said()) >= count

    until(have_come, within_s=PATIENCE_S)
    at_work = sum("takes from" in text for text in said())
    ended = sum(each.poll() is not None for each in workers)
    world.works(1.0)
    with _app(here) as (_, start):
        for _ in range(10):
            start(True)
    until(lambda: world.connections() and len(world.agents()) >= 10, within_s=PATIENCE_S)
    full = world.ask("SELECT setting FROM pg_settings WHERE name = 'max_connections'")
    print(
        f"{count} workers begun at once: {at_work} are at work, {ended} have ended, at most {most} connections"
        f" of {full}; 10 runs were made{'  MISSED' if ended else ''}",
        flush=True,
    )
    words = [line for text in said() for line in text.splitlines() if "connections" in line]
    for line in sorted(set(words))[:1]:
        print(f"    one of the others: {line}")


def _adding_up(folder: Path, cluster: Cluster, count: int) -> None:
    """Threads done in a second by three workers against by one. Their agents sleep for long enough that it is not the
    processors of the one machine that are measured.
    """
    alone, together = (_done_a_second(folder, cluster, each, count) for each in (1, 3))
    ratio = together / alone / 3
    name = f"{count} threads, 3 workers of {SLOTS} slots"
    print(
        f"{name:40} {ratio:8.2f} x 3 x one worker  ({together:.2f} against {alone:.2f} threads a second, agents of "
        f"{WORKS_S:g} s)  target ≥ {ADDS_UP}{'' if ratio >= ADDS_UP else '  MISSED'}",
        flush=True,
    )


def _done_a_second(folder: Path, cluster: Cluster, workers: int, of_three: int) -> float:
    """With `workers`, that have as many threads each as `of_three` for three."""
    count = of_three * workers // 3
    done = "SELECT count(*) FROM uwf.ref_tag WHERE key = 'completedAt'"
    with _world(folder, cluster) as world:
        world.works(WORKS_S)
        here = world.machine("here")
        with _app(here) as (_, start):
            for _ in range(count):
                start(True)
        for each in [world.machine(f"m{number}") for number in range(workers)]:
            each.worker()
        began_s = time.time()
        here.daemon()
        until(lambda: world.ask(done) >= count, within_s=3600)
        return count / (time.time() - began_s)


def _told(name: str, value: float, target: float, unit: str, text: str = "") -> None:
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    print(
        f"{name:40} {value:8.1f} {unit}  {text}  target ≤ {target:g} {unit}"
        f"{'' if value <= target else '  MISSED'}  ({load:.1f} processes a processor)",
        flush=True,
    )


def _p99(times_s: list[float]) -> float:
    return sorted(times_s)[math.ceil(0.99 * len(times_s)) - 1]


def _spread(times_s: list[float]) -> str:
    return f"(median {statistics.median(times_s) * 1e3:.0f}, least {min(times_s) * 1e3:.0f})"
