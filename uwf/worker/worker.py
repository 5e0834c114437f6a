"""A worker from its beginning to its end: take jobs, run each as a child process, say that it is there; drain.

The loop never waits for a run: each is a process of its own, which holds the lease of its thread by itself and survives
the worker. So where PostgreSQL does not answer, the runs go on, and the worker comes back when it does. Told to end
(SIGTERM), it takes no job any more and waits for the step of each run, with which that ends; told again, it ends them
in the middle of it. What is left of their threads is due, for another worker.
"""

from __future__ import annotations

import os
import random
from signal import SIGTERM

from uwf import clock, points
from uwf.app.programs import Stop
from uwf.daemon.loop.wakeups import DRAIN
from uwf.daemon.runs.children import AFTER_STEP
from uwf.daemon.runs.patience import Patience, is_of_the_home
from uwf.daemon.upkeep.command import BackgroundCommand
from uwf.errors import NotFound, QueueAway, StateError, StoreError
from uwf.jobs.link import NO_QUEUE
from uwf.jobs.queue import ASKED, JobQueue, inserted
from uwf.jobs.workers import DRAIN as ASKED_TO_DRAIN
from uwf.jobs.workers import STOP_NOW, Workers
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from uwf.daemon.loop.wakeups import Wakeups
    from uwf.daemon.news import News
    from uwf.daemon.runs.children import ChildRuns
    from uwf.daemon.runs.runs import RunEnded
    from uwf.errors import StoreTooNew
    from uwf.jobs.link import QueueLink
    from uwf.jobs.queue import Job
    from uwf.jobs.workers import WorkerFacts

    Tell = Callable[[str, Mapping[str, Any]], None]

BEAT_S = 5.0
LOOK_S = 30.0
"""How long it sleeps at most while it can take nothing."""
NAMESAKE_LOOK_S = 1.0
READY_S = 0.8
"""So long after a run was begun the process of the next one is made ready."""
ENDING_S = 5.0
LEFT, SKEW = "attempt", "skew"
"""The checks for what a killed run has left, agents that nobody waits for; and for a clock that is off."""
NEW_QUEUE_S = 1.0
"""How often it looks whether a database that lost its queue has one again."""
NOTE_S = 3600.0
"""How often it is noted for all machines that this one's clock is off."""


def channels(queues: Sequence[str]) -> list[str]:
    """What a worker of these queues listens to."""
    return [ASKED, *map(inserted, queues)]


