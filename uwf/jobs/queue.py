"""The queue: jobs that wait, are taken by a worker, and are gone when they are done.

One job waits for a thread at a time, and one is taken: thread is both the lock and the queueing lock of Procrastinate.
Its tables, functions and notices are used as they are; the loop of a worker is our own (see `uwf.worker`), since a run
is a process that outlives its worker.
"""

from __future__ import annotations

import json
from zlib import crc32

from uwf.errors import NotFound
from uwf.jobs.link import QueueLink
from uwf.record import Record
from uwf.store.values import WAKE as WAKE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

TASK = "uwf.run"
ENDED = "uwf_ended"
"""The channel on which a worker says what a run came to, for whoever leads."""
ASKED = "uwf_asked"
"""The channel on which workers are told that they are asked for something."""
STALLED_S = 16.0
"""After so long without a word from its worker a taken job is given to another: three heartbeats, and a little."""
BATCH = 500
MESSAGE_CHARS = 600
"""Of what a run said last, so that it fits into a notice: that holds 8,000 bytes, and a character takes up to 12."""


ANY = "any"
"""The queue of what every worker takes."""
MOST_CHARS = 40
"""Of the name of a queue: with what Procrastinate puts before it, PostgreSQL takes no longer channel."""


def named(kind: str, name: str) -> str:
    """The queue of a `host`, a `label` or an `agent`. A long name is cut, and told from others alike by a checksum."""
    whole = f"{kind}:{name}"
    if len(whole.encode()) <= MOST_CHARS:
        return whole
    cut = whole.encode()[: MOST_CHARS - 9].decode(errors="ignore")
    return f"{cut}~{crc32(whole.encode()):08x}"


def inserted(queue: str) -> str:
    """The channel on which Procrastinate says that a job was put into a queue."""
    return f"procrastinate_queue_v1#{queue}"


class NewJob(Record):
    """That a thread is worth running: why, for whom, and how urgently (a higher number goes first)."""

    thread: str
    causes: tuple[str, ...]
    queue: str
    priority: int


class Job(Record):
    """A job of the queue. `worker` has taken it; None while it waits."""

    id: int
    thread: str
    queue: str
    priority: int
    is_taken: bool
    worker: int | None


