"""One look at a home. Each query is bounded: a look costs what is shown, not how many threads there are.

A part that cannot be known now, since a counter or the configuration is bad, is left out and said as a fault; a store
that cannot be read is raised.
"""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType

from uwf import clock
from uwf.display import numbers
from uwf.error_report import of as report_of
from uwf.errors import ConfigInvalid, CounterUnreadable, NotFound
from uwf.record import Record
from uwf.top import rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeVar

    from uwf.app import App
    from uwf.app.values import GuardStatus, Owner, StatusLine, ThreadView
    from uwf.top.rows import Row

    T = TypeVar("T")

NOW, WAITS, RUNS, DUE, ALL = "now", "waits", "runs", "due", "all"
TABS = (NOW, WAITS, RUNS, DUE, ALL)

MOST = 100
"""Rows of a group; further ones are counted, or said to be there."""
MOST_DUE = 50
LOOKED_THROUGH = 300
"""Threads that one look passes for those that fit the filter."""
MINUTES = 60


class Wanted(Record):
    """What a look is to show: a tab, the words of the filter, in `all` only threads older than the one `before`;
    the thread under the cursor; and the page that is open: of the `guards`, or of a thread.
    """

    tab: str = NOW
    words: tuple[str, ...] = ()
    before: str | None = None
    selected: str | None = None
    page: str | None = None


GUARDS = "guards"
_NOTHING: Mapping[str, str] = MappingProxyType({})


class HomeView(Record):
    """A home at `now_ms`. `counts` has a number a tab, with a `+` where there may be more. `older` is the thread
    before which the next page of `all` begins. `minutes` are the steps of each minute of the last hour.
    """

    now_ms: int
    wanted: Wanted
    rows: tuple[Row, ...] = ()
    counts: Mapping[str, str] = _NOTHING
    ids: Mapping[str, str] = _NOTHING
    older: str | None = None
    minutes: tuple[int, ...] = ()
    usd_today: float | None = None
    guards: tuple[StatusLine, ...] = ()
    leader: Owner | None = None
    faults: tuple[str, ...] = ()


class Group(Record):
    """How many rows of one kind there are, in words; and the `rows`, which are read where they are shown."""

    count: str
    rows: Callable[[], list[Row]]


def look(app: App, wanted: Wanted) -> HomeView:
    """The home as it is now."""
    now_ms = clock.now_ms()
    faults: dict[str, None] = {}

    def known(ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except (ConfigInvalid, CounterUnreadable) as error:
            faults[said(error)] = None
            return otherwise

    known(app.reload_config, None)
    waits, runs, due = _waits(app), _runs(app), _due(app, now_ms)
    shown: list[Row] = []
    older = None
    if wanted.tab == ALL:
        shown, older = _all(app, wanted)
    else:
        groups = {NOW: (waits, runs, due), WAITS: (waits,), RUNS: (runs,), DUE: (due,)}[wanted.tab]
        found = [row for group in groups for row in group.rows() if row.fits(wanted.words)]
        once = {row.thread: row for row in reversed(found)}  # one that is due may wait for a person
        shown = list(reversed(once.values()))
    status: GuardStatus | None = known(app.guards.status, None)
    counts = {WAITS: waits.count, RUNS: runs.count, DUE: due.count}
    return HomeView(
        now_ms,
        wanted,
        rows=tuple(shown),
        counts={**counts, ALL: numbers.count(app.threads("all", limit=1).total())},
        ids=app.short_ids(row.thread for row in shown),
        older=older,
        minutes=tuple(app.figures.minutes(MINUTES)),
        usd_today=None if status is None else status.facts.get("today", {}).get("usd"),
        guards=() if status is None else status.lines,
        leader=app.daemon.of_all(),
        faults=tuple(faults),
    )


def said(error: BaseException) -> str:
    """What an error says, on one line, and what to type next."""
    found = report_of(error)
    text = found.message if found.hint is None else f"{found.message} ({found.hint})"
    return rows.one_line(text)


def _waits(app: App) -> Group:
    found = app.inbox(MOST)
    number = len(found.waiting) + len(found.broken)

    def shown() -> list[Row]:
        broken = map(rows.of_broken, found.broken)
        return [*map(rows.of_item, found.waiting), *broken]

    return Group(f"{number}+" if found.is_cut else f"{number}", shown)


def _runs(app: App) -> Group:
    ids = app.running()

    def shown() -> list[Row]:
        found = [
            rows.of_running(view, app.steps.newest_turns(view.thread, 3))
            for view in _there(app, ids[:MOST])
        ]
        return sorted(found, key=lambda row: (row.word != "running", row.at or 0))

    return Group(f"{len(ids)}", shown)


def _due(app: App, now_ms: int) -> Group:
    found = {each.thread: each for each in app.wakes.soonest(MOST_DUE)}
    number = sum(each.wake.at_ms <= now_ms for each in found.values())

    def shown() -> list[Row]:
        return [rows.of_due(view, found[view.thread], now_ms) for view in _there(app, found)]

    return Group(f"{number}+" if number == MOST_DUE else f"{number}", shown)


def _there(app: App, threads: Iterable[str]) -> Iterator[ThreadView]:
    """Those of them that nobody has deleted meanwhile."""
    for id in threads:
        with suppress(NotFound):
            yield app.show(id)


def _all(app: App, wanted: Wanted) -> tuple[list[Row], str | None]:
    """A page of all threads, the newest first, and the thread before which the next one begins."""
    shown: list[Row] = []
    before, passed, is_cut = wanted.before, 0, True
    while is_cut and len(shown) < MOST and passed < LOOKED_THROUGH:
        # Others may have begun in the same millisecond as the one before which to go on.
        until_ms, limit = (None, MOST) if before is None else (clock.ulid_ms(before) + 1, MOST + 1)
        found = app.threads("all", limit=limit, until_ms=until_ms)
        older = [each for each in found.threads if before is None or each.thread < before]
        shown += [row for row in map(rows.of_view, older) if row.fits(wanted.words)]
        passed += len(found.threads)
        is_cut = found.is_cut and bool(older)
        before = older[-1].thread if older else None
    return shown, before if is_cut else None