class Worker:
    """One worker. `facts` are what it says of itself, `poll_s` how often it looks where nothing is said, `unfit` what
    its home lacks: meanwhile it takes nothing, so that others do.
    """

    def __init__(
        self,
        link: QueueLink,
        facts: WorkerFacts,
        queues: Sequence[str],
        runs: ChildRuns,
        wakeups: Wakeups,
        tell: Tell,
        poll_s: float,
        skew: News,
        unfit: News,
    ) -> None:
        self._link, self._facts, self._queues = link, facts, list(queues)
        self._runs, self._wakeups, self._tell, self._poll_s = runs, wakeups, tell, poll_s
        self._queue, self._table, self._patience = JobQueue(link), Workers(link), Patience()
        self._stop = Stop()
        self._stop.fileno()  # made here, before threads share it
        self._repair = BackgroundCommand(facts.home, wakeups.wake, self._stop)
        self._number: int | None = None
        self._jobs: dict[str, Job] = {}
        self._owed: list[tuple[Job, RunEnded]] = []
        """Runs that have ended, of which the queue was not told yet."""
        self._told_running: frozenset[str] | None = None
        self._beats_s = self._ready_s = self._notes_s = 0.0
        self._is_draining, self._stops, self._is_away = False, 0, False
        self._too_new: StoreTooNew | None = None
        self._why_away = ""
        self._skew, self._unfit = skew, unfit
        self._checks = {LEFT, SKEW}
        """Those to be made as soon as no other is."""

    def run(self, alive: Callable[[], None]) -> None:
        """Go round until told to end and nothing runs any more. `alive` is called each time.

        StoreTooNew at the end of one that has drained since a newer uwf has migrated the store.
        """
        try:
            while True:
                self._heed_signals()
                self._reap()
                self._settle()
                try:
                    wait_s = self._with_the_queue()
                except StoreError as error:
                    wait_s = self._note_away(error)
                if self._is_draining and not self._jobs and (not self._owed or self._is_away):
                    break
                self._make_ready()
                alive()
                self._wakeups.until(0.0 if self._link.has_heard else wait_s)
        finally:
            self._leave()
        if self._too_new is not None:
            raise self._too_new

    def _with_the_queue(self) -> float:
        """All that needs the queue; how long to sleep then."""
        asked = any(notice.channel == ASKED for notice in self._link.heard())
        self._pay()
        self._heed_home()
        if asked or clock.monotonic_s() >= self._beats_s or self._is_told_otherwise():
            self._beat()
        if self._is_away:
            self._is_away = False
            self._say("the queue can be asked again", what="queue_back")
        beats_s = max(0.0, self._beats_s - clock.monotonic_s())
        if not self._take():
            return min(beats_s, self._patience.closed_s() or LOOK_S)
        return min(beats_s, self._poll_s * random.uniform(0.8, 1.2))

    def _take(self) -> bool:
        """Take jobs while there is room. Whether there still is some."""
        while self._may_take():
            assert self._number is not None, "it has said that it is there"
            try:
                job = self._queue.take(self._queues, self._number)
            except NotFound:
                self._beat()  # with which it begins anew
                continue
            if job is None:
                return True
            points.at("job: taken")
            self._begin(job)
        return False

    def _may_take(self) -> bool:
        is_open = not (self._is_draining or self._unfit.words or self._patience.closed_s())
        return is_open and len(self._jobs) < self._facts.slots

    def _make_ready(self) -> None:
        """Have the next run begin before there is one, once those that were begun just now have had the processor."""
        if self._may_take() and not self._is_away and clock.monotonic_s() >= self._ready_s:
            self._runs.make_ready()

    def _begin(self, job: Job) -> None:
        self._ready_s = clock.monotonic_s() + READY_S
        self._jobs[job.thread] = job
        try:
            self._runs.begin(job.thread)
        except OSError as error:
            del self._jobs[job.thread]
            self._say(f"{job.thread} cannot be run: {error}", what="not_begun", thread=job.thread)
            self._queue.done(job.id)
            return
        points.at("job: begun")
        self._say(f"{job.thread} runs, from {job.queue}", what="begun", thread=job.thread)

    def _reap(self) -> None:
        for ended in self._runs.finished():
            job = self._jobs.pop(ended.thread)
            self._patience.ended(ended)
            self._owed.append((job, ended))
            points.at("job: over")
            if ended.code < 0:
                self._checks.add(LEFT)
            text = f"{ended.thread} ended ({ended.code}) after {ended.lasted_s:.1f} s"
            self._say(text, what="ended", thread=ended.thread, code=ended.code)

    def _pay(self) -> None:
        """Tell the queue of runs that have ended. What is wrong with this home is for nobody else to know."""
        while self._owed:
            job, ended = self._owed[0]
            self._queue.done(job.id, None if is_of_the_home(ended) else vars(ended))
            del self._owed[0]
            points.at("job: paid")

    def _beat(self) -> None:
        """Say that it is there, and heed what it is asked for. Where nobody knows it, it begins anew."""
        running = self._running()
        if self._number is None:
            self._need_own_name()
            self._number = self._table.register(self._facts)
            self._forget_earlier()
            self._say(f"worker {self._number} takes from {', '.join(self._queues)}", what="worker")
        told = self._facts, sorted(running), self._unfit.words
        is_known, asked = self._table.beat(self._number, *told)
        if not is_known:
            self._number = self._table.register(self._facts)
            self._table.beat(self._number, *told)
            self._say(f"the queue did not know it: it is worker {self._number} now", what="worker")
        known = [*self._jobs.values(), *(job for job, _ in self._owed)]
        self._queue.keep(self._number, [job.id for job in known])
        for thread in self._queue.taken_back(self._number):
            self._say(f"{thread} is held by nobody: its run is ended", what="frozen", thread=thread)
            self._runs.kill(thread)
        self._told_running = running
        self._beats_s = clock.monotonic_s() + BEAT_S * random.uniform(0.8, 1.0)
        self._heed_clock()
        self._heed_store()
        if asked is not None:
            self._drain(f"it was asked to {asked}")
            if asked != ASKED_TO_DRAIN:
                self._end_runs(2 if asked == STOP_NOW else 1)

    def _heed_store(self) -> None:
        """Drain where a newer uwf has migrated the store: no run of this one could write to it any more."""
        self._too_new = self._table.store_too_new()
        if self._too_new is not None:
            self._drain(self._too_new.message)

    def _heed_home(self) -> None:
        """Look whether its home can take what a run writes; what it finds is said once, and seen from all machines."""
        said = self._unfit.taken()
        if said is not None:
            takes = ": it takes nothing until that is over" if self._unfit.words else ""
            self._say(f"{said}{takes}", what="unfit" if takes else "fit")
            self._beats_s = 0.0

    def _heed_clock(self) -> None:
        """Say once that the clock of this machine is off, and let that be noted, for whoever looks from another one."""
        said, now_s = self._skew.taken(), clock.monotonic_s()
        if said is not None:
            self._say(said, what="clock")
        if said is not None or (self._skew.words and now_s >= self._notes_s):
            self._notes_s = now_s + NOTE_S
            self._checks.add(SKEW)

    def _running(self) -> frozenset[str]:
        return frozenset(self._jobs)

    def _is_told_otherwise(self) -> bool:
        return self._told_running != self._running()

    def _need_own_name(self) -> None:
        """Raise where a worker of another machine beats under the name of this one: what is for a machine, and what one
        has, is told by its name. One that was here before a boot, or in an earlier container, beats no more: it is
        waited for.
        """
        first = self._table.namesakes(self._facts)
        if first:
            said = f"worker {min(first)} was heard of as {self._facts.host} on another machine just now"
            self._say(f"{said}; waits until that is gone", what="namesake")
        now = first
        while now:
            if any(seen > first.get(worker, 0) for worker, seen in now.items()):
                raise StateError(
                    f"worker {min(now)} is on another machine, or in another container, that is called "
                    f"{self._facts.host}, too: each needs a name of its own",
                    hint=f"export UWF_HOST={self._facts.host}-2",
                    code="host_taken",
                )
            self._wakeups.until(NAMESAKE_LOOK_S)
            now = self._table.namesakes(self._facts)

    def _forget_earlier(self) -> None:
        """Take the workers of this home out of the table that died without a word: their jobs are free."""
        assert self._number is not None, "it has said that it is there"
        for worker, pid in self._table.earlier(self._facts, self._number).items():
            if not _is_alive(pid):
                self._table.leave(worker)
                self._say(f"worker {worker} died here: its jobs are free", what="worker_gone")

    def _settle(self) -> None:
        """End what dead runs have left here, at the beginning those of an earlier worker: no other machine can; and
        note how the clock is.
        """
        if self._repair.taken() is None and self._repair.is_out:
            return
        if self._checks:
            only = (word for name in sorted(self._checks) for word in ("--only", name))
            self._checks.clear()
            self._repair.begin("doctor", "--repair", *only)

    def _heed_signals(self) -> None:
        signals, self._wakeups.signals = self._wakeups.signals, []
        for number in signals:
            if number in DRAIN:
                if self._is_draining:
                    self._end_runs(self._stops + 1)
                self._drain("told to end")

    def _drain(self, why: str) -> None:
        if not self._is_draining:
            self._is_draining = True
            runs = counted(len(self._jobs), "run")
            self._say(
                f"{why}: takes nothing any more, and waits for the step of {runs}", what="draining"
            )
            self._runs.signal(AFTER_STEP)

    def _end_runs(self, times: int) -> None:
        """Let all runs be told to end so many times: once ends them as usual, twice at once."""
        while self._stops < times:
            self._stops += 1
            self._say("ends its runs" + (" at once" if self._stops > 1 else ""), what="stopping")
            self._runs.signal(SIGTERM)

    def _note_away(self, error: StoreError) -> float:
        """How long to wait for the queue: it cannot be asked, or its database was made anew since this began."""
        is_away, has_begun = isinstance(error, QueueAway), self._number is not None
        if not is_away and not (has_begun and error.code == NO_QUEUE):
            raise error
        if not self._is_away or self._why_away != error.code:
            self._is_away, self._beats_s, self._why_away = True, 0.0, error.code
            said = f"{error.message}; what runs goes on, and it is tried again"
            self._say(said, what="queue_away", runs=len(self._jobs))
        return max(0.05, self._link.left_s) if is_away else NEW_QUEUE_S

    def _leave(self) -> None:
        self._stop.request()
        self._runs.close()
        self._repair.wait(ENDING_S)
        if self._number is not None and not self._is_away:
            try:
                self._table.leave(self._number)
            except QueueAway:
                return  # it is seen by its silence
        self._say("ended", what="worker_ended")

    def _say(self, text: str, *, what: str, **facts: Any) -> None:
        self._tell(text, {"what": what, **facts})


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
