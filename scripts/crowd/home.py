"""A home for the crowd: its config, its agents, its threads, and what can be said of them afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from uwf.engine.actions import lifecycle
from uwf.engine.chain.tags import ATTEMPTS, THREADS
from uwf.engine.chain.thread import runner
from uwf.guard.capacity import queue
from uwf.store.sqlite import open_store
from uwf.store.values import Ref
from uwf.workflow.model import Edge, Role, Workflow

BEHAVIOURS = ("steady", "slow", "crash", "strays", "deaf", "flood", "hungry")
AGENT = Path(__file__).with_name("agent.py")
UWF = str(Path(sys.executable).parent / "uwf")
TOKEN_NAME = "UWF_STRESS"

SCHEMA = {"type": "object", "properties": {"$status": {"const": "done"}}, "required": ["$status"]}
ROLES = ("planner", "writer", "reviewer")
WORKFLOW = Workflow(
    name="stress",
    description="Three roles, one after another.",
    roles={
        name: Role(name, f"The {name}.", "Go on.", (), "Work.", "Words.", SCHEMA) for name in ROLES
    },
    graph={
        "$START": {"new": Edge("planner", "Plan it.", None)},
        "planner": {"done": Edge("writer", "Write it.", None)},
        "writer": {"done": Edge("reviewer", "Review it.", None)},
        "reviewer": {"done": Edge("$END", "", None)},
    },
)


class Home:
    """A home in `folder` with `count` threads; thread N is run by agent N modulo the number of behaviours."""

    def __init__(
        self, folder: Path, count: int, limit: int, max_queue: int | None, seed: int
    ) -> None:
        self.folder = folder
        self.token = f"crowd-{os.urandom(8).hex()}"
        self.path = folder / self.token
        self.diary = folder / "diary"
        self.mark = f"agent-{os.urandom(3).hex()}"
        self.work = folder / "work"
        self.path.mkdir(mode=0o700)
        self.work.mkdir()
        self.diary.touch()
        # A link to Python whose name no other program has: it is what the process table calls an agent.
        (folder / self.mark).symlink_to(sys.executable)
        (self.path / "config.toml").write_text(self._config(limit, max_queue, seed))
        self._store = open_store(str(self.path / "store.db"))
        self.threads = [self._start(number) for number in range(count)]

    @property
    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "UWF_HOME": str(self.path),
            TOKEN_NAME: self.token,
        }

    def uwf(self, *words: str) -> Any:
        """What `uwf WORDS --json` answers; the exit code if it is not JSON."""
        done = subprocess.run(
            [UWF, *words, "--json"],
            capture_output=True,
            cwd=self.work,
            env=self.environ,
            timeout=120,
        )
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {"exit": done.returncode, "said": done.stderr.decode(errors="replace")}

    def ref(self, thread: str) -> Ref:
        found = self._store.ref(THREADS + thread)
        assert found is not None, f"thread {thread} has vanished"
        return found

    def has_attempt(self, thread: str) -> bool:
        return self._store.ref(ATTEMPTS + thread) is not None

    def arrivals(self) -> dict[str, float]:
        """When those that wait now joined the queue, in monotonic seconds."""
        return {entry.thread: entry.since_s for entry in queue.entries(self._store)}

    def locked(self) -> list[str]:
        """The threads whose lock has a holder."""
        return [thread for thread in self.threads if runner(self._store, thread) is not None]

    def lives(self) -> list[tuple[str, int, int, int | None]]:
        """What the agents noted: thread, pid, and when each began and ended, in monotonic nanoseconds."""
        found: dict[tuple[str, str], tuple[str, int, int, int | None]] = {}
        for text in self.diary.read_text().splitlines():
            what, thread, pid, at = text.split()
            if what == "begin":
                found[thread, pid] = (thread, int(pid), int(at), None)
            else:
                found[thread, pid] = (*found[thread, pid][:3], int(at))
        return list(found.values())

    def close(self) -> None:
        self._store.close()

    def _start(self, number: int) -> str:
        begin = lifecycle.Begin(WORKFLOW, f"Task {number}.", str(self.work), {})
        return lifecycle.start(self._store, begin).id

    def _config(self, limit: int, max_queue: int | None, seed: int) -> str:
        text = ""
        for name in BEHAVIOURS:
            agent = [str(self.folder / self.mark), "-I", "-S", str(AGENT), sys.executable]
            command = json.dumps([*agent, name, str(self.diary), str(seed)])
            timeout = "1s" if name == "deaf" else "60s"
            text += f"[agents.{name}]\ncommand = {command}\ntimeout = {timeout!r}\n"
            text += "output_limit = '4MiB'\n"
        text += f"[limits]\nmax_running = {limit}\ngrace = '300ms'\n"
        return text if max_queue is None else f"{text}max_queue = {max_queue}\n"


def processes_with(token: str) -> dict[int, str]:
    """The living processes that carry `token` in their environment, but for this one: pid → command line."""
    setting = f"{TOKEN_NAME}={token}"
    if not os.path.exists("/proc/self/environ"):
        words = ["ps", "-axEww", "-o", "pid=,command="]
        listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        pairs = [text.strip().partition(" ") for text in listed.splitlines() if setting in text]
        return {int(pid): rest for pid, _, rest in pairs}
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            environ = Path(f"/proc/{name}/environ").read_bytes()
            line = Path(f"/proc/{name}/cmdline").read_bytes()
        except OSError:
            continue  # it ended, or is not ours
        if line and setting.encode() in environ.split(b"\0"):  # a corpse has no words
            found[int(name)] = line.replace(b"\0", b" ").decode(errors="replace")
    return found
