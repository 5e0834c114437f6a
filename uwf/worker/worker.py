"""A worker from its beginning to its end: take jobs, run each as a child process, drain. What it says of itself to the
others is in `presence`, what it sees to on its machine in `checks`.

The loop never waits for a run: each is a process of its own, which holds the lease of its thread by itself and survives
the worker. So where PostgreSQL does not answer, the runs go on, and the worker comes back when it does. Told to end
(SIGTERM), it takes no job any more and waits for the step of each run, with which that ends; told again, it ends them
in the middle of it. What is left of their threads is due, for another worker.
"""

from __future__ import annotations

import random
from signal import SIGTERM

from uwf import clock, points
from uwf.daemon.loop.wakeups import DRAIN
from uwf.daemon.runs.children import AFTER_STEP
from uwf.daemon.runs.patience import Patience, is_of_the_home
from uwf.errors import NotFound, QueueAway, StoreError
from uwf.jobs.link import NO_QUEUE
from uwf.jobs.queue import ASKED, JobQueue, inserted
from uwf.jobs.workers import DRAIN as ASKED_TO_DRAIN
from uwf.jobs.workers import STOP_NOW
from uwf.quantities import counted
from uwf.worker.checks import Checks
from uwf.worker.presence import Presence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from uwf.daemon.loop.part import Tell
    from uwf.daemon.loop.wakeups import Wakeups
    from uwf.daemon.news import News
    from uwf.daemon.runs.children import ChildRuns
    from uwf.daemon.runs.runs import RunEnded
    from uwf.errors import StoreTooNew
    from uwf.jobs.link import QueueLink
    from uwf.jobs.queue import Job
    from uwf.jobs.workers import WorkerFacts

LOOK_S = 30.0
"""How long it sleeps at most while it can take nothing."""
READY_S = 0.8
"""So long after a run was begun the process of the next one is made ready."""
NEW_QUEUE_S = 1.0
"""How often it looks whether a database that lost its queue has one again."""


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
        self._link, self._queues, self._slots = link, list(queues), facts.slots
        self._runs, self._wakeups, self._tell, self._poll_s = runs, wakeups, tell, poll_s
        self._queue, self._patience = JobQueue(link), Patience()
        self._presence = Presence(link, facts, self._queues, unfit, wakeups, self._say)
        self._checks = Checks(facts.home, wakeups.wake, skew, self._say)
        self._jobs: dict[str, Job] = {}
        self._owed: list[tuple[Job, RunEnded]] = []
        """Runs that have ended, of which the queue was not told yet."""
        self._ready_s = 0.0
        self._is_draining, self._stops, self._is_away = False, 0, False
        self._too_new: StoreTooNew | None = None
        self._why_away = ""

    def run(self, alive: Callable[[], None]) -> None:
        """Go round until told to end and nothing runs any more. `alive` is called each time.

        StoreTooNew at the end of one that has drained since a newer uwf has migrated the store.
        """
        try:
            while True:
                self._heed_signals()
                self._reap()
                self._checks.go_on()
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
        self._presence.heed_home()
        if asked or self._presence.is_due(self._running):
            self._beat()
        if self._is_away:
            self._is_away = False
            self._say("the queue can be asked again", what="queue_back")
        beats_s = self._presence.left_s
        if not self._take():
            return min(beats_s, self._patience.closed_s() or LOOK_S)
        return min(beats_s, self._poll_s * random.uniform(0.8, 1.2))

    def _take(self) -> bool:
        """Take jobs while there is room. Whether there still is some."""
        while self._may_take():
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
        is_open = self._presence.is_fit and not (self._is_draining or self._patience.closed_s())
        return is_open and len(self._jobs) < self._slots

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
                self._checks.run_died()
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
        """Say that it is there, and heed what it is asked for, and what was taken from it."""
        asked = self._presence.beat(self._running)
        known = [*self._jobs.values(), *(job for job, _ in self._owed)]
        self._queue.keep(self._number, [job.id for job in known])
        for thread in self._queue.taken_back(self._number):
            self._say(f"{thread} is held by nobody: its run is ended", what="frozen", thread=thread)
            self._runs.kill(thread)
        self._checks.heed_clock()
        self._too_new = self._presence.store_too_new()
        if self._too_new is not None:
            self._drain(self._too_new.message)
        if asked is not None:
            self._drain(f"it was asked to {asked}")
            if asked != ASKED_TO_DRAIN:
                self._end_runs(2 if asked == STOP_NOW else 1)

    @property
    def _number(self) -> int:
        number = self._presence.number
        assert number is not None, "it has said that it is there"
        return number

    @property
    def _running(self) -> frozenset[str]:
        return frozenset(self._jobs)

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
        is_away, has_begun = isinstance(error, QueueAway), self._presence.number is not None
        if not is_away and not (has_begun and error.code == NO_QUEUE):
            raise error
        if not self._is_away or self._why_away != error.code:
            self._is_away, self._why_away = True, error.code
            self._presence.beat_at_once()
            said = f"{error.message}; what runs goes on, and it is tried again"
            self._say(said, what="queue_away", runs=len(self._jobs))
        return max(0.05, self._link.left_s) if is_away else NEW_QUEUE_S

    def _leave(self) -> None:
        self._checks.end()
        self._runs.close()
        self._checks.wait()
        if not self._is_away:
            try:
                self._presence.leave()
            except QueueAway:
                return  # it is seen by its silence
        self._say("ended", what="worker_ended")

    def _say(self, text: str, *, what: str, **facts: Any) -> None:
        self._tell(text, {"what": what, **facts})
