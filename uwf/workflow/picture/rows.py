"""The rows of a layered layout: which box stands in which, and in what order.

Edges that lead back are turned around, so that all lead down; a box stands below everything that
leads to it; and within a row the order is the one with the fewest crossings that sweeps by
barycentre come upon. `layout` gives the rows their places.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

Size = tuple[float, float]
"""Width and height in pixels."""

_SWEEPS = 12


class Item:
    """Something that takes room in a row: a box, a label, or a place where a long line passes."""

    def __init__(self, row: int, size: Size, body: Size | None = None) -> None:
        self.row, self.size, self.body = row, size, body or size
        self.above: list[Item] = []
        self.below: list[Item] = []
        self.order = 0.0
        self.x = 0.0
        self.y = 0.0


def downward(
    names: list[str], edges: list[tuple[str, str]], last: str | None
) -> list[tuple[str, str]]:
    """The edges with those turned around that leave `last`, or would close a circle in a walk from
    the first box. What is far from `last` is walked first, so that a circle is entered where it begins.
    """
    turned = {(source, target) for source, target in edges if source == last}
    state: dict[str, int] = {}
    targets: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        if source != last:
            targets[source].append(target)
    away = _away_from(last, edges)
    for found in targets.values():
        found.sort(key=lambda name: -away.get(name, 0))
    for root in names:
        walk = [(root, iter(targets[root]))] if root not in state else []
        state.setdefault(root, 1)
        while walk:
            name, rest = walk[-1]
            following = next(rest, None)
            if following is None:
                state[name] = 2
                walk.pop()
            elif state.get(following) == 1:
                turned.add((name, following))
            elif following not in state:
                state[following] = 1
                walk.append((following, iter(targets[following])))
    return [(end, begin) if (begin, end) in turned else (begin, end) for begin, end in edges]


def _away_from(last: str | None, edges: list[tuple[str, str]]) -> dict[str, int]:
    """How many edges lead from each box to `last`, at least; those that do not lead there are left out."""
    sources: dict[str, list[str]] = {}
    for source, target in edges:
        sources.setdefault(target, []).append(source)
    away = {} if last is None else {last: 0}
    reached = list(away)
    for name in reached:
        for source in sources.get(name, ()):
            if source not in away:
                away[source] = away[name] + 1
                reached.append(source)
    return away


def numbers(names: list[str], edges: list[tuple[str, str]], last: str | None) -> dict[str, int]:
    """The row of each box: below everything that leads to it."""
    rows = dict.fromkeys(names, 0)
    leads_to: dict[str, list[str]] = {name: [] for name in names}
    coming = dict.fromkeys(names, 0)
    for source, target in edges:
        leads_to[source].append(target)
        coming[target] += 1
    settled = [name for name in names if not coming[name]]
    for source in settled:
        for target in leads_to[source]:
            rows[target] = max(rows[target], rows[source] + 1)
            coming[target] -= 1
            if not coming[target]:
                settled.append(target)
    if last is not None:
        rows[last] = max(max(row for name, row in rows.items() if name != last) + 1, rows[last])
    return rows


def rows_of(items: list[Item]) -> list[list[Item]]:
    """The items by row, from the top."""
    levels: list[list[Item]] = [[] for _ in range(1 + max((item.row for item in items), default=0))]
    for item in items:
        levels[item.row].append(item)
    return levels


def sort(levels: list[list[Item]]) -> None:
    """Sweeps down and up, sorting each row by the mean place of its neighbours; keeps the best
    order met.
    """
    _number(levels)
    best, fewest = [list(level) for level in levels], _crossings(levels)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for level in levels if down else reversed(levels):
            level.sort(key=lambda item: _mean(item.above if down else item.below, item.order))
            _number([level])
        crossings = _crossings(levels)
        if crossings < fewest:
            best, fewest = [list(level) for level in levels], crossings
    for level, order in zip(levels, best, strict=True):
        level[:] = order
    _number(levels)


def _number(levels: Sequence[Sequence[Item]]) -> None:
    for level in levels:
        for index, item in enumerate(level):
            item.order = index - (len(level) - 1) / 2


def _mean(neighbours: list[Item], otherwise: float) -> float:
    if not neighbours:
        return otherwise
    return sum(item.order for item in neighbours) / len(neighbours)


def _crossings(levels: list[list[Item]]) -> int:
    """How many pairs of lines cross between rows: pairs whose lower ends are in the wrong order."""
    total = 0
    for level in levels:
        passed: list[float] = []
        for item in level:
            ends = sorted(below.order for below in item.below)
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total
