"""Which threads are due, which one is next, and who is reminded that a thread waits for a person. Only reads.

What is due is one walk of the index of tags, however many threads there are. A reminder is no timer: when it comes
follows from how long the thread has waited, half an hour at first, and each time twice as long, up to a day.
"""

from __future__ import annotations

from uwf.engine.chain import wake
from uwf.engine.chain.hosts import preferred
from uwf.engine.chain.tags import (
    CANCELLED,
    PLACE,
    PRIORITY,
    STATUS,
    SUSPEND_MESSAGE,
    SUSPENDED,
    THREADS,
    number_of,
)
from uwf.engine.chain.thread import runner
from uwf.engine.query.home.urgency import DueThread, ordered
from uwf.errors import StoreError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.store.protocols import Store
    from uwf.store.values import Ref

FIRST_LOOK_MS, LAST_LOOK_MS = 30 * 60_000, 86_400_000


class UnreadableTimer(Record):
    """A thread whose timer cannot be read, and why; `hint` is what mends it."""

    thread: str
    why: str
    hint: str | None


class DueThreads(Record):
    """The threads that are to be run now, the most urgent first, also those that run already; those of which that
    cannot be told; and when the next one is due (epoch ms), None while none is.
    """

    threads: tuple[DueThread, ...]
    unreadable: tuple[UnreadableTimer, ...]
    next_ms: int | None


class Waits(Record):
    """A thread that waits for a person, since when (epoch ms), and what it asks."""

    thread: str
    since: int
    message: str


def due(store: Store, now_ms: int, *, look_ahead: bool) -> DueThreads:
    """Who is due at `now_ms`.

    Only with `look_ahead` all timers are read, for those that were set while the clock was ahead: worth it where it may
    have been set back since the last look.
    """
    over, running = _moment(now_ms + 1), store.refs_by_tag(THREADS, wake.WOKEN_FOR)
    refs = store.refs_by_tag(THREADS, wake.WAKE_AT, high=over) + running
    # Those that run may have been told to wake again, before the one that is next.
    ahead = None if look_ahead else len(running) + 1
    later = store.refs_by_tag(THREADS, wake.WAKE_AT, low=over, limit=ahead)
    odd = [ref for ref in later if ref.updated_ms > now_ms or _at_ms(ref) is None]
    found, unreadable = _read({ref.name: ref for ref in (*refs, *odd)}.values(), now_ms)
    is_found = {THREADS + each.thread for each in found}
    next_ms = next((_at_ms(ref) for ref in later if ref.name not in is_found), None)
    if next_ms is None and len(later) == ahead:
        return due(store, now_ms, look_ahead=True)
    return DueThreads(tuple(ordered(found, now_ms)), tuple(unreadable), next_ms)


def soonest(store: Store, limit: int) -> list[DueThread]:
    """The threads with a timer that no process runs, at most `limit`: what is due first, then what will be. One whose
    timer cannot be read is left out.
    """
    refs = store.refs_by_tag(THREADS, wake.WAKE_AT, limit=limit)
    found, _ = _read(refs, wake.LAST_MS)
    idle = [each for each in found if runner(store, each.thread) is None]
    return sorted(idle, key=lambda each: each.wake.at_ms)


def is_now(store: Store, thread: str, now_ms: int) -> bool:
    """Whether `thread` is due at `now_ms`, and no process runs it. One whose timer cannot be read is not."""
    ref = store.ref(THREADS + thread)
    found = [] if ref is None else _read([ref], now_ms)[0]
    return bool(found) and runner(store, thread) is None


def under_way(store: Store) -> list[str]:
    """The threads that run because they were due."""
    ids = [ref.name.removeprefix(THREADS) for ref in store.refs_by_tag(THREADS, wake.WOKEN_FOR)]
    return [id for id in ids if runner(store, id) is not None]


def waiting(store: Store, after_ms: int, now_ms: int) -> list[Waits]:
    """The threads that wait for a person and are to be told of again: a look at them came after `after_ms`, and is
    over. The one that has waited longest comes first.
    """
    found = [
        Waits(ref.name.removeprefix(THREADS), ref.updated_ms, ref.tags.get(SUSPEND_MESSAGE, ""))
        for ref in store.refs(THREADS, tags={STATUS: SUSPENDED})
        if next_look_ms(ref.updated_ms, after_ms) <= now_ms
    ]
    return sorted(found, key=lambda each: (each.since, each.thread))


def next_look_ms(since_ms: int, now_ms: int) -> int:
    """When one that waits since `since_ms` is to be looked at for the first time after `now_ms`."""
    wait_ms, at_ms = FIRST_LOOK_MS, since_ms + FIRST_LOOK_MS
    while at_ms <= now_ms and wait_ms < LAST_LOOK_MS:
        wait_ms = min(2 * wait_ms, LAST_LOOK_MS)
        at_ms += wait_ms
    if at_ms <= now_ms:
        at_ms += (1 + (now_ms - at_ms) // LAST_LOOK_MS) * LAST_LOOK_MS
    return at_ms


def _read(refs: Iterable[Ref], now_ms: int) -> tuple[list[DueThread], list[UnreadableTimer]]:
    found, unreadable = list[DueThread](), list[UnreadableTimer]()
    for ref in refs:
        id, status = ref.name.removeprefix(THREADS), ref.tags.get(STATUS, "")
        try:
            timer = wake.due(ref.tags, id, ref.updated_ms, now_ms)
            if timer is not None and status != CANCELLED:
                priority = number_of(ref.tags, PRIORITY, id) or 0
                host = preferred(ref.tags, timer.at_ms, now_ms)
                place, unserved = ref.tags.get(PLACE), number_of(ref.tags, wake.UNSERVED, id)
                not_on = wake.not_on(ref.tags)
                found.append(DueThread(id, status, priority, timer, place, host, unserved, not_on))
        except StoreError as error:
            unreadable.append(UnreadableTimer(id, error.message, error.hint))
    return found, unreadable


def _at_ms(ref: Ref) -> int | None:
    text = ref.tags[wake.WAKE_AT]
    return int(text) if text.isascii() and text.isdecimal() else None


def _moment(at_ms: int) -> str:
    """A moment as timers have it, to compare them with."""
    return f"{max(at_ms, 0):013d}"
