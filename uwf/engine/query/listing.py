"""Which threads a listing shows: newest first, by status, label, workflow and time, page by page."""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain.tags import ACTIVE, HISTORY, LABEL, STATUS, STATUSES, THREADS, WORKFLOW
from uwf.engine.query.thread_view import WAITING
from uwf.engine.query.threads import CORRUPT, RUNNING
from uwf.errors import Ambiguous, InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from uwf.engine.chain.nodes import Reader
    from uwf.engine.query.thread_view import ThreadView
    from uwf.engine.query.threads import ThreadViews
    from uwf.store.values import Ref

SHOWN_STATUSES = (*STATUSES, RUNNING, WAITING, CORRUPT)
"""What a listing shows as the status of a thread. One that waits for a slot is running as well: somebody holds it."""
_HELD = frozenset((RUNNING, WAITING))
_GROUPS = {"active": ACTIVE, "history": HISTORY, "all": SHOWN_STATUSES}
_PAGE = 256


NUMBERS: dict[str, Callable[[ThreadView], float | None]] = {
    "begun": lambda thread: thread.started_at,
    "updated": lambda thread: thread.updated_at,
    "completed": lambda thread: thread.completed_at,
    "priority": lambda thread: thread.priority,
    "step": lambda thread: thread.steps,
    "round": lambda thread: thread.rounds,
    "usd": lambda thread: (thread.spent or {}).get("usd"),
    "tokens": lambda thread: (thread.spent or {}).get("tokens"),
    "time": lambda thread: (thread.spent or {}).get("time"),
}
WORDS: dict[str, Callable[[ThreadView], str | None]] = {
    "status": lambda thread: thread.state,
    "workflow": lambda thread: thread.workflow_name,
    "title": lambda thread: thread.title,
    "task": lambda thread: thread.prompt,
}
SORTS: dict[str, Callable[[ThreadView], Any]] = {**NUMBERS, **WORDS}
"""What threads can be sorted by, called as the columns are: numbers and times from the highest, words from the
first of the alphabet."""


class ThreadFilter(Record):
    """What a thread must be to be listed. `statuses` are as shown; `workflow` is a name, `workflow_id` an object.
    `classes` are those of the failure that its last attempt came to; none means any, and no failure.
    """

    statuses: tuple[str, ...] = ACTIVE
    workflow: str | None = None
    workflow_id: str | None = None
    labels: dict[str, str] | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    classes: tuple[str, ...] = ()


class Listing:
    """One page of the threads that fit, newest first. `is_cut` says whether there are more."""

    def __init__(
        self, reader: Reader, wanted: ThreadFilter, threads: list[ThreadView], is_cut: bool
    ) -> None:
        self.threads = threads
        self.is_cut = is_cut
        self._reader = reader
        self._wanted = wanted

    def total(self) -> int | None:
        """How many threads fit, give or take some that run; None where only a look at each would tell."""
        return count(self._reader, self._wanted)


def wanted(
    reader: Reader,
    statuses: Sequence[str] | str,
    workflow: str | None = None,
    labels: Mapping[str, str] | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
    classes: Sequence[str] = (),
) -> ThreadFilter:
    """The filter for these conditions. Raises `InputError` for a status or a class that there is none of.

    `statuses` may be "active", "history" or "all", and `workflow` the beginning of an id.
    """
    if isinstance(statuses, str):
        statuses = _GROUPS[statuses]
    for word in statuses:
        if word not in SHOWN_STATUSES:
            raise InputError(
                f"there is no status {word!r}; there are {', '.join(SHOWN_STATUSES)}",
                hint="uwf thread list --status idle,suspended",
            )
    if classes:
        _check_classes(classes)
    id = None
    if workflow is not None:
        from uwf.engine.query import workflows  # the usual listing has no such condition

        try:
            id = workflows.object_of(reader, workflow)
        except Ambiguous:
            id = None  # it can only be meant as a name
    return ThreadFilter(
        statuses=tuple(statuses),
        workflow=workflow if id is None else None,
        workflow_id=id,
        labels=dict(labels or {}),
        since_ms=since_ms,
        until_ms=until_ms,
        classes=tuple(classes),
    )


def _check_classes(classes: Sequence[str]) -> None:
    from uwf.agent.failure import CLASSES  # the usual listing has no such condition

    for word in classes:
        if word not in CLASSES:
            raise InputError(
                f"there is no class of failure {word!r}; there are {', '.join(CLASSES)}",
                hint="uwf thread retry --where class=network,quota --dry-run",
            )


def look(
    reader: Reader,
    views: ThreadViews,
    wanted: ThreadFilter,
    *,
    limit: int | None,
    offset: int = 0,
    sort: str | None = None,
) -> Listing:
    """At most `limit` of the threads that fit, after the first `offset`, in the order of `sort`.

    Another order than the usual one is known only once all of them are read.
    """
    most = None if limit is None else limit + 1
    if sort is None:
        found = list(rows(reader, views, wanted, limit=most, offset=offset))
    else:
        _check_sort(sort)
        all = list(rows(reader, views, wanted, limit=None, offset=0))
        found = _sorted(all, sort)[offset:][:most]
    return Listing(reader, wanted, found[:limit], limit is not None and len(found) > limit)


