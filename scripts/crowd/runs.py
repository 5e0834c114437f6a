"""The crowd: a uwf process for every thread, all started at once, some of them killed and begun again."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from crowd.home import BEHAVIOURS, UWF, Home
from uwf.store.values import Ref

SIGKILLED = -9
STARTING, WAITING, RUNNING = "starting", "waiting", "with a running agent"
MOMENTS = (STARTING, WAITING, RUNNING)
_TURN_S = 0.02
_LOOK_S = 0.2


class End(NamedTuple):
    """A uwf process that is over, and its thread's ref before it began. `heads` are those it has printed."""

    thread: str
    before: Ref
    code: int
    heads: list[str]
    error: dict[str, str]


class _Run:
    """One uwf process."""

    def __init__(self, home: Home, number: int, wait_s: float, out: Path) -> None:
        self.thread = home.threads[number]
        self.before = home.ref(self.thread)
        self.out, self.err = out, out.with_suffix(".err")
        agent = BEHAVIOURS[number % len(BEHAVIOURS)]
        words = ["thread", "exec", self.thread, "--until-done", "--agent", agent, "--json"]
        with self.out.open("wb") as stdout, self.err.open("wb") as stderr:
            self.began_ns = time.monotonic_ns()
            self.process = subprocess.Popen(
                [UWF, *words, "--wait", f"{wait_s:g}", "--home", str(home.path)],
                cwd=home.work,
                env=home.environ,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )

    def end(self) -> End:
        text = self.out.read_text()
        whole = text[: text.rfind("\n") + 1].splitlines()
        heads = [line["head"] for line in map(json.loads, whole) if line["step"] is not None]
        said = [json.loads(line) for line in self.err.read_text().splitlines() if line[:1] == "{"]
        error = said[-1].get("error", {}) if said else {}
        return End(self.thread, self.before, self.process.returncode, heads, error)


class Crowd:
    """Runs every thread of `home` to the end of its command. A tenth of the commands are killed on the way."""

    def __init__(self, home: Home, wait_s: float, seed: int) -> None:
        self._home, self._wait_s = home, wait_s
        self._chance = random.Random(seed)
        self._out = home.folder / "out"
        self._out.mkdir()
        count = len(home.threads)
        victims = self._chance.sample(range(count), max(1, count // 10))
        self._doomed = {number: MOMENTS[at % len(MOMENTS)] for at, number in enumerate(victims)}
        self._kill_at: dict[int, float] = {}
        self._again_at: dict[int, float] = {}
        self._running: dict[int, _Run] = {}
        self._known_agents = 0
        self.kills = dict.fromkeys(MOMENTS, 0)
        self.ends: list[End] = []
        self.began_ns: dict[str, int] = {}
        self.arrived_s: dict[str, float] = {}
        self.hanging: list[str] = []

    def run(self, most_s: float) -> None:
        """Until every command has ended, for `most_s` seconds at most; those that have not are `hanging`."""
        for number in range(len(self._home.threads)):
            self._begin(number)
        deadline_s, look_s = time.monotonic() + most_s, 0.0
        while self._running or self._again_at:
            now_s = time.monotonic()
            if now_s >= deadline_s:
                self.hanging = [run.thread for run in self._running.values()]
                return
            if now_s >= look_s:
                look_s = now_s + _LOOK_S
                self._look()
            self._kill_and_begin_again(now_s)
            self._collect()
            time.sleep(_TURN_S)

    def _begin(self, number: int) -> None:
        out = self._out / f"{number}.{len(self.ends)}"
        run = self._running[number] = _Run(self._home, number, self._wait_s, out)
        self.began_ns.setdefault(run.thread, run.began_ns)
        if self._doomed.get(number) == STARTING:
            self._kill_at[number] = time.monotonic() + 0.5 * self._chance.random()

    def _look(self) -> None:
        """See which threads wait and which have a running agent, and when the doomed ones are to be killed."""
        arrivals = self._home.arrivals()
        self.arrived_s = {**arrivals, **self.arrived_s}
        lives = self._home.lives()
        newly = {thread for thread, *_ in lives[self._known_agents :]}
        self._known_agents = len(lives)
        for number, moment in self._doomed.items():
            seen = {WAITING: arrivals, RUNNING: newly}.get(moment, ())
            run = self._running.get(number)
            if run is not None and run.thread in seen and number not in self._kill_at:
                self._kill_at[number] = time.monotonic() + 0.2 * self._chance.random()

    def _kill_and_begin_again(self, now_s: float) -> None:
        for number in [number for number, at_s in self._kill_at.items() if now_s >= at_s]:
            del self._kill_at[number]
            if number in self._running:
                self._running[number].process.kill()
        for number in [number for number, at_s in self._again_at.items() if now_s >= at_s]:
            del self._again_at[number]
            self._begin(number)

    def _collect(self) -> None:
        for number, run in list(self._running.items()):
            if run.process.poll() is None:
                continue
            del self._running[number]
            self.ends.append(run.end())
            moment = self._doomed.pop(number, None)
            if run.process.returncode == SIGKILLED:
                self.kills[moment or STARTING] += 1
                self._again_at[number] = time.monotonic() + self._chance.random()
            elif moment is not None:
                self._doom_another(moment)

    def _doom_another(self, moment: str) -> None:
        """One that was to be killed was faster: take another that still runs, if there is one."""
        left = [number for number in self._running if number not in self._doomed]
        if left:
            self._doomed[self._chance.choice(left)] = moment

    def last_ends(self) -> Iterator[End]:
        """The last command of every thread."""
        return iter({end.thread: end for end in self.ends}.values())
