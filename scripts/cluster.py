"""See `scripts/cluster`: three machines that share a store, one of which is killed."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.helpers import postgres

UWF = str(Path(sys.executable).parent / "uwf")
NAMES = ("ant", "bee", "cat")
LEASE_S = 10
WITHIN_S = 120.0

WORKFLOW = """\
version: 1
name: relay
description: One writes, another checks.
roles:
  writer:
    description: Writes.
    frontmatter: &done
      type: object
      properties: {$status: {const: done}}
      required: [$status]
  checker:
    description: Checks.
    frontmatter: *done
graph:
  $START: {new: {role: writer, prompt: Write it.}}
  writer: {done: {role: checker, prompt: Check it.}}
  checker: {done: {role: $END}}
"""
AGENT = """\
#!/bin/sh
cat >/dev/null
echo "$$ $UWF_THREAD $UWF_ROLE" >>"$UWF_HOME/../begun"
sleep 2
printf -- '---\\n$status: done\\n---\\n%s was done on %s.\\n' "$UWF_ROLE" "$UWF_HOST"
"""
BEGUN_S = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - BEGUN_S:5.1f} s  {text}", flush=True)


class Machine:
    """A home with a worker, called `name`."""

    def __init__(self, folder: Path, name: str, store: str) -> None:
        self.name, self.folder = name, folder / name
        (self.folder / "home").mkdir(parents=True)
        self._environ = {
            **{key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ},
            "HOME": str(self.folder),
            "UWF_HOME": str(self.folder / "home"),
            "UWF_HOST": name,
            "UWF_STORE": store,
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        agent = self.folder / "agent"
        agent.write_text(AGENT)
        agent.chmod(0o755)
        (self.folder / "home" / "config.toml").write_text(
            f'default_agent = "hand"\nlease = "{LEASE_S}s"\n[agents.hand]\ncommand = "{agent}"\n'
        )

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [UWF, *words], env=self._environ, cwd=self.folder, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"uwf {' '.join(words)} on {self.name}: {done.stderr.strip()}")
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))

    def begin(self, *words: str) -> None:
        with open(self.folder / f"{words[0]}.log", "wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [UWF, *words], env=self._environ, cwd=self.folder, stdout=log, stderr=log
                )
            )

    def own_processes(self) -> list[int]:
        """All that run on it: its worker, its runs, their agents."""
        home = f"UWF_HOME={self.folder / 'home'}".encode()
        return [pid for pid in _pids() if home in _environ(pid)]

    def kill(self) -> int:
        """As if its power were gone: nothing of it has a chance to say a word. How many processes those were."""
        killed = 0
        while pids := self.own_processes():
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    continue
            for process in self.processes:
                process.wait()
        return killed

    def end(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait()


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _environ(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def until(what: Callable[[], Any], why: str) -> Any:
    deadline = time.monotonic() + WITHIN_S
    while not (found := what()):
        if time.monotonic() > deadline:
            raise SystemExit(f"error: it has not come to that in {WITHIN_S:g} s: {why}")
        time.sleep(0.2)
    return found


def relay(machines: dict[str, Machine], count: int) -> None:
    ant, bee, _ = machines.values()
    say("two daemons, of which one leads, and a worker on each machine")
    for name in ("ant", "cat"):
        machines[name].begin("daemon", "run")
    for machine in machines.values():
        machine.begin("worker", "run", "--slots", "2")
    until(lambda: len(ant.json("worker", "list")) == 3, "three workers")
    print(ant("worker", "list"), end="")

    (ant.folder / "relay.yaml").write_text(WORKFLOW)
    threads = [
        ant.json("thread", "start", "relay.yaml", "-p", f"Leg {number}", "--wake", "--cwd", "/tmp")
        for number in range(count)
    ]
    ids = [each["thread"] for each in threads]
    say(f"{count} threads of two steps are due, said on ant alone")

    def on_bee() -> list[Any]:
        return [
            one for one in ant.json("worker", "list") if one["host"] == "bee" and one["running"]
        ]

    (busy,) = until(on_bee, "a run on bee")
    until(lambda: (bee.folder / "begun").exists(), "an agent on bee")
    killed = bee.kill()
    killed_s = time.monotonic()
    say(
        f"bee is killed in the middle: {killed} processes, {len(busy['running'])} threads ran there"
    )

    def left() -> list[str]:
        rows = ant.json("thread", "list", "--all")
        return [one["thread"] for one in rows if one["status"] != "completed"]

    until(lambda: not left(), "all threads are completed")
    say(
        f"all {count} threads are completed, {time.monotonic() - killed_s:.1f} s after that; "
        f"a lease lasts {LEASE_S} s"
    )
    _report(ant, ids)


def _report(ant: Machine, ids: list[str]) -> None:
    """Which machine has made which step. SystemExit where a chain is not what it has to be."""
    made = Counter[str]()
    for id in ids:
        steps = ant.json("step", "list", id)
        roles = [step["role"] for step in steps]
        if roles != ["writer", "checker"]:
            raise SystemExit(f"error: thread {id} has the steps {roles}")
        for step in steps:
            made[ant.json("step", "show", step["step"])["body"].split()[-1].rstrip(".")] += 1
    for name in NAMES:
        print(f"         {name}: {made[name]} steps")
    ant("store", "verify")
    say(f"each thread has its two steps, once; the store is whole; steps: {sum(made.values())}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--threads", type=int, default=8)
    asked.add_argument("--keep", action="store_true", help="leave the homes where they are")
    options = asked.parse_args()
    if why := postgres.missing():
        print(f"SKIPPED: {why}", file=sys.stderr)
        raise SystemExit(77)
    folder = Path(tempfile.mkdtemp(prefix="uwf-cluster-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user
    machines: dict[str, Machine] = {}
    cluster = postgres.open_cluster(str(folder / "pg"), is_safe=True)
    try:
        say(f"PostgreSQL runs in {folder / 'pg'}, on a Unix socket alone")
        cluster.run("CREATE DATABASE team")
        store = cluster.url("team")
        for name in NAMES:
            machines[name] = Machine(folder, name, store)
        print(machines["ant"]("store", "migrate"), end="")
        relay(machines, options.threads)
    finally:
        for machine in machines.values():
            machine.end()
        for machine in machines.values():
            machine.kill()
        cluster.close()
        if options.keep:
            say(f"kept: {folder}")
        else:
            until(lambda: not (folder / "pg").exists(), "PostgreSQL has ended")
            shutil.rmtree(folder, ignore_errors=True)
            say("all has ended, and nothing is left")


if __name__ == "__main__":
    main()