class JobQueue:
    """The queue of a database. Each call is one statement of its own, and raises `QueueAway` where nobody answers."""

    def __init__(self, link: QueueLink) -> None:
        self._link = link

    def jobs(self) -> list[Job]:
        """All of them, in the order in which they would be taken."""
        rows = self._link.query(
            "SELECT id, lock, queue_name, priority, status = 'doing', worker_id FROM procrastinate_jobs"
            " WHERE task_name = %(task)s AND status IN ('todo', 'doing') ORDER BY priority DESC, id",
            {"task": TASK},
        )
        return [Job(*row) for row in rows]

    def offer(self, jobs: Sequence[NewJob]) -> int:
        """Put jobs into their queues, but for threads of which one waits there already; how many were put."""
        done = 0
        for at in range(0, len(jobs), BATCH):
            batch = jobs[at : at + BATCH]
            rows = self._link.query(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)"
                " SELECT queue, %(task)s, priority, thread, thread, args FROM"
                " unnest(%(queues)s::text[], %(priorities)s::int[], %(threads)s::text[], %(args)s::jsonb[])"
                " WITH ORDINALITY AS new (queue, priority, thread, args, at) ORDER BY at"
                " ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING RETURNING id",
                {
                    "task": TASK,
                    "queues": [job.queue for job in batch],
                    "priorities": [job.priority for job in batch],
                    "threads": [job.thread for job in batch],
                    "args": [
                        json.dumps({"thread": job.thread, "causes": list(job.causes)})
                        for job in batch
                    ],
                },
            )
            done += len(rows)
        return done

    def rank(self, changed: Sequence[tuple[int, str, int]]) -> None:
        """Give jobs that wait another queue and priority: (job, queue, priority)."""
        if changed:
            ids, queues, priorities = zip(*changed, strict=True)
            self._link.query(
                "UPDATE procrastinate_jobs AS job SET queue_name = new.queue, priority = new.priority"
                " FROM unnest(%(ids)s::bigint[], %(queues)s::text[], %(priorities)s::int[])"
                " AS new (id, queue, priority) WHERE job.id = new.id AND job.status = 'todo'",
                {"ids": list(ids), "queues": list(queues), "priorities": list(priorities)},
            )

    def withdraw(self, jobs: Collection[int]) -> None:
        """Take jobs that wait away again."""
        if jobs:
            self._link.query(
                "DELETE FROM procrastinate_jobs WHERE id = ANY(%(ids)s) AND status = 'todo'",
                {"ids": list(jobs)},
            )

    def take(self, queues: Sequence[str], worker: int) -> Job | None:
        """The most urgent job of these queues, which is the worker's from now on; None when there is none for it.

        NotFound for a worker that was forgotten, as one is whose machine slept for an hour.
        """
        rows = self._link.query(
            "WITH me AS MATERIALIZED"
            " (SELECT id FROM procrastinate_workers WHERE id = %(worker)s FOR KEY SHARE)"
            " SELECT job.id, lock, queue_name, priority"
            " FROM me, LATERAL procrastinate_fetch_job_v2(%(queues)s, me.id) AS job",
            {"queues": list(queues), "worker": worker},
        )
        if not rows:
            raise NotFound(f"the queue does not know worker {worker}", hint="uwf worker list")
        id, thread, queue, priority = rows[0]
        return None if id is None else Job(id, thread, queue, priority, True, worker)

    def done(self, job: int, ended: dict[str, Any] | None = None) -> None:
        """A job is over, and gone; whoever leads is told how its run `ended`, or to look again."""
        message = "" if ended is None else str(ended.get("message") or "")[:MESSAGE_CHARS]
        said = "" if ended is None else json.dumps({**ended, "message": message or None})
        self._link.query(
            "WITH gone AS (DELETE FROM procrastinate_jobs WHERE id = %(job)s)"
            " SELECT pg_notify(%(channel)s, %(said)s)",
            {"job": job, "channel": ENDED if said else WAKE, "said": said},
        )

    def keep(self, worker: int, jobs: Collection[int]) -> None:
        """A worker has taken these jobs and no others: the answer with another one may never have come."""
        self._link.query(
            "DELETE FROM procrastinate_jobs WHERE worker_id = %(worker)s AND status = 'doing'"
            " AND id <> ALL (%(ids)s)",
            {"worker": worker, "ids": list(jobs)},
        )

    def take_back(self, jobs: Collection[int]) -> None:
        """Ask the workers of jobs that were taken to end their runs and be done with them."""
        if jobs:
            self._link.query(
                "UPDATE procrastinate_jobs SET abort_requested = true"
                " WHERE id = ANY(%(ids)s) AND status = 'doing' AND NOT abort_requested",
                {"ids": list(jobs)},
            )

    def taken_back(self, worker: int) -> list[str]:
        """The threads whose runs a worker is to end, as nobody holds those threads any more."""
        rows = self._link.query(
            "SELECT lock FROM procrastinate_jobs WHERE worker_id = %(worker)s AND abort_requested",
            {"worker": worker},
        )
        return [row[0] for row in rows]

    def drop_stalled(self, after_s: float = STALLED_S) -> list[str]:
        """Take away the jobs whose worker was not heard of for so long; their threads. The store says what is due."""
        rows = self._link.query(
            "DELETE FROM procrastinate_jobs AS job WHERE status = 'doing' AND task_name = %(task)s"
            " AND NOT EXISTS (SELECT FROM procrastinate_workers AS worker WHERE worker.id = job.worker_id"
            " AND last_heartbeat >= now() - make_interval(secs => %(after_s)s)) RETURNING lock",
            {"task": TASK, "after_s": after_s},
        )
        return [row[0] for row in rows]
