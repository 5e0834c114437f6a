"""Machines that share one database, each behind a proxy of its own; and a supervisor that begins again what died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.crash.cluster.proxy import Proxy
from tests.crash.processes import process_table
from tests.helpers.postgres import Cluster
from tests.helpers.program import PROGRAM

LEASE_S = 4.0
GRACE_S = 0.1
COMMAND_S = 120.0
LOOK_S = 0.2
HERE = Path(__file__).parent

CONFIG = f"""\
default_agent = "crew"
lease = "{LEASE_S:g}s"
[agents.crew]
command = ["{sys.executable}", "-I", "-S", "{HERE / "agent.py"}"]
[limits]
grace = "{GRACE_S * 1000:g}ms"
max_steps = 40
max_running = 20
min_memory = "1MiB"
disk_floor = "1MiB"
seats = 0
[retry]
base = "100ms"
"""


class Answer(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Machine:
    """A machine by its name: a home, the wire to the database, and what runs there for good."""

    def __init__(self, folder: Path, host: str, server: str, database: str) -> None:
        self.host, self.folder = host, folder
        self.home = folder / host
        self.home.mkdir(mode=0o700)
        (self.home / "config.toml").write_text(CONFIG)
        self.proxy = Proxy(server)
        self.environ = {
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "TERM": "dumb",
            "PYTHONPATH": str(HERE / "inside"),
            "UWF_HOME": str(self.home),
            "UWF_HOST": host,
            "UWF_STORE": f"postgresql://uwf@127.0.0.1:{self.proxy.port}/{database}?sslmode=disable&gssencmode=disable",
            "CRASH_CLUSTER": str(folder),
        }

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.home / f"said.{words[0]}").open("ab") as said:
            return subprocess.Popen(
                [PROGRAM, *words, "--json"],
                cwd=self.folder / "project",
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def run(self, *words: str) -> Answer:
        """Run `uwf WORDS --json` to its end."""
        done = subprocess.run(
            [PROGRAM, *words, "--json"],
            cwd=self.folder / "project",
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def said(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The errors that its runs, workers and daemons have ended with: (which, error)."""
        for log in (*self.home.glob("**/*.log*"), *self.home.glob("said.*")):
            for line in log.read_text(errors="replace").splitlines():
                if line.startswith('{"error":{'):
                    with suppress(ValueError):
                        yield log.name, json.loads(line)["error"]


class Supervised:
    """A worker or a daemon, begun again whenever it has ended."""

    def __init__(self, machine: Machine, words: tuple[str, ...]) -> None:
        self.machine, self.words = machine, words
        self.ended: list[int] = []
        """The exit codes of those before."""
        self.process = machine.start(*words)

    @property
    def pid(self) -> int:
        return self.process.pid

    def look(self) -> None:
        code = self.process.poll()
        if code is not None:
            self.ended.append(code)
            self.process = self.machine.start(*self.words)


class Machines:
    """All of them: `box-1` to `box-3` have a worker each, the first two a daemon; `desk` is where people sit."""

    def __init__(self, folder: Path, cluster: Cluster, database: str) -> None:
        self.folder, self.cluster, self.database = folder, cluster, database
        for name in ("arm", "go", "points", "project"):
            (folder / name).mkdir()
        for role in ("run", "worker", "daemon"):
            (folder / "points" / role).mkdir()
        server = f"{cluster.folder}/.s.PGSQL.5432"
        self.boxes = [Machine(folder, f"box-{n}", server, database) for n in (1, 2, 3)]
        self.desk = Machine(folder, "desk", server, database)
        self.workers: list[Supervised] = []
        self.daemons: list[Supervised] = []
        self._is_over = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    @contextmanager
    def at_work(self) -> Iterator[Machines]:
        try:
            self.workers = [
                Supervised(box, ("worker", "run", "--slots", str(slots)))
                for box, slots in zip(self.boxes, (2, 3, 2), strict=True)
            ]
            self.daemons = [Supervised(box, ("daemon", "run")) for box in self.boxes[:2]]
            self._supervisor.start()
            yield self
        finally:
            self._end()

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows, as the administrator sees them; none where the server does not answer just now."""
        import psycopg

        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(self.cluster.url(self.database), autocommit=True) as connection,
        ):
            return connection.execute(statement.encode()).fetchall()
        return []

    def holders(self) -> set[tuple[str, int, str]] | None:
        """Who holds what: (machine, pid, thread); None where that cannot be asked just now."""
        rows = self.sql(
            "SELECT host, pid, name FROM uwf.lease WHERE expires >= clock_timestamp()"
            " UNION ALL SELECT '', 0, ''"
        )
        return set(rows) if rows else None

    def lines(self, name: str) -> list[dict[str, Any]]:
        """What `agents` or `processes` have written."""
        file = self.folder / name
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def alive(self) -> dict[int, str]:
        """The processes of all machines."""
        mark = f"CRASH_CLUSTER={self.folder}\0"
        return {pid: line for pid, environ, line in process_table() if mark in environ}

    def stop(self) -> None:
        """Let workers and daemons end as they do when they are told to."""
        self._is_over.set()
        self._supervisor.join()
        for each in (*self.workers, *self.daemons):
            each.process.send_signal(signal.SIGTERM)
        for each in (*self.workers, *self.daemons):
            with suppress(subprocess.TimeoutExpired):
                each.process.wait(30)

    def _supervise(self) -> None:
        while not self._is_over.wait(LOOK_S):
            for each in (*self.workers, *self.daemons):
                each.look()

    def _end(self) -> None:
        self._is_over.set()
        for _ in range(3):  # what was just begun by another is met the next time
            for pid in self.alive():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        for each in (*self.workers, *self.daemons):
            each.process.wait()
        for box in (*self.boxes, self.desk):
            box.proxy.close()
