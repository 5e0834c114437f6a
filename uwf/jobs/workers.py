"""The workers of a queue, as they say of themselves, and what they are asked for.

When a worker was heard of last is Procrastinate's heartbeat, by the clock of the database: one truth of who is there.
With each of its own a worker is told that time.
"""

from __future__ import annotations

from uwf import clock
from uwf.errors import NotFound
from uwf.jobs.link import QueueLink
from uwf.jobs.queue import ANY, ASKED, STALLED_S, named
from uwf.record import Record
from uwf.store.values import NOW_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from uwf.errors import StoreTooNew

DRAIN, STOP, STOP_NOW = "drain", "stop", "stop now"
WORKING, UNFIT, DRAINING, STOPPING, GONE = "working", "unfit", "draining", "stopping", "gone"
_STATES = {None: WORKING, DRAIN: DRAINING}
_BIGINT_DIGITS = 19
FORGOTTEN_S = 3600.0
"""After so long a worker that is gone is not shown any more."""


class WorkerFacts(Record):
    """What a worker says of itself when it begins."""

    host: str
    home: str
    pid: int
    labels: tuple[str, ...]
    agents: tuple[str, ...]
    slots: int
    version: str
    machine: str = ""
    """What tells its machine from others of the same name; "" where nothing does."""


class WorkerView(Record):
    """A worker, since when it is there and when it was heard of last (epoch ms), and the threads that it runs.

    `state` is `working`, `unfit` as long as it takes nothing for what `unfit` says of its home, `draining`, `stopping`,
    or `gone` when it was not heard of for too long. `clock_off_ms` is by how much the clock of its machine is ahead of
    the database's, negative: behind; 0 where that is tolerated.
    """

    worker: int
    host: str
    home: str
    pid: int
    labels: tuple[str, ...]
    agents: tuple[str, ...]
    slots: int
    running: tuple[str, ...]
    version: str
    since: int
    seen: int
    state: str
    unfit: str = ""
    clock_off_ms: int = 0

    @property
    def queues(self) -> list[str]:
        """Those that it takes jobs of."""
        return queues_of(self)


def queues_of(worker: WorkerFacts | WorkerView) -> list[str]:
    """The queues of what a worker may run: what all may, what is for its machine, its labels, its agents."""
    labels = (named("label", label) for label in worker.labels)
    agents = (named("agent", agent) for agent in worker.agents)
    return [ANY, named("host", worker.host), *labels, *agents]


