"""Which threads a listing shows: newest first, by status, label, workflow and time, page by page."""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain.tags import ACTIVE, LABEL, STATUSES, THREADS
from uwf.engine.query.threads import CORRUPT, RUNNING, View
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from uwf.engine.chain.nodes import Reader
    from uwf.store.protocols import Ref

SHOWN_STATUSES = (*STATUSES, RUNNING, CORRUPT)
_PAGE = 256


class Filter(Record):
    """What a thread must be to be listed. `statuses` are as shown; `workflow` is a name, or an object id."""

    statuses: tuple[str, ...] = ACTIVE
    workflow: str | None = None
    workflow_id: str | None = None
    labels: dict[str, str] | None = None
    since_ms: int | None = None
    until_ms: int | None = None


def rows(
    reader: Reader, view: View, wanted: Filter, *, limit: int | None, offset: int
) -> Iterator[dict[str, Any]]:
    """The rows of the threads that fit, as `View.thread` shows them, newest first."""
    left = offset
    given = 0
    for ref in _refs(reader, wanted, None if limit is None else limit + offset):
        row = view.thread(ref)
        if not _fits(row, wanted):
            continue
        if left:
            left -= 1
            continue
        yield row
        given += 1
        if given == limit:  # before the next page is read
            return


def count(reader: Reader, wanted: Filter) -> int | None:
    """How many threads a listing would show, give or take some that run, as their tags and their age tell.

    None where the tags do not tell it, but only a look at each thread.
    """
    if wanted.workflow_id is not None or not _is_told_by_tags(set(wanted.statuses)):
        return None
    low, high = _span(wanted)
    if low is high is None:
        return reader.count_refs(THREADS, tags=_tags(wanted))
    return len(reader.refs(THREADS, tags=_tags(wanted), low=low, high=high))


def statuses_of(words: str) -> tuple[str, ...]:
    """`--status a,b` as statuses. Raises `InputError` for a word that is none."""
    found = tuple(word.strip() for word in words.split(",") if word.strip())
    for word in found:
        if word not in SHOWN_STATUSES:
            raise InputError(
                f"there is no status {word!r}; there are {', '.join(SHOWN_STATUSES)}",
                hint="uwf thread list --status idle,suspended",
            )
    if not found:
        raise InputError("--status names no status", hint="uwf thread list --status idle")
    return found


def _refs(reader: Reader, wanted: Filter, first: int | None) -> Iterator[Ref]:
    low, high = _span(wanted)
    tags = _tags(wanted)
    size = _PAGE if first is None else min(max(first, 1), _PAGE)
    while True:
        page = reader.refs(THREADS, tags=tags, low=low, high=high, newest_first=True, limit=size)
        yield from page
        if len(page) < size:
            return
        high = page[-1].name
        size = _PAGE


def _span(wanted: Filter) -> tuple[str | None, str | None]:
    """The range of names whose threads have the age that is wanted."""
    low = None if wanted.since_ms is None else THREADS + _ulid_floor(wanted.since_ms)
    high = None if wanted.until_ms is None else THREADS + _ulid_floor(wanted.until_ms)
    return low, high


def _tags(wanted: Filter) -> dict[str, str | tuple[str, ...]]:
    tags: dict[str, str | tuple[str, ...]] = {}
    statuses = set(wanted.statuses)
    if CORRUPT not in statuses:
        if RUNNING in statuses:
            statuses |= set(ACTIVE)
        plain = tuple(status for status in STATUSES if status in statuses)
        if len(plain) < len(STATUSES):
            tags["status"] = plain
    if wanted.workflow is not None:
        tags["workflow"] = wanted.workflow
    for key, value in (wanted.labels or {}).items():
        tags[LABEL + key] = value
    return tags


def _is_told_by_tags(statuses: set[str]) -> bool:
    """Whether the threads with the tags of `_tags` are those that show one of `statuses`."""
    if CORRUPT in statuses:
        return set(STATUSES) <= statuses
    return RUNNING not in statuses or set(ACTIVE) <= statuses


def _fits(row: dict[str, Any], wanted: Filter) -> bool:
    if row["status"] not in wanted.statuses and not (
        row["status"] in (RUNNING, CORRUPT) and set(ACTIVE) <= set(wanted.statuses)
    ):
        return False
    return wanted.workflow_id is None or row["workflow"] == wanted.workflow_id


def _ulid_floor(at_ms: int) -> str:
    """The beginning that every ULID of that moment or later has, or is past."""
    if not 0 <= at_ms < 1 << 48:
        raise InputError(f"a time must be between 1970 and 10889, not {at_ms} ms")
    return clock.ulid(at_ms)[:10]
