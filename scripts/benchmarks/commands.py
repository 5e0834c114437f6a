"""Commands against `python -c pass`: what it costs that `uwf` starts anew every time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import alternate, columns, report, seconds
from benchmarks.stepping import WORKFLOW
from uwf import clock
from uwf.engine.chain.tags import COMPLETED, IDLE, THREADS
from uwf.store.codec import Link
from uwf.store.sqlite import open_store
from uwf.workflow import model

UWF = str(Path(sys.executable).parent / "uwf")
AT_ONCE = 20_000


def bench_commands(folder: Path, threads: int, rounds: int) -> None:
    print(f"\nCommands against `python -c pass`, {threads} threads in the store, 2 % of them idle")
    home = folder / "commands"
    newest = fill(home, threads)
    reference = command(home, sys.executable, "-c", "pass")
    for name, words, target in (
        ("uwf --version", ["--version"], 1.5),
        ("uwf thread show", ["thread", "show", newest], 3.0),
        ("uwf thread list", ["thread", "list"], 3.0),
    ):
        run = command(home, UWF, *words)
        run()
        report(name, *alternate(run, reference, rounds), target)
    for name, works_s in (("an agent that ends at once", 0.0), ("one that works 0.3 s", 0.3)):
        agent = _agent(folder, works_s)
        run = command(home, UWF, "thread", "exec", newest, "--agent", agent)
        alone = command(home, agent)
        run()
        took = [(seconds(run) - seconds(alone), seconds(reference)) for _ in range(rounds)]
        report(f"exec, less {name}", *columns(took), 7.0)


def _agent(folder: Path, works_s: float) -> str:
    """A program that replies; never twice the same, which would look like a loop."""
    agent = folder / f"agent-{works_s:g}"
    begin = f"sleep {works_s:g}\n" if works_s else ""
    agent.write_text(f"#!/bin/sh\n{begin}exec /bin/echo '---\n$status: go\n---\nDone by '$$.\n")
    agent.chmod(0o755)
    return str(agent)


def bench_growth(folder: Path, threads: int, rounds: int) -> None:
    """The store of `bench_commands` is the reference."""
    print(f"\nA page of threads where there are {threads}, against a tenth of that")
    home, words = folder / "growth", ["thread", "list", "--all", "--limit", "20"]
    fill(home, threads)
    run, reference = (command(each, UWF, *words) for each in (home, folder / "commands"))
    run()
    reference()
    report("uwf thread list --all --limit 20", *alternate(run, reference, rounds), 1.3)


def command(home: Path, *words: str) -> Callable[[], object]:
    environment = {**os.environ, "UWF_HOME": str(home)}
    return lambda: subprocess.run(
        words, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def fill(home: Path, threads: int) -> str:
    """A store of many threads, each at its start node; the id of the newest, which is idle."""
    store = open_store(str(home / "store.db"))
    now_ms = clock.now_ms() - threads
    with store.transaction("bench") as tx:
        workflow = Link(tx.put("workflow", model.to_payload(WORKFLOW)))
    for first in range(0, threads, AT_ONCE):
        with store.transaction("bench", durable=False) as tx:
            for n in range(first, min(first + AT_ONCE, threads)):
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
                start_id = tx.put("start", start)
                tx.set_ref(THREADS + id, start_id, tags=tags, expect=None, why="started")
    store.close()
    return id
