"""Runs as jobs in a queue that the workers of many machines take: for the daemon that leads all of them.

The store says what is due, the queue only repeats it. So with each pass what waits there is made to agree: a job whose
thread is due no more is taken away, and all that is due is put in again where the queue was emptied. Jobs whose worker
is gone are dropped here as well, never by a job of the queue itself, which might be the one that is stuck. A job whose
run has frozen is taken back from a worker that is well.
"""

from __future__ import annotations

import json
from zlib import crc32

from uwf import clock
from uwf.daemon.runs.runs import RunEnded, RunsNow
from uwf.jobs.queue import ANY, ENDED, STALLED_S, JobQueue, NewJob, named
from uwf.jobs.workers import UNFIT, WORKING, Workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uwf.app.thread.wakes import Wakes
    from uwf.app.values import DueThread
    from uwf.daemon.loop.quarantine import Quarantine
    from uwf.jobs.link import QueueLink
    from uwf.jobs.queue import Job
    from uwf.jobs.workers import WorkerView

LOOK_S = 2.0
"""How often it is looked who the workers are, and whose jobs nobody does any more."""
RANK_S = 60.0
"""How often what waits is ranked anew, beside when workers come and go."""
RECOVERY = "recovery"
"""What is said of a thread whose run was cut off, or that is tried again."""
QUEUE, UNSERVED = "queue", "jobs wait there, and no worker takes them: uwf worker list"
WORKER = "worker"
"""The kind of a machine that takes nothing, as its home cannot be written, or has no room."""
UNSERVED_S = 60.0
"""A worker may be begun anew: only what nobody takes for so long is put on record with its thread."""
MOST_WAITING = 1000
"""So many jobs wait at most: who is most urgent by then is put in when there is room."""