class Workers:
    """The table of workers. Each call raises `QueueAway` where nobody answers."""

    def __init__(self, link: QueueLink) -> None:
        self.link = link

    def register(self, facts: WorkerFacts) -> int:
        """A worker begins; its number."""
        rows = self.link.query(
            "INSERT INTO workers (id, host, home, pid, labels, agents, slots, version, machine)"
            " SELECT worker_id, %(host)s, %(home)s, %(pid)s, %(labels)s, %(agents)s, %(slots)s, %(version)s,"
            " %(machine)s"
            " FROM procrastinate_register_worker_v1() RETURNING id",
            {**vars(facts), "labels": list(facts.labels), "agents": list(facts.agents)},
        )
        return int(rows[0][0])

    def namesakes(self, facts: WorkerFacts) -> dict[int, int]:
        """The workers of other machines that are called as this one: when each was heard of last, in epoch ms; without
        those that are gone.
        """
        rows = self.link.query(
            "SELECT id, (extract(epoch FROM last_heartbeat) * 1000)::bigint"
            " FROM workers JOIN procrastinate_workers USING (id)"
            " WHERE host = %(host)s AND machine <> %(machine)s AND machine <> '' AND %(machine)s <> ''"
            " AND last_heartbeat >= now() - make_interval(secs => %(stalled_s)s)",
            {**_as_called(facts), "stalled_s": STALLED_S},
        )
        return dict(rows)

    def earlier(self, facts: WorkerFacts, worker: int) -> dict[int, int]:
        """The other workers of this home on this machine, by number: their pids."""
        rows = self.link.query(
            "SELECT id, pid FROM workers"
            " WHERE host = %(host)s AND home = %(home)s AND machine = %(machine)s AND id <> %(id)s",
            {**_as_called(facts), "id": worker},
        )
        return dict(rows)

    def beat(
        self, worker: int, facts: WorkerFacts, running: Sequence[str], unfit: str | None = None
    ) -> tuple[bool, str | None]:
        """A worker is there still, and runs these threads; why it takes nothing, None: it does. Whether the queue knows
        it, and what it is asked for.

        A database that was made anew, or put back, may have given its number to another one.
        """
        asked_ms = clock.steady_ms()
        rows = self.link.query(
            "WITH known AS (UPDATE workers SET running = %(running)s, unfit = %(unfit)s WHERE id = %(id)s"
            f" AND (host, home, pid) = (%(host)s, %(home)s, %(pid)s) RETURNING id, asked, {NOW_MS} AS there),"
            " seen AS (UPDATE procrastinate_workers SET last_heartbeat = now()"
            " WHERE id IN (SELECT id FROM known)) SELECT asked, there FROM known",
            {
                "id": worker,
                "host": facts.host,
                "home": facts.home,
                "pid": facts.pid,
                "running": list(running),
                "unfit": unfit or "",
            },
        )
        if not rows:
            return False, None
        ((asked, there_ms),) = rows
        clock.told(there_ms, asked_ms)
        return True, asked

    def store_too_new(self) -> StoreTooNew | None:
        """The error of a worker whose runs cannot write to the store: a newer uwf has migrated it. None: they can."""
        from uwf.store.postgres import schema

        rows = self.link.query(
            f"SELECT key, value FROM {schema.SCHEMA}.meta WHERE key IN ('schema', 'writer')"
        )
        meta = {str(key): str(value) for key, value in rows}
        number = meta.get("schema", "")
        if not number.isdigit() or int(number) <= schema.newest():
            return None
        return schema.too_new(int(number), meta.get("writer", "a newer uwf"), self.link.place)

    def leave(self, worker: int) -> None:
        """A worker has ended: what it had taken is for others."""
        self.link.query("DELETE FROM procrastinate_jobs WHERE worker_id = %(id)s", {"id": worker})
        self.link.query("SELECT procrastinate_unregister_worker_v1(%(id)s)", {"id": worker})

    def all(self) -> list[WorkerView]:
        """All that were heard of in the last hour, the oldest first."""
        rows = self.link.query(
            "SELECT id, host, home, pid, labels, agents, slots, running, version,"
            " (extract(epoch FROM since) * 1000)::bigint, (extract(epoch FROM last_heartbeat) * 1000)::bigint,"
            " unfit, asked, last_heartbeat < now() - make_interval(secs => %(stalled_s)s)"
            " FROM workers JOIN procrastinate_workers USING (id)"
            " WHERE last_heartbeat >= now() - make_interval(secs => %(forgotten_s)s) ORDER BY id",
            {"stalled_s": STALLED_S, "forgotten_s": FORGOTTEN_S},
        )
        return [_view(row) for row in rows]

    def ask(self, whom: str | None, wish: str) -> list[int]:
        """Ask a worker, by its number, all of a host, or all, to drain or stop; whom. `NotFound` when there is none. A
        number is a host's name where no worker has it.
        """
        is_number = whom is not None and whom.isascii() and whom.isdecimal()
        number = (
            int(whom) if whom is not None and is_number and len(whom) < _BIGINT_DIGITS else None
        )
        rows = self.link.query(
            "WITH there AS (SELECT id FROM procrastinate_workers"
            " WHERE last_heartbeat >= now() - make_interval(secs => %(stalled_s)s)),"
            " told AS (UPDATE workers SET asked = %(wish)s WHERE id IN (SELECT id FROM there)"
            " AND (%(whom)s::text IS NULL OR id = %(number)s"
            " OR (host = %(whom)s AND NOT EXISTS (SELECT FROM there WHERE id = %(number)s)))"
            " RETURNING id), said AS (SELECT pg_notify(%(channel)s, '') FROM told LIMIT 1)"
            " SELECT id FROM told LEFT JOIN said ON true ORDER BY id",
            {
                "wish": wish,
                "whom": whom,
                "number": number,
                "channel": ASKED,
                "stalled_s": STALLED_S,
            },
        )
        if not rows:
            who = "no worker is there" if whom is None else f"there is no worker {whom}"
            raise NotFound(f"{who}, as its number or its host", hint="uwf worker list")
        return [int(row[0]) for row in rows]

    def forget_gone(self) -> None:
        """Forget those that were not heard of for an hour."""
        self.link.query(
            "SELECT procrastinate_prune_stalled_workers_v1(%(after_s)s)", {"after_s": FORGOTTEN_S}
        )


def _as_called(facts: WorkerFacts) -> dict[str, str]:
    return {"host": facts.host, "home": facts.home, "machine": facts.machine}


def _view(row: Sequence[Any]) -> WorkerView:
    *told, unfit, asked, is_gone = row
    state = GONE if is_gone else _STATES.get(asked, STOPPING)
    if state == WORKING and unfit:
        state = UNFIT
    facts: list[Any] = [tuple(each) if isinstance(each, list) else each for each in told]
    return WorkerView(*[*facts, state, unfit])
