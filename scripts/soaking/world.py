"""One process of the world: the daemon's own loop, with runs that take no time of ours, and the load as it comes.

It goes on where the process before it was killed: the clock and how far the load was brought stand in files. What was
seen of it is written line by line into `seen`, so that a kill loses nothing but the last line.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from soaking import crew, load
from soaking.clock import WorldClock
from soaking.load import Happening
from uwf import points
from uwf.app import App
from uwf.app.upkeep.store_file import file_store
from uwf.daemon.loop.loop import Loop
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import Quarantine
from uwf.daemon.parts import parts
from uwf.daemon.runs.runs import RunEnded, RunsNow
from uwf.daemon.upkeep.housekeeping import Housekeeping
from uwf.engine.events.event import Event
from uwf.errors import PartBroken, StateError, StoreError, UwfError
from uwf.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO, Any

    from uwf.app.values import DueThread


MIN, H = 60_000, 3_600_000
BROKEN = 70
"""The exit code of a process whose part has failed too often: its supervisor starts it again."""


class Begun(Record):
    """A run that goes on, until `ends_ms` on the clock that does not jump."""

    thread: str
    begun_ms: int
    ends_ms: int


class InstantRuns:
    """Runs in this process: each takes minutes of the world, and its steps are made when those are over."""

    def __init__(self, app: App, clock: WorldClock, seen: Seen, dice: random.Random) -> None:
        self._app, self._clock, self._seen, self._dice = app, clock, seen, dice
        self._begun: list[Begun] = []
        self._ended_ms: dict[str, int] = {}
        self._cut_off: set[str] = set()
        """Threads whose last run an outage has ended: they are left alone for a while."""
        self.free_ms = clock.wall_ms
        """Since when the world could run something at once: the end of the last outage, or of the last full house."""

    def room(self, running: int, jobs: int) -> int:
        return jobs - running

    def start(self, due: Sequence[DueThread]) -> None:
        for each in due:
            self._begin(each.thread)

    def keep(self, due: Sequence[DueThread], now_ms: int) -> None:
        return

    def _begin(self, thread: str) -> None:
        now_ms = self._clock.mono_ms
        self._begun.append(Begun(thread, now_ms, now_ms + self._dice.randrange(5_000, 8 * MIN)))
        self._seen.add("run", thread=thread, running=len(self._begun), late=self._late_ms(thread))

    def _late_ms(self, thread: str) -> int | None:
        """How long after its time, and after there was a slot, a run begins; None where an outage held it up."""
        wake_ms = self._app.show(thread).wake_at
        if wake_ms is None or thread in self._cut_off:
            return None
        return self._clock.wall_ms - max(wake_ms, self.free_ms, self._ended_ms.get(thread, 0))

    def finished(self) -> Sequence[RunEnded]:
        now_ms = self._clock.mono_ms
        over = [run for run in self._begun if run.ends_ms <= now_ms]
        if over and len(self._begun) >= self._app.config.daemon.jobs:
            self.free_ms = self._clock.wall_ms
        self._begun = [run for run in self._begun if run.ends_ms > now_ms]
        return [self._made(run) for run in over]

    def now(self) -> RunsNow:
        return RunsNow(frozenset(run.thread for run in self._begun), frozenset())

    @property
    def next_ms(self) -> int | None:
        return min((run.ends_ms for run in self._begun), default=None)

    def _made(self, run: Begun) -> RunEnded:
        lasted_s = (self._clock.mono_ms - run.begun_ms) / 1000
        code, error = 0, None
        try:
            for line in self._app.wakes.run(run.thread):
                if line.status == "suspended":
                    code = 6 if line.error else 3
        except UwfError as failed:
            error = failed
            code = 75 if failed.retry_ms(self._clock.wall_ms) is not None else 5
        self._ended_ms[run.thread] = self._clock.wall_ms
        self._cut_off.discard(run.thread)
        if isinstance(error, StoreError):
            self._cut_off.add(run.thread)
        self._seen.add("ended", thread=run.thread, code=code, error=error and error.code)
        if error is None:
            return RunEnded(run.thread, code, lasted_s)
        retry_ms = error.retry_ms(self._clock.wall_ms)
        return RunEnded(run.thread, code, lasted_s, error.code, error.message, retry_ms)


class Seen:
    """What was seen, one JSON line each, with the time."""

    def __init__(self, path: Path, clock: WorldClock) -> None:
        self._file: IO[str] = path.open("a")
        self._clock = clock

    def add(self, what: str, **facts: Any) -> None:
        line = {"what": what, "mono": self._clock.mono_ms, "wall": self._clock.wall_ms, **facts}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


class Memory:
    """What this process keeps in memory of its own (not code, which is of files), seen once an hour of the world. Its
    load is there from the beginning; its agents, which are part of it, keep nothing.
    """

    def __init__(self, clock: WorldClock, seen: Seen) -> None:
        self._clock, self._seen = clock, seen
        self._next_ms = clock.mono_ms + H

    def look(self) -> None:
        if self._clock.mono_ms < self._next_ms:
            return
        self._next_ms += H
        status = Path("/proc/self/status")
        if status.exists() and (rss := re.search(r"^RssAnon:\s*(\d+)", status.read_text(), re.M)):
            self._seen.add("memory", kb=int(rss[1]))


class Bringing:
    """The load, brought in its order. What the store did not take is brought again a minute later, as a forge does."""

    def __init__(
        self,
        path: Path,
        happenings: Sequence[Happening],
        app: App,
        clock: WorldClock,
        begun_ms: int,
        seen: Seen,
        runs: InstantRuns,
    ) -> None:
        """How far it was brought stands in the file `path`."""
        self._path, self._happenings = path, happenings
        self._app, self._clock = app, clock
        self._begun_ms, self._seen, self._runs = begun_ms, seen, runs
        self._next = int(path.read_text()) if path.exists() else 0
        self._again_ms = 0

    @property
    def next_ms(self) -> int | None:
        """When the next comes, on the clock that does not jump."""
        if self._next == len(self._happenings):
            return None
        return max(self._begun_ms + self._happenings[self._next].at_ms, self._again_ms)

    def bring(self) -> None:
        """Bring all whose time has come."""
        begun_at, now_ms, batch = self._next, self._clock.mono_ms, list[Happening]()
        try:
            while self.next_ms is not None and self.next_ms <= now_ms:
                one = self._happenings[self._next]
                if one.name in load.OF_MACHINE:
                    self._machine(one)
                elif one.name == load.ANSWER:
                    self._answer()
                else:
                    batch.append(one)
                self._next += 1
            if batch:
                self._app.events.take([self._event(one) for one in batch])
        except StoreError:
            self._next, self._again_ms = begun_at, now_ms + MIN
        if self._next != begun_at:
            self._path.write_text(str(self._next))

    def _machine(self, one: Happening) -> None:
        self._seen.add("happens", name=one.name)
        # When it is over, what has failed meanwhile is tried again within half a minute.
        self._runs.free_ms = self._clock.wall_ms + one.by_ms + 30_000
        if one.name == load.JUMP:
            self._clock.jump_ms(one.by_ms)
        else:
            most = self._pages() + 8 if one.name == load.FULL else 1 << 30
            self._run(f"PRAGMA max_page_count={most}")

    def _answer(self) -> None:
        for item in self._app.inbox().waiting:
            with contextlib.suppress(StateError):
                self._app.answer(item.thread, "Blue.")

    def _event(self, one: Happening) -> Event:
        return Event(
            id=one.id,
            source="forge",
            name=one.name,
            at_ms=self._clock.wall_ms,
            who="a reviewer",
            trust="collaborator",
            data={"pr": one.pr, "text": one.id},
            labels={"pr": str(one.pr)},
        )

    def _pages(self) -> int:
        return int(self._run("PRAGMA page_count"))

    def _run(self, sql: str) -> Any:
        store = file_store(self._app, ())
        return store._database.connection.execute(sql).fetchone()[0]


class Sleeper:
    """The sleep of the world's loop: its time passes, and what comes meanwhile is brought."""

    def __init__(
        self,
        clock: WorldClock,
        bringing: Sequence[Bringing],
        runs: InstantRuns,
        woken: threading.Event,
    ) -> None:
        self._clock, self._bringing, self._runs, self._woken = clock, bringing, runs, woken

    def until(self, seconds: float) -> None:
        # Errands take time of ours and none of the world's: it stands still, and what they bring is looked at once.
        for errand in threading.enumerate():
            if errand is not threading.current_thread():
                errand.join()
        if self._woken.is_set():
            self._woken.clear()
            return
        now_ms = self._clock.mono_ms
        wanted = [now_ms + max(1, round(seconds * 1000))]
        others = (self._runs.next_ms, *(each.next_ms for each in self._bringing))
        wanted += [at_ms for at_ms in others if at_ms is not None]
        self._clock.pass_ms(max(0, min(wanted) - now_ms))
        for each in self._bringing:
            each.bring()