class QueuedRuns:
    """See `Runs`: as jobs of the queue at the other end of `link`. Queues that nobody takes jobs of are set aside."""

    def __init__(self, link: QueueLink, wakes: Wakes, quarantine: Quarantine) -> None:
        self._link, self._wakes, self._quarantine = link, wakes, quarantine
        self._queue, self._table = JobQueue(link), Workers(link)
        self._now = RunsNow(frozenset(), frozenset())
        self._workers: Sequence[WorkerView] = ()
        self._served: set[str] = set()
        self._looks_s = self._ranks_s = 0.0
        self._free_since_s: dict[int, float] = {}
        """Since when nobody has held the thread of a job that was taken."""
        self._unserved_since_s: dict[str, float] = {}
        self._recorded: set[str] = set()
        self._placed: dict[str, str | None] = {}
        """By thread, since when nobody takes its job; those of which this was put on record here; the place of each
        that was put into a queue."""

    def fileno(self) -> int | None:
        """What becomes readable when a worker has said something."""
        return self._link.fileno()

    def room(self, running: int, jobs: int) -> int:
        return max(0, MOST_WAITING - len(self._now.waiting))

    def now(self) -> RunsNow:
        return self._now

    def keep(self, due: Sequence[DueThread], now_ms: int) -> None:
        has_looked = self._look()
        jobs, wanted = self._queue.jobs(), {each.thread: each for each in due}
        if has_looked:
            self._take_back([job for job in jobs if job.is_taken])
            self._record_unserved(jobs, wanted, now_ms)
        waiting = [job for job in jobs if not job.is_taken]
        self._queue.withdraw([job.id for job in waiting if job.thread not in wanted])
        waiting = [job for job in waiting if job.thread in wanted]
        moved = [job for job in waiting if self._is_moved(wanted[job.thread])]
        if clock.monotonic_s() >= self._ranks_s:
            self._ranks_s, moved = clock.monotonic_s() + RANK_S, waiting
        self._placed = {id: at for id, at in self._placed.items() if id in wanted}
        if moved:
            ranked = [(job, self._job(wanted[job.thread], now_ms)) for job in moved]
            self._queue.rank(
                [
                    (job.id, new.queue, new.priority)
                    for job, new in ranked
                    if (job.queue, job.priority) != (new.queue, new.priority)
                ]
            )
        self._now = RunsNow(
            frozenset(job.thread for job in jobs if job.is_taken),
            frozenset(job.thread for job in waiting),
        )
        self._note_unserved({job.queue for job in waiting})

    def start(self, due: Sequence[DueThread]) -> None:
        now_ms = clock.now_ms()
        if any(each.not_on for each in due):
            self._looks_s = 0.0
            self._look()  # who has just come may be the one that can
        for each in due:
            if each.wake.kind == RECOVERY:
                self._wakes.settle(each.thread)
        self._queue.offer([self._job(each, now_ms) for each in due])
        new = {each.thread for each in due}
        self._now = RunsNow(self._now.running, self._now.waiting | new)

    def finished(self) -> list[RunEnded]:
        """What workers have told since. What none could tell, as it was killed, or nobody heard, is due again."""
        heard = self._link.heard()
        return [RunEnded(**json.loads(one.payload)) for one in heard if one.channel == ENDED]

    def _look(self) -> bool:
        """Look who the workers are, unless that was just now."""
        now_s = clock.monotonic_s()
        if now_s < self._looks_s:
            return False
        self._looks_s = now_s + LOOK_S
        self._queue.drop_stalled()
        self._table.forget_gone()
        found = self._table.all()
        unfit = {each.host: each.unfit for each in found if each.state == UNFIT}
        self._quarantine.let_go_but(WORKER, unfit)
        for host, why in unfit.items():
            self._quarantine.set_aside(WORKER, host, f"it takes nothing: {why}")
        self._workers = [each for each in found if each.state == WORKING]
        served = {queue for each in self._workers for queue in each.queues}
        if served != self._served:
            self._served, self._ranks_s = served, 0.0
        return True

    def _take_back(self, taken: Sequence[Job]) -> None:
        """Of a run that holds its thread no more, or never came to, the worker says nothing: it has frozen."""
        now_s = clock.monotonic_s()
        free = (job.id for job in taken if self._wakes.holder(job.thread) is None)
        self._free_since_s = {id: self._free_since_s.get(id, now_s) for id in free}
        self._queue.take_back(
            [id for id, since_s in self._free_since_s.items() if now_s - since_s > STALLED_S]
        )

    def _record_unserved(
        self, jobs: Sequence[Job], due: Mapping[str, DueThread], now_ms: int
    ) -> None:
        """Put on record which threads nobody takes, for whoever looks at them; and of which that is over."""
        now_s = clock.monotonic_s()
        unserved = [
            job.thread
            for job in jobs
            if not job.is_taken and job.thread in due and job.queue not in self._served
        ]
        known_s = self._unserved_since_s
        self._unserved_since_s = {id: known_s.get(id, now_s) for id in unserved}
        new = [
            id
            for id, since_s in self._unserved_since_s.items()
            if now_s - since_s >= UNSERVED_S and due[id].unserved is None
        ]
        self._recorded &= due.keys()
        over = [id for id in self._recorded if id not in self._unserved_since_s]
        if new:
            self._wakes.unserved(new, now_ms - round(UNSERVED_S * 1000))
        if over:
            self._wakes.unserved(over, None)
        self._recorded = (self._recorded | set(new)).difference(over)

    def _job(self, due: DueThread, now_ms: int) -> NewJob:
        self._placed[due.thread] = due.place
        priority = self._wakes.urgency(due, now_ms)
        return NewJob(due.thread, (due.wake.why,), self._place(due), priority)

    def _is_moved(self, due: DueThread) -> bool:
        """Whether a person has given it another place since its job was put into a queue."""
        return self._placed.get(due.thread, due.place) != due.place

    def _place(self, due: DueThread) -> str:
        """Its place where it has one, else the machine that it was on just now, else whoever has its agent. Of those
        that have said that they cannot run it none is asked while there is another.
        """
        if due.place is not None:
            kind, _, name = due.place.partition(":")
            place = named(kind, name)
            fits = [each for each in self._workers if place in each.queues]
        else:
            agent = self._wakes.agent(due.thread)
            place = ANY if agent is None else named("agent", agent)
            fits = [each for each in self._workers if agent is None or agent in each.agents]
        able = [each for each in fits if each.host not in due.not_on]
        if due.place is None and any(each.host == due.host for each in able):
            assert due.host is not None, "a worker is on it"
            return named("host", due.host)
        if due.not_on and able:
            free = [each for each in able if len(each.running) < each.slots] or able
            return named("host", free[crc32(due.thread.encode()) % len(free)].host)
        return place

    def _note_unserved(self, queues: set[str]) -> None:
        self._quarantine.let_go_but(QUEUE, queues - self._served)
        for queue in sorted(queues - self._served):
            self._quarantine.set_aside(QUEUE, queue, UNSERVED)