def rows(
    reader: Reader, views: ThreadViews, wanted: ThreadFilter, *, limit: int | None, offset: int
) -> Iterator[ThreadView]:
    """The threads that fit, newest first. Where their tags tell that they do, no other is read."""
    left, skip = (0, offset) if _all_fit(wanted) else (offset, 0)
    given = 0
    for ref in _refs(reader, wanted, None if limit is None else limit + left, skip):
        view = views.thread(ref)
        if not _fits(view, wanted):
            continue
        if left:
            left -= 1
            continue
        yield view
        given += 1
        if given == limit:  # before the next page is read
            return


def _check_sort(sort: str) -> None:
    word = sort.removeprefix("-")
    if word not in SORTS:
        from uwf.nearest import nearest, or_meant

        raise InputError(
            f"threads cannot be sorted by {word!r}, but by {', '.join(SORTS)}{or_meant(word, SORTS)}",
            hint=f"uwf thread list --sort {nearest(word, SORTS) or 'updated'}",
        )


def _sorted(threads: list[ThreadView], sort: str) -> list[ThreadView]:
    """In that order; those that lack such a value come last, whichever way it goes."""
    name = sort.removeprefix("-")
    values = [(SORTS[name](thread), thread) for thread in threads]
    there = [pair for pair in values if pair[0] is not None]
    there.sort(key=lambda pair: pair[0], reverse=(name in WORDS) == (sort != name))
    return [thread for _, thread in there] + [thread for value, thread in values if value is None]


def count(reader: Reader, wanted: ThreadFilter) -> int | None:
    """How many threads a listing would show, give or take some that run, as their tags and their age tell.

    None where the tags do not tell it, but only a look at each thread.
    """
    if (
        wanted.workflow_id is not None
        or wanted.classes
        or not _is_told_by_tags(set(wanted.statuses))
    ):
        return None
    low, high = _span(wanted)
    if low is high is None:
        return reader.count_refs(THREADS, tags=_tags(wanted))
    return len(reader.refs(THREADS, tags=_tags(wanted), low=low, high=high))


def _refs(reader: Reader, wanted: ThreadFilter, first: int | None, skip: int) -> Iterator[Ref]:
    low, high = _span(wanted)
    tags = _tags(wanted)
    size = _PAGE if first is None else min(max(first, 1), _PAGE)
    while True:
        page = reader.refs(
            THREADS, tags=tags, low=low, high=high, newest_first=True, limit=size, offset=skip
        )
        yield from page
        if len(page) < size:
            return
        high = page[-1].name
        size, skip = _PAGE, 0


def _span(wanted: ThreadFilter) -> tuple[str | None, str | None]:
    """The range of names whose threads have the age that is wanted."""
    low = None if wanted.since_ms is None else THREADS + _ulid_floor(wanted.since_ms)
    high = None if wanted.until_ms is None else THREADS + _ulid_floor(wanted.until_ms)
    return low, high


def _tags(wanted: ThreadFilter) -> dict[str, str | tuple[str, ...]]:
    tags: dict[str, str | tuple[str, ...]] = {}
    statuses = set(wanted.statuses)
    if CORRUPT not in statuses:
        if statuses & _HELD:
            statuses |= set(ACTIVE)
        plain = tuple(status for status in STATUSES if status in statuses)
        if len(plain) < len(STATUSES):
            tags[STATUS] = plain
    if wanted.workflow is not None:
        tags[WORKFLOW] = wanted.workflow
    for key, value in (wanted.labels or {}).items():
        tags[LABEL + key] = value
    return tags


def _is_told_by_tags(statuses: set[str]) -> bool:
    """Whether the threads with the tags of `_tags` are those that show one of `statuses`."""
    if CORRUPT in statuses:
        return set(STATUSES) <= statuses
    return not statuses & _HELD or set(ACTIVE) <= statuses


def _all_fit(wanted: ThreadFilter) -> bool:
    """Whether every thread with the tags of `_tags` fits, however it is shown."""
    statuses = set(wanted.statuses)
    is_told = wanted.workflow_id is None and not wanted.classes and _is_told_by_tags(statuses)
    return is_told and set(ACTIVE) <= statuses


def _fits(view: ThreadView, wanted: ThreadFilter) -> bool:
    statuses = set(wanted.statuses)
    if not statuses & {view.status, view.state} and not (
        view.status in (RUNNING, CORRUPT) and set(ACTIVE) <= statuses
    ):
        return False
    if wanted.classes and (view.error is None or view.error.code not in wanted.classes):
        return False
    return wanted.workflow_id is None or view.workflow == wanted.workflow_id


def _ulid_floor(at_ms: int) -> str:
    """The beginning that every ULID of that moment or later has, or is past."""
    if not 0 <= at_ms < 1 << 48:
        raise InputError(f"a time must be between 1970 and 10889, not {at_ms} ms")
    return clock.ulid(at_ms)[:10]
