"""What is stepped: a thread of uwf within this process, with the guards and without, and a bare chain."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from blake3 import blake3
from msgpack import packb  # type: ignore[import-untyped]  # it ships none

from uwf import config
from uwf.agent.protocol import AgentRequest, AgentResult
from uwf.agent.stop import Stop
from uwf.clock import now_ms
from uwf.engine.actions import lifecycle
from uwf.engine.chain.cache import NodeCache
from uwf.engine.chain.redact import Redactor
from uwf.engine.run import order, runner
from uwf.engine.run.admission import Admission
from uwf.engine.run.context import RunContext
from uwf.store.protocols import Store
from uwf.store.sqlite import open_store
from uwf.workflow.model import Edge, Role, Workflow

BODY = "What the agent has to say about it. " * 20
SCHEMA = {"type": "object", "properties": {"$status": {"const": "go"}}, "required": ["$status"]}
WORKFLOW = Workflow(
    name="bench",
    description="Two roles that hand each other the work, for ever.",
    roles={
        name: Role(name, f"The {name} one.", "Go on.", (), "Think.", "Words.", SCHEMA)
        for name in ("left", "right")
    },
    graph={
        "$START": {"new": Edge("left", "Begin.", None)},
        "left": {"go": Edge("right", "Go on with what is left.", None)},
        "right": {"go": Edge("left", "Go on with what is right.", None)},
    },
)


class Steady:
    """An agent within this process: what a step costs without a program to start."""

    name = "steady"
    streams = False
    own_variables = None
    count = 0

    def unavailable(self, cwd: str, path: str) -> str | None:
        return None

    def run(
        self, request: AgentRequest, *, stop: Stop, on_start: Any, on_event: Any
    ) -> AgentResult:
        on_start(None)
        Steady.count += 1
        text = f"---\n$status: go\n---\n{Steady.count} {BODY}"
        return AgentResult(text, tail=text)


class Unguarded(Admission):
    """Admits everything, and learns nothing."""

    def __init__(self, *where: Any) -> None:
        super().__init__(*where)
        self.guards = []


class Uwf:
    """A store with one thread in it, stepped within this process."""

    def __init__(
        self, home: Path, admission: type[Admission] = Admission, store: Store | None = None
    ) -> None:
        self.home = home
        self.store = store or open_store(str(home / "store.db"))
        self.engine = RunContext(
            store=self.store,
            cache=NodeCache(self.store),
            admission=admission(self.store, str(home), config.defaults(), os.defpath),
            home=str(home),
            config=config.defaults(),
            environ={},
            redactor=Redactor(),
            agent_for=lambda workflow, role, override: Steady(),
            on_progress=lambda _: None,
        )
        begin = lifecycle.Begin(WORKFLOW, "Measure a step.", str(home), {})
        self.count = 0
        self.thread = lifecycle.start(self.store, begin).id

    def steps(self, count: int) -> None:
        self.count += count
        steps = order.Order(order.EXEC, count=count)
        for _ in runner.run(self.engine, self.thread, steps, Stop()):
            pass


FACTS = {
    **{
        "role": "left",
        "status": "go",
        "instruction": "Go on with what is left.",
        "agent": "steady",
    },
    **{"thread": "01JZZZZZZZZZZZZZZZZZZZZZZZ", "cwd": "/tmp/uwf-bench/home", "round": 1},
    **{"start": b"s" * 32, "workflow": b"w" * 32, "visits": {"left": 1, "right": 1}},
    **{"sessions": {}, "session": None, "supplement": None, "usage": None, "spent": {"time": 0.1}},
    **{"startedAt": 1_700_000_000_000, "durationMs": 0, "process": {}, "attempts": []},
}
"""What else a step of uwf keeps."""


FILE, STORE = "file", "store"


class BareChain:
    """The least that keeps the same facts as safe: prompt, turn and step as rows, a head, one durable commit.

    A step's beginning is on record before it, not waiting for the disk: with its hash in a FILE, which serves one
    thread alone, or in the STORE, where whoever comes next finds it, as uwf has it. Every move of the head has a line
    in a log. A chain with `beginning` None keeps neither, so what a dead process had begun would be lost.
    """

    def __init__(self, path: Path, beginning: str | None = FILE) -> None:
        self.database = bare_database(path)
        self.database.execute("CREATE TABLE head (name TEXT PRIMARY KEY, id BLOB)")
        self.database.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, name TEXT, id BLOB)")
        self.database.execute("CREATE INDEX log_name ON log (name)")
        self.file = os.open(f"{path}-beginning", os.O_CREAT | os.O_WRONLY, 0o600)
        self.beginning = beginning
        self.head = b"\0" * 32
        self.count = 0

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.count += 1
            prompt = packb(["prompt", [f"Prompt {self.count}", BODY, BODY]])
            if self.beginning == FILE:
                begun = packb(["attempt", {"prev": self.head, "prompt": prompt}])
                os.pwrite(self.file, blake3(begun).digest() + begun, 0)
            elif self.beginning == STORE:
                self._begin(prompt)
            self._step(prompt)

    def _begin(self, prompt: bytes) -> None:
        self.database.executescript("PRAGMA synchronous = NORMAL")
        self.database.execute("BEGIN IMMEDIATE")
        begun = packb(["attempt", {"prev": self.head, "prompt": self._put(prompt)}])
        self._point("attempt", self._put(begun))
        self.database.execute("COMMIT")
        self.database.executescript("PRAGMA synchronous = FULL")

    def _step(self, prompt: bytes) -> None:
        self.database.execute("BEGIN IMMEDIATE")
        step = {
            "prev": self.head,
            "prompt": self._put(prompt),
            "turn": self._put(packb(["turn", {"text": f"{self.count} {BODY}", "at": now_ms()}])),
            "output": {"$status": "go"},
            "body": f"{self.count} {BODY}",
            "index": self.count,
            **FACTS,
        }
        self.head = self._put(packb(["step", step]))
        self._point("thread", self.head)
        if self.beginning == STORE:
            self.database.execute("DELETE FROM head WHERE name = 'attempt'")
            self.database.execute("INSERT INTO log (name, id) VALUES ('attempt', NULL)")
        self.database.execute("COMMIT")

    def _point(self, name: str, id: bytes) -> None:
        self.database.execute("INSERT OR REPLACE INTO head VALUES (?, ?)", (name, id))
        if self.beginning is not None:
            self.database.execute("INSERT INTO log (name, id) VALUES (?, ?)", (name, id))

    def _put(self, data: bytes) -> bytes:
        key = blake3(data).digest()
        self.database.execute("INSERT OR IGNORE INTO object VALUES (?, ?)", (key, data))
        return key


def bare_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE object (id BLOB PRIMARY KEY, data BLOB)")
    return database
