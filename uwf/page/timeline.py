"""When a thread's agents worked, and when it waited, as bars beside each other.

Where nobody worked for long, as over a night, the axis is shortened: all that time takes less than a third of what work
takes, or the bars of days would be too thin to see.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_GAPS = 0.3
"""The share that all waiting may take of the time of all work."""


class Span(Record):
    """An attempt, from when (epoch ms) to when; `kind` is how it is drawn."""

    begin: int
    end: int
    kind: str
    words: str


class TimeBar(Record):
    """A span on the axis: from `left` on, `width` wide, both in percent."""

    left: float
    width: float
    kind: str
    words: str


class Axis:
    """Where each moment of the spans stands, in percent."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._stretches = _stretches(spans)
        self._ends = [end for _, end, _ in self._stretches]
        self._drawn = list(accumulate((drawn for _, _, drawn in self._stretches), initial=0.0))

    def bar(self, span: Span) -> TimeBar:
        left, right = self._at(span.begin), self._at(span.end)
        return TimeBar(round(left, 2), round(right - left, 2), span.kind, span.words)

    def wait(self, begin: int, end: int, words: str) -> TimeBar:
        """From the end of one span to the beginning of another."""
        return self.bar(Span(begin, max(begin, end), "wait", words))

    def _at(self, moment: int) -> float:
        index = bisect_left(self._ends, moment)
        if index == len(self._ends):
            return 100.0
        begin, end, drawn = self._stretches[index]
        inside = (moment - begin) / (end - begin) if end > begin else 0.0
        return 100 * (self._drawn[index] + drawn * max(0.0, inside)) / (self._drawn[-1] or 1.0)


def _stretches(spans: Sequence[Span]) -> list[tuple[int, int, float]]:
    """From when to when somebody worked, then nobody, in turn, and how long each is drawn."""
    works: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda each: each.begin):
        end = max(span.begin, span.end)
        if works and span.begin <= works[-1][1]:
            works[-1] = works[-1][0], max(works[-1][1], end)
        else:
            works.append((span.begin, end))
    worked = sum(end - begin for begin, end in works)
    most = _GAPS * max(worked, 1) / max(1, len(works) - 1)
    found: list[tuple[int, int, float]] = []
    for (begin, end), (then, _) in pairwise(works):
        found += [(begin, end, float(end - begin)), (end, then, min(float(then - end), most))]
    return [*found, *((begin, end, float(max(1, end - begin))) for begin, end in works[-1:])]
