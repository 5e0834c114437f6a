"""Seeing the workers of all machines, and asking them to drain or to stop, from any of them: through the queue."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager

from uwf.errors import StateError
from uwf.jobs.link import QueueLink
from uwf.jobs.queue import JobQueue
from uwf.jobs.workers import DRAIN, STOP, STOP_NOW, WORKING, Workers
from uwf.jobs.workers import UNFIT as UNFIT
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.app import App
    from uwf.jobs.workers import WorkerView


ROOM_S = 10.0
"""So long a command waits for room for its connection, as for that to the store."""


def need_queue(app: App) -> str:
    """The address of the database with the queue. StateError where the store of the home is a file of its own."""
    if app.has_store_file:
        raise StateError(
            "workers take runs of a store that many machines share, a PostgreSQL database (`store` in config.toml, or "
            "UWF_STORE); the store of this home is a file, and its daemon runs what is due",
            hint="uwf daemon run",
            code="store_not_shared",
        )
    return app.store_address


def all_workers(app: App) -> list[WorkerView]:
    """Those that were heard of in the last hour, and whose clock is off."""
    with _table(app) as table:
        found = table.all()
    off_ms = {each.host: each.off_ms for each in app.health.clocks_off()}
    return [replace(each, clock_off_ms=off_ms.get(each.host, 0)) for each in found]


def unserved(app: App) -> dict[str, int]:
    """How many threads wait where no worker takes any, by the name of the queue."""
    with _table(app) as table:
        served = {queue for each in table.all() if each.state == WORKING for queue in each.queues}
        waiting = Counter(job.queue for job in JobQueue(table.link).jobs() if not job.is_taken)
    return {queue: count for queue, count in sorted(waiting.items()) if queue not in served}


def drain(app: App, whom: str | None) -> list[int]:
    """Ask workers to take nothing any more, and to end when the steps of their runs have; whom."""
    with _table(app) as table:
        return table.ask(whom, DRAIN)


def stop(app: App, whom: str | None, *, now: bool) -> list[int]:
    """Ask workers to end their runs, and then themselves; whom."""
    with _table(app) as table:
        return table.ask(whom, STOP_NOW if now else STOP)


@contextmanager
def _table(app: App) -> Iterator[Workers]:
    link = QueueLink(need_queue(app), "uwf", wait_s=ROOM_S)
    try:
        yield Workers(link)
    finally:
        link.close()
