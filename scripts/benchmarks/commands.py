"""Commands against `python -c pass`: what it costs that `uwf` starts anew every time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import alternate, report
from benchmarks.stepping import WORKFLOW
from uwf import clock
from uwf.engine.chain.nodes import COMPLETED, IDLE, THREADS
from uwf.store.codec import Link
from uwf.store.sqlite import open_store
from uwf.workflow import model


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
