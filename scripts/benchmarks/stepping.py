"""What is stepped: a thread of uwf within this process, with the guards and without, and a bare chain."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blake3 import blake3
from msgpack import packb

from uwf import config
from uwf.agent.process import Outcome
from uwf.agent.seam import Answer, Ask
from uwf.agent.stop import Stop
from uwf.engine import advance, lifecycle
from uwf.engine.dispatch import Dispatch
from uwf.engine.engine import Engine
from uwf.engine.memo import Memo
from uwf.engine.redact import Redactor
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

    def __init__(self) -> None:
        self.count = 0

    def unavailable(self, cwd: str, path: str) -> str | None:
        return None

    def ask(self, ask: Ask, *, stop: Stop, on_ready: Any, on_turn: Any) -> Answer:
        on_ready(None, None)
        self.count += 1
        text = f"---\n$status: go\n---\n{self.count} {BODY}"
        outcome = Outcome("exit", exit_code=0, duration_ms=0)
        return Answer(outcome, text, "", tail=text)


class Unguarded(Dispatch):
    """Admits everybody, and learns nothing."""

    @contextmanager
    def admitted(self, *_request: Any) -> Iterator[tuple[int, ...]]:
        yield ()

    def success(self, *_facts: Any) -> Any:
        return lambda tx: None


class Uwf:
    """A store with one thread in it, stepped within this process."""

    def __init__(self, home: Path, dispatch: type[Dispatch] = Dispatch) -> None:
        self.home = home
        self.store = open_store(str(home / "store.db"))
        self.engine = Engine(
            store=self.store,
            memo=Memo(self.store),
            dispatch=dispatch(self.store, str(home), config.defaults(), os.defpath),
            home=str(home),
            config=config.defaults(),
            environ={},
            redactor=Redactor(),
            agent_for=lambda workflow, role, override: Steady(),
            on_event=lambda event: None,
        )
        begin = lifecycle.Begin(WORKFLOW, "Measure a step.", str(home), {})
        self.thread = lifecycle.start(self.store, begin, self.engine.redactor).id

    def steps(self, count: int) -> None:
        order = advance.Order(advance.EXEC, count=count)
        for _ in advance.run(self.engine, self.thread, order, Stop()):
            pass


class BareChain:
    """The least that keeps the same facts: prompt, turn and step as rows, a head, one durable commit.

    With `recorded` it also keeps what uwf promises of a step that dies: its beginning is committed before it, not
    waiting for the disk, and every move of a ref has a line in a log.
    """

    def __init__(self, path: Path, *, recorded: bool = False) -> None:
        self.database = bare_database(path)
        self.database.execute("CREATE TABLE head (name TEXT PRIMARY KEY, id BLOB)")
        self.database.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, name TEXT, id BLOB)")
        self.database.execute("CREATE INDEX log_name ON log (name)")
        self.recorded = recorded
        self.head = b"\0" * 32
        self.count = 0

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.count += 1
            prompt = ["prompt", [f"Prompt {self.count}", BODY, BODY]]
            if self.recorded:
                self._begin(prompt)
            self._step(prompt)

    def _begin(self, prompt: list[Any]) -> None:
        self.database.executescript("PRAGMA synchronous = NORMAL")
        self.database.execute("BEGIN IMMEDIATE")
        begun = self._put(["attempt", {"prev": self.head, "prompt": self._put(prompt)}])
        self._move("attempt", begun)
        self.database.execute("COMMIT")
        self.database.executescript("PRAGMA synchronous = FULL")

    def _step(self, prompt: list[Any]) -> None:
        self.database.execute("BEGIN IMMEDIATE")
        turn = self._put(["turn", f"{self.count} {BODY}"])
        self.head = self._put(
            [
                "step",
                {
                    "prev": self.head,
                    "prompt": self._put(prompt),
                    "turn": turn,
                    "output": {"$status": "go"},
                    "body": f"{self.count} {BODY}",
                    "index": self.count,
                    "role": "left",
                },
            ]
        )
        self._move("thread", self.head)
        if self.recorded:
            self._move("attempt", None)
        self.database.execute("COMMIT")

    def _put(self, node: list[Any]) -> bytes:
        data = packb(node)
        key = blake3(data).digest()
        self.database.execute("INSERT OR IGNORE INTO object VALUES (?, ?)", (key, data))
        return key

    def _move(self, name: str, id: bytes | None) -> None:
        if id is None:
            self.database.execute("DELETE FROM head WHERE name = ?", (name,))
        else:
            self.database.execute("INSERT OR REPLACE INTO head VALUES (?, ?)", (name, id))
        if self.recorded:
            self.database.execute("INSERT INTO log (name, id) VALUES (?, ?)", (name, id))


def bare_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE object (id BLOB PRIMARY KEY, data BLOB)")
    return database
