"""In which order threads are run that are due: the one order, for a pass by hand and for the daemon.

Two layers. What keeps the system itself going comes first: what failed, was refused or cut off, and deadlines; then the
words of a person; then times that have been late for a while and must not slip further. All else follows by one
number: a point for each kind that stands above others, those of the thread's own priority, and one for every ten
minutes that it has waited, so that nothing waits for ever. Ties go by arrival.
"""

from __future__ import annotations

from uwf.engine.chain import wake
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.engine.chain.wake import Wake

AGE_MS = 10 * 60_000
"""So long a wait is worth a point."""
SLIPPING_MS = 5 * 60_000
"""So late a timer must not slip further."""
MOST_POINTS = 100
"""Of a thread's own priority."""

_POINTS = {wake.PERSON: 4, wake.COLLABORATION: 3, wake.ENVIRONMENT: 2, wake.ECONOMY: 1}
_ZERO_S, _LAYER_S = 2_000_000_000, 1_000_000_000
"""A moment in the middle of those that such a number tells apart, in seconds since 1970, and how many it does."""
_KEEPS_GOING, _WORDS, _SLIPPING, _OTHERS = range(4)


class DueThread(Record):
    """A thread that is to be run now, and what for. `status` is that of its tags, `priority` its own.
    Of many machines it may run at its `place` alone, and is left to its `host` for now; None: to any. None could run it
    since `unserved` (epoch ms), as far as that is on record; those that it is `not_on` have said so.
    """

    thread: str
    status: str
    priority: int
    wake: Wake
    place: str | None = None
    host: str | None = None
    unserved: int | None = None
    not_on: tuple[str, ...] = ()


def ordered(due: Iterable[DueThread], now_ms: int) -> list[DueThread]:
    """The most urgent first."""
    return sorted(due, key=lambda each: _rank(each, now_ms))


def number(due: DueThread, now_ms: int) -> int:
    """The same order as one whole number of 32 bits, a higher one first: for a queue that sorts by that.

    It changes with the layer alone: all wait equally long from then on, so what matters is since when.
    """
    layer, wish = _layer(due.wake, max(0, now_ms - due.wake.at_ms)), due.wake
    points = _own_points(due) + (_POINTS.get(wish.kind, 0) if layer == _OTHERS else 0)
    since_s = wish.at_ms // 1000 - _ZERO_S - points * AGE_MS // 1000
    most = _LAYER_S // 2 - 1
    return _LAYER_S // 2 - (layer - 1) * _LAYER_S - min(max(since_s, -most), most)


def _own_points(due: DueThread) -> int:
    return min(max(due.priority, -MOST_POINTS), MOST_POINTS)


def _rank(due: DueThread, now_ms: int) -> tuple[int, float, int, str]:
    wish = due.wake
    waits_ms = max(0, now_ms - wish.at_ms)
    points = _own_points(due) + waits_ms / AGE_MS
    layer = _layer(wish, waits_ms)
    if layer == _OTHERS:
        points += _POINTS.get(wish.kind, 0)
    return layer, -points, wish.at_ms, due.thread


def _layer(wish: Wake, waits_ms: int) -> int:
    if wish.kind in (wake.RECOVERY, wake.DEADLINE):
        return _KEEPS_GOING
    if wish.kind == wake.PERSON and wish.for_words:
        return _WORDS
    if wish.kind == wake.TIMER and waits_ms > SLIPPING_MS:
        return _SLIPPING
    return _OTHERS
