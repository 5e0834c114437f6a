"""A night with nobody watching: forty threads, agents whose services are down for a while, and what is left of it all.

Everything is real but the length of the night: processes, connections, the store. A minute of it takes a second, and
all waiting times that uwf has settings for are as much shorter, so that it waits as often as on a real night.

Half of the threads are run by one command that sits the night out (`exec --until-done --wait 8h`), the others by
somebody who begins again whenever `retryAtMs` says so. In the morning every thread has completed, or waits for a person
with the words of its agent, and none for anything that time alone cures.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from crowd.home import TOKEN_NAME, UWF, WORKFLOW, processes_with
from weather import services
from weather.services import Services

from uwf.engine.actions import lifecycle
from uwf.store.sqlite import open_store

CLIENT = Path(services.__file__).with_name("client.py")
NIGHT_MIN = 8 * 60
NOT_NOW = 75


class Night:
    """One night in a home of its own."""

    def __init__(self, folder: Path, threads: int, limit: int, speed: float) -> None:
        self.folder, self.speed = folder, speed
        self.token = f"night-{os.urandom(8).hex()}"
        self.home, self.work = folder / self.token, folder / "work"
        self.home.mkdir(mode=0o700)
        self.work.mkdir()
        self.minute_s = 60 / speed
        self.services = Services(self.minute_s)
        (self.home / "config.toml").write_text(self._config(limit, threads))
        store = open_store(str(self.home / "store.db"))
        begin = lifecycle.Begin(WORKFLOW, "The task.", str(self.work), {})
        self.threads = [lifecycle.start(store, begin).id for _ in range(threads)]
        store.close()
        self.agents = {
            id: services.NAMES[at % len(services.NAMES)] for at, id in enumerate(self.threads)
        }
        self.commands = 0
        self.faults: list[str] = []

    def _config(self, limit: int, threads: int) -> str:
        python, command = sys.executable, str(CLIENT)
        text = ""
        for name, port in self.services.ports.items():
            words = json.dumps([python, "-I", "-S", command, str(port)])
            text += f"[agents.{name}]\ncommand = {words}\n"
        text += f"[limits]\nmax_running = {limit}\nmax_queue = {threads}\n"
        times = {
            "retry": {"base": 1, "max": 60, "wake_base": 30, "wake_max": 1800, "margin": 15, "give_up": 86_400},
            "breaker": {"cooldown": 1800},
            "stats": {"window": 3600, "probe_every": 300},
        }  # fmt: skip
        for table, keys in times.items():
            text += f"[{table}]\n"
            text += "".join(f"{key} = '{self._shorter(s)}'\n" for key, s in keys.items())
        return text

    def _shorter(self, seconds: float) -> str:
        return f"{max(1, round(seconds * 1000 / self.speed))}ms"

    def run(self) -> None:
        """Until every command has ended, or the night is over."""
        self._wait_s = NIGHT_MIN * self.minute_s
        deadline_s = time.monotonic() + self._wait_s
        running = {id: self._begin(id) for id in self.threads}
        again_at: dict[str, float] = {}
        while running or again_at:
            if time.monotonic() > deadline_s:
                self.faults += [f"{id} still runs in the morning" for id in (*running, *again_at)]
                return
            for id in [id for id, at_s in again_at.items() if time.time() >= at_s]:
                del again_at[id]
                running[id] = self._begin(id)
            for id, process in list(running.items()):
                if process.poll() is None:
                    continue
                del running[id]
                at_s = self._next_try_s(id, process.returncode)
                if at_s is not None:
                    again_at[id] = at_s
            time.sleep(0.02)

    def _sits_it_out(self, id: str) -> bool:
        return self.threads.index(id) % 2 == 0

    def _begin(self, id: str) -> subprocess.Popen[bytes]:
        self.commands += 1
        words = [UWF, "thread", "exec", id, "--until-done", "--agent", self.agents[id], "--json"]
        if self._sits_it_out(id):
            words += ["--wait", f"{self._wait_s:g}"]
        with self._said(id).open("wb") as stderr:
            return subprocess.Popen(
                words, cwd=self.work, env=self._environ, stdout=subprocess.DEVNULL, stderr=stderr
            )

    def _said(self, id: str) -> Path:
        return self.folder / f"{id}.err"

    @property
    def _environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "UWF_HOME": str(self.home),
            TOKEN_NAME: self.token,
        }

    def _next_try_s(self, id: str, code: int) -> float | None:
        """When a command that ended with `code` is begun again; None: it has come to an end."""
        if code != NOT_NOW:
            return None
        lines = [text for text in self._said(id).read_text().splitlines() if text[:1] == "{"]
        error = json.loads(lines[-1])["error"] if lines else {}
        if self._sits_it_out(id):
            self.faults.append(f"{id} did not sit it out: {error.get('message')}")
        if error.get("retryAtMs") is None:
            self.faults.append(f"{id} is refused and not told until when: {error.get('message')}")
            return None
        return float(error["retryAtMs"]) / 1000

    def close(self) -> None:
        for pid in processes_with(self.token):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.services.close()

    def uwf(self, *words: str) -> Any:
        done = subprocess.run(
            [UWF, *words, "--json"], env=self._environ, cwd=self.work, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)


def morning(night: Night) -> list[str]:
    """The table of the morning, a line for each agent; what is wrong goes to the faults of `night`."""
    rows = {row["thread"]: row for row in night.uwf("thread", "list", "--all", "--limit", "0")}
    lines = [f"{'agent':12}{'completed':>10}{'asks a person':>15}{'other':>7}{'failed tries':>14}"]
    for name in services.NAMES:
        mine = [id for id, agent in night.agents.items() if agent == name]
        completed = [id for id in mine if rows[id]["status"] == "completed"]
        asking = [id for id in mine if rows[id]["status"] == "suspended"]
        steps = [step for id in completed for step in night.uwf("step", "list", id)]
        tries = sum(len(step["attempts"]) for step in steps)
        other = len(mine) - len(completed) - len(asking)
        lines.append(f"{name:12}{len(completed):>10}{len(asking):>15}{other:>7}{tries:>14}")
        if name == "expired":
            night.faults += [f"{id} completed without a login" for id in completed]
            for id in asking:
                if services.EXPIRED_WORDS not in rows[id]["suspendMessage"]:
                    night.faults.append(f"{id} asks: {rows[id]['suspendMessage']}")
        else:
            night.faults += [f"{id} asks: {rows[id]['suspendMessage']}" for id in asking]
            if not tries:
                night.faults.append(f"no thread of {name} has met the weather")
        night.faults += [
            f"{id} is {rows[id]['status']}, and wakes for: {rows[id]['wakeWhy']}"
            for id in mine
            if id not in completed + asking or rows[id]["wakeAt"] is not None
        ]
        night.faults += [
            f"{id} has {rows[id]['steps']} steps" for id in completed if rows[id]["steps"] != 3
        ]
    left = processes_with(night.token)
    night.faults += [f"process {pid} is left: {line}" for pid, line in left.items()]
    for name, counts in night.services.answers.items():
        said = ", ".join(f"{counts[status]} times {status}" for status in sorted(counts))
        lines.append(f"{name} answered {said}")
    lines.append(f"{night.commands} commands, until minute {night.services.minute():.0f}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/night", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--threads", type=int, default=40, help="how many [default: 40]")
    parser.add_argument("--limit", type=int, default=5, help="limits.max_running [default: 5]")
    parser.add_argument(
        "--speed", type=float, default=60, help="how much shorter the night is [default: 60]"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and not without cleaning up
    print(f"{options.threads} threads, {options.limit} slots, {options.speed:g} times as fast")
    with tempfile.TemporaryDirectory(prefix="uwf-night-") as name:
        night = Night(Path(name), options.threads, options.limit, options.speed)
        try:
            night.run()
            print(*morning(night), sep="\n", flush=True)
        finally:
            night.close()
    print(f"\n{len(night.faults)} violations", *night.faults[:20], sep="\n  ")
    return 1 if night.faults else 0


if __name__ == "__main__":
    sys.exit(main())
