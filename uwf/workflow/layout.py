"""Where the boxes and lines of a graph go: a layered layout after Sugiyama.

Rows by longest path, with edges that lead back turned around; order within a row by barycentre;
places by pooling adjacent violators, so that nothing in a row overlaps; lines through the places.
An edge's label is a box in the row between its ends, so that labels cannot overlap either. See
Gansner et al., "A Technique for Drawing Directed Graphs", IEEE TSE 19(3), 1993.

All numbers are pixels. Knows nothing about workflows and draws nothing.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from itertools import pairwise

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GAP_X = 28.0
GAP_Y = 30.0
_LINE_WIDTH = 10.0
_SWEEPS = 12

Size = tuple[float, float]
Point = tuple[float, float]


class Box(Record):
    """`body` is what is seen and where lines end; `room`, around the same middle, is kept free."""

    body: Size
    room: Size


class Line(Record):
    """An edge as drawn: from box to box, in the edge's own direction, straight down or up through
    each point pair.

    `points` come in pairs (leaving, arriving); between two pairs the line may curve. `label` is the
    middle of its text.
    """

    points: tuple[Point, ...]
    label: Point


class Layout(Record):
    """`places` are the middles of the boxes. `lines` has an entry for every edge, in the order
    given.
    """

    width: float
    height: float
    places: dict[str, Point]
    lines: tuple[Line, ...]


class _Item:
    """Something that takes room in a row: a box, a label, or a place where a long line passes."""

    def __init__(self, row: int, size: Size, body: Size | None = None) -> None:
        self.row, self.size, self.body = row, size, body or size
        self.above: list[_Item] = []
        self.below: list[_Item] = []
        self.order = 0.0
        self.x = 0.0
        self.y = 0.0


def arrange(
    boxes: Mapping[str, Box], edges: Sequence[tuple[str, str, Size]], last: str | None = None
) -> Layout:
    """Lays out `boxes`, and `edges` given as (source, target, size of label).

    The first box is on top, and `last`, if given, at the bottom. Edges from a box to itself are not
    for here.
    """
    downward = _downward(list(boxes), [(source, target) for source, target, _ in edges], last)
    rows = _rows(list(boxes), downward, last)
    items = {name: _Item(2 * rows[name], box.room, box.body) for name, box in boxes.items()}
    chains = [
        _chain(items[ends[0]], items[ends[1]], label)
        for ends, (_, _, label) in zip(downward, edges, strict=True)
    ]
    levels = _levels([*items.values(), *(item for chain in chains for item in chain[1:-1])])
    _order(levels)
    _place(levels)
    width = max((item.x + item.size[0] / 2 for level in levels for item in level), default=0.0)
    height = max((item.y + item.size[1] / 2 for level in levels for item in level), default=0.0)
    lines = []
    for chain, ends, (source, _, _) in zip(chains, downward, edges, strict=True):
        points = _points(chain)
        lines.append(
            Line(tuple(points if ends[0] == source else reversed(points)), _label_of(chain))
        )
    places = {name: (item.x, item.y) for name, item in items.items()}
    return Layout(width, height, places, tuple(lines))


def _downward(
    names: list[str], edges: list[tuple[str, str]], last: str | None
) -> list[tuple[str, str]]:
    """The edges with those turned around that leave `last`, or would close a circle in a walk from
    the first box.
    """
    turned = {(source, target) for source, target in edges if source == last}
    state: dict[str, int] = {}
    targets: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        if source != last:
            targets[source].append(target)
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


def _rows(names: list[str], edges: list[tuple[str, str]], last: str | None) -> dict[str, int]:
    """The row of each box: below everything that leads to it."""
    rows = dict.fromkeys(names, 0)
    for _ in names:
        changed = False
        for source, target in edges:
            if rows[target] <= rows[source]:
                rows[target] = rows[source] + 1
                changed = True
        if not changed:
            break
    if last is not None:
        rows[last] = max(max(row for name, row in rows.items() if name != last) + 1, rows[last])
    return rows


def _chain(top: _Item, bottom: _Item, label: Size) -> list[_Item]:
    """The items a line passes from `top` to `bottom`; the label takes the middle row between boxes."""
    middle = (top.row + bottom.row) // 2
    middle += 1 - middle % 2
    chain = [top]
    for row in range(top.row + 1, bottom.row):
        chain.append(_Item(row, label if row == middle else (_LINE_WIDTH, 0.0)))
    chain.append(bottom)
    for above, below in pairwise(chain):
        above.below.append(below)
        below.above.append(above)
    return chain


def _levels(items: list[_Item]) -> list[list[_Item]]:
    levels: list[list[_Item]] = [
        [] for _ in range(1 + max((item.row for item in items), default=0))
    ]
    for item in items:
        levels[item.row].append(item)
    return levels


def _order(levels: list[list[_Item]]) -> None:
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


def _number(levels: Sequence[Sequence[_Item]]) -> None:
    for level in levels:
        for index, item in enumerate(level):
            item.order = index - (len(level) - 1) / 2


def _mean(neighbours: list[_Item], otherwise: float) -> float:
    if not neighbours:
        return otherwise
    return sum(item.order for item in neighbours) / len(neighbours)


def _crossings(levels: list[list[_Item]]) -> int:
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


def _place(levels: list[list[_Item]]) -> None:
    """Rows from top to bottom, and within each row as near to the neighbours as its order allows."""
    y = 0.0
    for level in levels:
        height = max((item.size[1] for item in level), default=0.0)
        for item in level:
            item.y = y + height / 2
            item.x = item.order * (item.size[0] + GAP_X)
        y += height + GAP_Y
    for sweep in range(2 * _SWEEPS):
        down = sweep % 2 == 0
        for level in levels if down else list(reversed(levels)):
            _pack(level, [_wish(item, item.above if down else item.below) for item in level])
    left = min((item.x - item.size[0] / 2 for level in levels for item in level), default=0.0)
    for level in levels:
        for item in level:
            item.x -= left


def _wish(item: _Item, neighbours: list[_Item]) -> tuple[float, float]:
    """Where an item would like to be, and how much: parts of one line insist on being straight."""
    if not neighbours:
        return item.x, 0.1
    passing = len(item.above) == len(item.below) == 1
    return sum(other.x for other in neighbours) / len(neighbours), 4.0 if passing else 1.0


def _pack(level: list[_Item], wishes: list[tuple[float, float]]) -> None:
    """The places nearest to the wishes, by weighted squares, that keep order and distance (isotonic
    regression).
    """
    offsets, offset = [], 0.0
    for index, item in enumerate(level):
        if index:
            offset += (level[index - 1].size[0] + item.size[0]) / 2 + GAP_X
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []
    for (wish, weight), shift in zip(wishes, offsets, strict=True):
        value, count = wish - shift, 1
        while pools and pools[-1][0] >= value:
            above, above_weight, above_count = pools.pop()
            value = (above * above_weight + value * weight) / (above_weight + weight)
            weight, count = above_weight + weight, above_count + count
        pools.append((value, weight, count))
    values = [value for value, _, count in pools for _ in range(count)]
    for item, value, shift in zip(level, values, offsets, strict=True):
        item.x = value + shift


def _points(chain: list[_Item]) -> list[Point]:
    """From the bottom of the first item, straight through the ones between, to the top of the last."""
    top, bottom = chain[0], chain[-1]
    points = [(_port(top, top.below, chain[1]), top.y + top.body[1] / 2)]
    for item in chain[1:-1]:
        points += [(item.x, item.y - item.size[1] / 2), (item.x, item.y + item.size[1] / 2)]
    return [*points, (_port(bottom, bottom.above, chain[-2]), bottom.y - bottom.body[1] / 2)]


def _port(box: _Item, neighbours: list[_Item], towards: _Item) -> float:
    """Where a line meets the edge of a box: its share of the side, in the order of the neighbours."""
    order = sorted(neighbours, key=lambda item: item.x)
    share = (order.index(towards) + 1) / (len(order) + 1) - 0.5
    return box.x + share * min(box.body[0] - 16, 36.0 * len(order))


def _label_of(chain: list[_Item]) -> Point:
    label = max(chain[1:-1], key=lambda item: item.size[1])
    return (label.x, label.y)
