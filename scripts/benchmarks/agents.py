"""Agents: how soon one speaks, how soon six are gone, and how soon the next in the queue begins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import columns, report, tell
from benchmarks.stepping import WORKFLOW
from uwf.agent.process import platform
from uwf.agent.process.supervise import ProcessSpec, run
from uwf.agent.stop import Stop
from uwf.engine.actions import lifecycle
from uwf.guard.capacity import queue
from uwf.store.sqlite import open_store

ECHO = ["/bin/echo", "up"]
SIX = ["/bin/sh", "-c", "for n in 1 2 3 4 5; do sleep 1000 & done; echo up; wait"]

WAITING = """\
#!/bin/sh
echo "$(date +%s%N) begin" >>"$UWF_HOME/diary"
cat >/dev/null
while [ ! -e "$UWF_HOME/go" ]; do sleep 0.01; done
sleep 0.05
printf -- '---\\n$status: go\\n---\\nDone.\\n'
echo "$(date +%s%N) end" >>"$UWF_HOME/diary"
"""


def bench_agents(folder: Path, rounds: int) -> None:
    print("\nAgents against bare `subprocess`")
    firsts = [(_first_byte(folder), _bare_first_byte()) for _ in range(rounds)]
    tell("spawn to first byte, over bare", [mine - other for mine, other in firsts], 10)
    lasts = [(_gone(folder), _bare_gone()) for _ in range(rounds)]
    report("SIGTERM to a group of 6 all gone", *columns(lasts), 1.5)


def bench_queue(folder: Path, threads: int) -> None:
    print(f"\nThe queue: {threads} processes wait for one slot")
    gaps = _handovers(folder / "queue", threads)
    tell("end of an agent to the next begin", gaps, 100)


def _command(folder: Path, argv: list[str]) -> ProcessSpec:
    return ProcessSpec(tuple(argv), str(folder), {"PATH": os.defpath}, "bench", str(folder))


def _first_byte(folder: Path) -> float:
    came: list[float] = []
    stop = Stop()
    began = time.perf_counter()
    run(
        _command(folder, ECHO),
        stop=stop,
        on_start=lambda process: None,
        on_output=lambda chunk: came.append(time.perf_counter()),
    )
    stop.close()
    return came[0] - began


def _bare_first_byte() -> float:
    began = time.perf_counter()
    process = _bare(ECHO)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    process.stdout.read(1)
    took = time.perf_counter() - began
    process.wait()
    return took


def _gone(folder: Path) -> float:
    asked: list[float] = []
    stop = Stop()

    def end(_chunk: bytes) -> None:
        asked.append(time.perf_counter())
        stop.request(signal.SIGTERM)

    outcome = run(_command(folder, SIX), stop=stop, on_start=lambda process: None, on_output=end)
    took = time.perf_counter() - asked[0]
    stop.close()
    assert (outcome.escalation, outcome.survivors) == ("term", ()), outcome
    return took


def _bare_gone() -> float:
    """To the end of the last one; zombies count as gone."""
    process = _bare(SIX)
    assert process.stdout is not None
    process.stdout.read(1)
    others = platform.children(process.pid)
    assert len(others) == 5, others
    began = time.perf_counter()
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()
    while any((found := platform.look(pid)) and not found.is_zombie for pid in others):
        time.sleep(0.0005)
    return time.perf_counter() - began


def _bare(argv: list[str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        argv, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True
    )


def _handovers(home: Path, threads: int) -> list[float]:
    """Seconds from the end of each agent to the begin of the next, as the agents saw it."""
    home.mkdir()
    agent = home / "agent"
    agent.write_text(WAITING)
    agent.chmod(0o755)
    (home / "config.toml").write_text(f"[limits]\nmax_running = 1\nmax_queue = {threads}\n")
    store = open_store(str(home / "store.db"))
    begin = lifecycle.Begin(WORKFLOW, "Take your turn.", str(home), {})
    ids = [lifecycle.start(store, begin).id for _ in range(threads)]
    uwf = str(Path(sys.executable).parent / "uwf")
    environ = {**os.environ, "UWF_HOME": str(home)}
    words = ["--agent", str(agent), "--wait", "600"]
    processes = [
        subprocess.Popen(
            [uwf, "thread", "exec", id, *words],
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for id in ids
    ]
    while len(queue.entries(store)) < threads - 1:
        time.sleep(0.05)
    store.close()
    (home / "go").touch()
    assert [process.wait() for process in processes] == [0] * threads
    noted = sorted(text.split() for text in (home / "diary").read_text().splitlines())
    assert [what for _, what in noted] == ["begin", "end"] * threads, "two ran at once"
    times = [int(at) for at, _ in noted]
    return [(begin - end) / 1e9 for end, begin in zip(times[1::2], times[2::2], strict=False)]
