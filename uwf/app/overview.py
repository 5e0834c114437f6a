"""A home at a glance: what waits for a person, what runs, what is broken, what is due, what today has cost."""

from __future__ import annotations

from uwf import clock
from uwf.errors import ConfigInvalid
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.app.queries import ThreadQueries
    from uwf.engine.query.home.inbox import BrokenItem, InboxItem
    from uwf.engine.query.thread_view import ThreadView

LOOKED_AT = 50
"""Of the suspended threads the newest are looked at, however many there are: a glance is quick."""
SHOWN = 3
"""Of the threads that run as many are read; all are counted."""


class Overview(Record):
    """What waits and what is broken, oldest first; failures are broken, too. `is_cut`: there may be more of both.

    `running` are the newest of those that run or wait to, `runs` is how many there are; `due` is how many are to be
    run now, and `next_wake` when another one is; `today` is what was used since midnight, by name.
    """

    threads: int
    waiting: tuple[InboxItem, ...]
    failed: tuple[InboxItem, ...]
    broken: tuple[BrokenItem, ...]
    is_cut: bool
    running: tuple[ThreadView, ...]
    runs: int
    due: int
    next_wake: int | None
    today: Mapping[str, float]


def look(app: ThreadQueries) -> Overview:
    """How the home stands now."""
    from uwf.engine.query.home import due

    inbox, runs, reader = app.inbox(LOOKED_AT), app.running(), app.reader()
    views = app.views()
    wakes = due.due(reader, clock.now_ms(), look_ahead=False)
    return Overview(
        threads=app.threads("all", limit=1).total() or 0,
        waiting=tuple(item for item in inbox.waiting if item.kind != "failure"),
        failed=tuple(item for item in inbox.waiting if item.kind == "failure"),
        broken=inbox.broken,
        is_cut=inbox.is_cut,
        running=tuple(views.thread(app.ref_of(id)) for id in runs[: -SHOWN - 1 : -1]),
        runs=len(runs),
        due=sum(each.thread not in runs for each in wakes.threads),
        next_wake=wakes.next_ms,
        today=_today(app),
    )


def _today(app: ThreadQueries) -> Mapping[str, float]:
    """What this home has used today; nothing is known, and nothing loaded, before its first step."""
    reader = app.reader()
    if reader.counter("zone") is None:
        return {}
    from uwf.guard.spending import day

    try:
        zone = app.config.settings.get("budget", {}).get("zone")
    except ConfigInvalid:
        zone = None  # the config itself is told of elsewhere
    return day.today(reader, day.zone_of(reader, zone))