def main(folder: Path, home: str, seed: int, hours: float, until_ms: int, crash_at: str) -> int:
    """Play the world until `until_ms` on the clock that does not jump, or until it is killed."""
    clock = WorldClock(folder / "clock")
    clock.rule()
    crew.join()
    facts = json.loads((folder / "world.json").read_text())
    seen = Seen(folder / "seen", clock)
    app = App.open(home)
    app.stay()
    dice = random.Random(f"{seed} {clock.mono_ms}")
    runs = InstantRuns(app, clock, seen, dice)
    plan = load.make(seed, hours, facts["threads"], facts["per_hour"], facts["burst"])
    outages = () if facts["calm"] else (load.FULL, load.ROOM)
    machine = [one for one in plan.machine if one.name in (*outages, load.JUMP)]
    bringing = [
        Bringing(folder / name, happenings, app, clock, facts["begun_ms"], seen, runs)
        for name, happenings in (("machine", machine), ("brought", plan.happenings))
    ]
    said = (folder / "said").open("a")

    def say(text: str, facts: object = None) -> None:
        said.write(f"{clock.wall_ms} {text}\n")
        said.flush()

    woken = threading.Event()
    daemon = Daemon(app, runs, Quarantine(lambda one: say(f"aside: {one}")), woken.set, say)
    sleeper = Sleeper(clock, bringing, runs, woken)
    # Backups and collections are made by real processes, whose time is ours.
    mine = [part for part in parts(daemon) if not isinstance(part, Housekeeping)]
    loop = Loop(mine, sleeper, say)

    memory = Memory(clock, seen)

    def goes_on() -> float | None:
        memory.look()
        left_ms = until_ms - clock.mono_ms
        return left_ms / 1000 if left_ms > 0 else None

    points.arm(crash_at)
    try:
        loop.run(goes_on)
    except PartBroken as error:
        say(error.message)
        return BROKEN
    finally:
        loop.close()
        app.close()
    return 0


if __name__ == "__main__":
    folder, home, seed, hours, until_ms, crash_at = sys.argv[1:]
    sys.exit(main(Path(folder), home, int(seed), float(hours), int(until_ms), crash_at))
