"""What agents say while they work: how fast it is stored, what 200 MB of it need, and what a step of a client costs."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from blake3 import blake3
from clients import crew, install, model
from clients.world import Fault, World
from msgpack import packb  # type: ignore[import-untyped]  # it ships none

from benchmarks.measure import seconds, tell
from benchmarks.stepping import BODY, Steady, Uwf, bare_database
from uwf.agent.protocol import AgentRequest, AgentResult, Text
from uwf.agent.stop import Stop
from uwf.record import replace

LEAST_A_SECOND, MOST_MB, MOST_MS = 5000, 60, 100
WORDS = "A line of what it has to say about it, as long as such lines are.\n"

TALKER = """\
import json, sys
given = sys.stdin.readline()
print(json.dumps({"type": "system", "subtype": "init", "model": "m"}))
each = "%08d " + "words " * 2000
for at in range(int(sys.argv[1]) * 1_000_000 // 12_000):
    text = {"type": "text", "text": each % at}
    print(json.dumps({"type": "assistant", "message": {"id": str(at), "content": [text]}}))
used = {"m": {"inputTokens": 1, "outputTokens": 1}}
end = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1}
reply = "---\\n$status: done\\n---\\nDone."
print(json.dumps({**end, "result": reply, "total_cost_usd": 0.1, "modelUsage": used}), flush=True)
"""
"""Says so many MB in the words of Claude Code."""


class Talker(Steady):
    """An agent within this process that says `count` lines before it replies."""

    streams = True

    def __init__(self, count: int) -> None:
        self._count = count

    def run(
        self, request: AgentRequest, *, stop: Stop, on_start: Any, on_event: Any
    ) -> AgentResult:
        on_start(None)
        for at in range(self._count):
            on_event(Text(f"{at} {WORDS}"))
        self.count += 1
        text = (
            f"---\n$status: go\n---\n{self.count} {BODY}"  # the same again and again would end it
        )
        return AgentResult(text, tail=text)


def bench_turns(folder: Path, count: int, rounds: int) -> None:
    print(f"\n{count} turns stored as they come, against bare inserts, each in a transaction")
    folder.mkdir()
    uwf = Uwf(folder)
    talker = Talker(count)
    uwf.engine = replace(uwf.engine, agent_for=lambda workflow, role, override: talker)
    uwf.steps(1)
    bare = bare_database(folder / "bare.db")
    bare.execute("CREATE TABLE head (name TEXT PRIMARY KEY, id BLOB)")
    bare.execute("PRAGMA synchronous = NORMAL")

    def insert() -> None:
        before = b""
        for at in range(count):
            data = packb(["turn", {"prev": before, "text": f"{at} {WORDS}", "at": time.time_ns()}])
            before = blake3(data).digest()
            bare.execute("BEGIN IMMEDIATE")
            bare.execute("INSERT OR IGNORE INTO object VALUES (?, ?)", (before, data))
            bare.execute("INSERT OR REPLACE INTO head VALUES ('turn', ?)", (before,))
            bare.execute("COMMIT")

    ours, reference = [], []
    for _ in range(rounds):
        ours.append(count / seconds(lambda: uwf.steps(1)))
        reference.append(count / seconds(insert))
    rate = statistics.median(ours)
    ratio = statistics.median(bare / mine for mine, bare in zip(ours, reference, strict=True))
    print(
        f"{'turns a second':34} {rate:8.0f}  bare inserts are {ratio:.1f}x as fast"
        f"  target ≥ {LEAST_A_SECOND}{'' if rate >= LEAST_A_SECOND else '  MISSED'}",
        flush=True,
    )
    uwf.store.close()


def bench_stream(folder: Path, megabytes: int) -> None:
    print(f"\nAn agent says {megabytes} MB")
    folder.mkdir()
    (folder / "talker.py").write_text(TALKER)
    command = f"{sys.executable} -S {folder / 'talker.py'} {megabytes}"
    client = crew.Client("talker", "", "claude", f'command = "{command}"\n', "", frozenset(), _none)
    world = World(folder / "world", client, folder, model.Model())
    thread = world.begin()
    began = time.perf_counter()
    process = world.command("thread", "exec", thread)
    most_kb = 0
    while process.poll() is None:
        most_kb = max(most_kb, _most_kb(process.pid))
        time.sleep(0.02)
    if process.returncode != 0:
        raise Fault(process.communicate()[1])
    most_mb = most_kb / 1000
    print(
        f"{'memory of uwf':34} {most_mb:5.1f} MB in {time.perf_counter() - began:.1f} s"
        f"  target ≤ {MOST_MB} MB{'' if most_mb <= MOST_MB else '  MISSED'}",
        flush=True,
    )


def bench_client(folder: Path, rounds: int) -> None:
    """The real Claude Code, where it can be installed."""
    print("\nA step of Claude Code, against the same client run by hand")
    client = crew.CREW[0]
    try:
        bin = install.program(client.program)
    except install.NotInstalled as error:
        print(f"not measured: {error}")
        return
    with model.serving() as served:
        world = World(folder, client, bin, served)
        threads = [world.begin() for _ in range(rounds + 1)]
        words = ["-p", "--input-format", "text", "--output-format", "stream-json", "--verbose"]
        words += ["--permission-mode", "bypassPermissions", "--session-id"]
        program = shutil.which("claude", path=world.environ["PATH"])
        assert program is not None, "it was installed"

        def by_hand() -> None:
            subprocess.run(
                [program, *words, str(uuid.uuid4())],
                cwd=world.project,
                env=world.environ,
                input=b"Write it.",
                stdout=subprocess.DEVNULL,
                check=True,
            )

        by_hand()
        world.uwf("thread", "exec", threads.pop())
        over = []
        for thread in threads:
            bare_s = seconds(by_hand)
            over.append(seconds(lambda: world.uwf("thread", "exec", thread)) - bare_s)  # noqa: B023  # called at once
        tell("over the client by hand", over, MOST_MS, f"by hand {bare_s:.2f} s  ")
        world.end()


def _none(_home: Path, _url: str) -> dict[str, str]:
    return {}


def _most_kb(pid: int) -> int:
    """The most memory that it has had until now; 0 where that cannot be seen."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0].split()[1]) if found else 0
