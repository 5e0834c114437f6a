"""What uwf costs, as ratios against a reference that runs in turn with it.

Machines are shared and noisy, so nothing here is a verdict on a single time: the two sides of a ratio run
alternately, and the median of the pairwise ratios is printed with the smallest and the largest.

References: `python -c pass` for commands, a bare chain (SQLite, msgpack and blake3, one row an object, one
commit a step, the same journal mode and `synchronous`) for steps, a bare SQLite table for puts and gets.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blake3 import blake3
from msgpack import packb, unpackb

from uwf import clock, config
from uwf.agent.process import Outcome
from uwf.agent.seam import Answer, Ask
from uwf.agent.stop import Stop
from uwf.engine import advance, lifecycle
from uwf.engine.dispatch import Dispatch
from uwf.engine.engine import Engine
from uwf.engine.memo import Memo
from uwf.engine.model import COMPLETED, IDLE, THREADS
from uwf.engine.redact import Redactor
from uwf.store.codec import Link
from uwf.store.sqlite import SqliteStore, open_store
from uwf.workflow import model
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


class Uwf:
    """A store with one thread in it, stepped within this process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = open_store(str(home / "store.db"))
        self.engine = Engine(
            store=self.store,
            memo=Memo(self.store),
            dispatch=Dispatch(self.store, str(home), config.defaults(), os.defpath),
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
    """The least that keeps the same facts: prompt, turn and step as rows, a head, one durable commit."""

    def __init__(self, path: Path) -> None:
        self.database = bare_database(path)
        self.database.execute("CREATE TABLE head (name TEXT PRIMARY KEY, id BLOB)")
        self.head = b"\0" * 32
        self.count = 0

    def steps(self, count: int) -> None:
        execute = self.database.execute
        for _ in range(count):
            self.count += 1
            execute("BEGIN IMMEDIATE")
            prompt = self._put(["prompt", [f"Prompt {self.count}", BODY, BODY]])
            turn = self._put(["turn", f"{self.count} {BODY}"])
            self.head = self._put(
                [
                    "step",
                    {
                        "prev": self.head,
                        "prompt": prompt,
                        "turn": turn,
                        "output": {"$status": "go"},
                        "body": f"{self.count} {BODY}",
                        "index": self.count,
                        "role": "left",
                    },
                ]
            )
            execute("INSERT OR REPLACE INTO head VALUES ('thread', ?)", (self.head,))
            execute("COMMIT")

    def _put(self, node: list[Any]) -> bytes:
        data = packb(node)
        key = blake3(data).digest()
        self.database.execute("INSERT OR IGNORE INTO object VALUES (?, ?)", (key, data))
        return key


def bare_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE object (id BLOB PRIMARY KEY, data BLOB)")
    return database


def seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def alternate(
    ours: Callable[[], object], reference: Callable[[], object], rounds: int
) -> tuple[list[float], list[float]]:
    """The seconds of both, run in turn."""
    pairs = [(seconds(ours), seconds(reference)) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def report(
    name: str, ours: list[float], reference: list[float], target: float, *, most: bool = True
) -> None:
    """One line: the ratio of times (or of rates, when more is better) and the times behind it."""
    ratios = sorted(
        mine / other if most else other / mine for mine, other in zip(ours, reference, strict=True)
    )
    middle = statistics.median(ratios)
    kept = middle <= target if most else middle >= target
    sign = "≤" if most else "≥"
    print(
        f"{name:34} {middle:5.2f}x  ({ratios[0]:.2f} to {ratios[-1]:.2f})  "
        f"{statistics.median(ours) * 1e3:8.2f} ms against {statistics.median(reference) * 1e3:8.2f} ms  "
        f"target {sign} {target}{'' if kept else '  MISSED'}",
        flush=True,
    )


def bench_commands(folder: Path, threads: int, rounds: int) -> None:
    print(f"\nCommands against `python -c pass`, {threads} threads in the store, 2 % of them idle")
    home = folder / "commands"
    newest = fill(home, threads)
    uwf = str(Path(sys.executable).parent / "uwf")
    agent = folder / "agent"
    agent.write_text("#!/bin/sh\nexec /bin/echo '---\n$status: go\n---\nDone.'\n")
    agent.chmod(0o755)
    environment = {**os.environ, "UWF_HOME": str(home)}

    def command(*words: str) -> Callable[[], object]:
        return lambda: subprocess.run(
            words, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    reference = command(sys.executable, "-c", "pass")
    for name, words, target in (
        ("uwf --version", ["--version"], 1.5),
        ("uwf thread show", ["thread", "show", newest], 2.5),
        ("uwf thread list", ["thread", "list"], 2.5),
        ("uwf thread exec", ["thread", "exec", newest, "--agent", str(agent)], 4.0),
    ):
        run = command(uwf, *words)
        run()
        report(name, *alternate(run, reference, rounds), target)


def fill(home: Path, threads: int) -> str:
    """A store of many threads, each at its start node; the id of the newest, which is idle."""
    store = open_store(str(home / "store.db"))
    now_ms = clock.now_ms() - threads
    with store.transaction() as tx:
        workflow = Link(tx.put("workflow", model.to_payload(WORKFLOW)))
        for n in range(threads):
            id = clock.ulid(now_ms + n)
            start = {
                "thread": id,
                "workflow": workflow,
                "task": f"Task {n}",
                "cwd": str(home),
                "startedAt": now_ms,
            }
            tags = {"status": COMPLETED, "workflow": "bench", "completedAt": str(now_ms)}
            if (threads - n) % 50 == 1:
                tags = {"status": IDLE, "workflow": "bench"}
            tx.set_ref(THREADS + id, tx.put("start", start), tags=tags, expect=None, why="started")
    store.close()
    return id


def bench_steps(folder: Path, depths: list[int], rounds: int) -> None:
    print("\nSteps within one process against a bare chain, 50 steps a time")
    uwf, bare = Uwf(folder / "steps"), BareChain(folder / "bare.db")
    middles: dict[int, float] = {}
    done = 0
    for depth in depths:
        uwf.steps(depth - done)
        bare.steps(depth - done)
        ours, reference = alternate(lambda: uwf.steps(50), lambda: bare.steps(50), rounds)
        done = depth + 50 * rounds
        report(f"step at depth {depth}", [s / 50 for s in ours], [s / 50 for s in reference], 2.0)
        middles[depth] = statistics.median(
            mine / other for mine, other in zip(ours, reference, strict=True)
        )
    if len(depths) > 1:
        slower = middles[depths[-1]] / middles[depths[-2]]
        print(
            f"{f'depth {depths[-1]} against {depths[-2]}':34} {slower:5.2f}x  (ratio of the ratios)"
            f"  target ≤ 1.2{'' if slower <= 1.2 else '  MISSED'}"
        )
    bytes_per_step(uwf.store, uwf.home, done)
    uwf.store.close()


def bytes_per_step(store: SqliteStore, home: Path, steps: int) -> None:
    stats = store.stats()
    size = sum(file.stat().st_size for file in home.glob("store.db*"))
    print(
        f"{'bytes per step':34} {size / steps:8.0f} on disk, {stats.stored_bytes / steps:.0f} of them objects "
        f"({stats.objects / steps:.2f} objects, {stats.moves / steps:.2f} log lines); a reply has {len(BODY)}"
    )


def bench_objects(folder: Path, count: int, rounds: int) -> None:
    print(f"\nPuts and gets of 1 KB objects against a bare SQLite table, {count} a time")
    store, bare = open_store(str(folder / "objects" / "store.db")), bare_database(folder / "o.db")
    ids: list[str] = []
    keys: list[bytes] = []
    number = 0

    def payloads() -> list[str]:
        nonlocal number
        number += 1
        return [f"{number} {n} ".ljust(1000, "x") for n in range(count)]

    def put() -> None:
        ids.clear()
        texts = payloads()
        with store.transaction() as tx:
            ids.extend(tx.put("text", text) for text in texts)

    def bare_put() -> None:
        keys.clear()
        bare.execute("BEGIN IMMEDIATE")
        for text in payloads():
            data = packb(["text", text])
            key = blake3(data).digest()
            bare.execute("INSERT OR IGNORE INTO object VALUES (?, ?)", (key, data))
            keys.append(key)
        bare.execute("COMMIT")

    def get() -> None:
        for id in ids:
            store.get(id)

    def bare_get() -> None:
        for key in keys:
            row = bare.execute("SELECT data FROM object WHERE id = ?", (key,)).fetchone()
            unpackb(row[0])

    report("put", *alternate(put, bare_put, rounds), 0.7, most=False)
    report("get", *alternate(get, bare_get, rounds), 0.6, most=False)
    store.close()


def bench_fsyncs(folder: Path, steps: int) -> None:
    print("\nWaiting for the disk")
    if shutil.which("strace") is None:
        print("fsyncs per step: not measured, strace is not installed")
        return
    trace = folder / "trace"
    calls = "trace=fsync,fdatasync"
    program = [sys.executable, __file__, "--only-steps", str(steps), "--folder", str(folder / "s")]
    subprocess.run(["strace", "-f", "-e", calls, "-o", str(trace), *program], check=True)
    idle = sum("sync(" in line for line in trace.read_text().splitlines())
    program[3] = str(2 * steps)
    program[-1] = str(folder / "s2")
    subprocess.run(["strace", "-f", "-e", calls, "-o", str(trace), *program], check=True)
    more = sum("sync(" in line for line in trace.read_text().splitlines())
    print(
        f"{'fsyncs per step':34} {(more - idle) / steps:.2f}  ({idle} for {steps} steps, {more} for twice that)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    parser.add_argument("--only-steps", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_steps is not None:
        os.makedirs(options.folder)
        Uwf(Path(options.folder)).steps(options.only_steps)
        return
    quick = options.quick
    with tempfile.TemporaryDirectory(prefix="uwf-bench-") as name:
        folder = Path(name)
        for part in ("commands", "steps", "objects"):
            (folder / part).mkdir()
        bench_commands(folder, 1000 if quick else 100_000, 5 if quick else 21)
        bench_steps(folder, [100, 500] if quick else [100, 1000, 5000], 3 if quick else 11)
        bench_objects(folder, 500 if quick else 5000, 3 if quick else 11)
        bench_fsyncs(folder, 50 if quick else 200)


if __name__ == "__main__":
    main()
