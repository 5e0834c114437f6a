"""Where the boxes and lines of a graph go: a layered layout after Sugiyama.

`rows` says what stands in which row and in what order; here each gets its place, by pooling
adjacent violators, so that nothing in a row overlaps, and the lines are led through the places. An
edge's label is an item in the row between its ends, so that labels cannot overlap either. See
Gansner et al., "A Technique for Drawing Directed Graphs", IEEE TSE 19(3), 1993.

All numbers are pixels. Knows nothing about workflows and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from uwf.record import Record
from uwf.workflow.picture import rows
from uwf.workflow.picture.rows import Item, Size

GAP_X = 28.0
GAP_Y = 30.0
_LINE_WIDTH = 10.0
_SWEEPS = 24

Point = tuple[float, float]


class Box(Record):
    """`body` is what is seen and where lines end; `room`, around the same middle, is kept free."""

    body: Size
    room: Size


class EdgeLine(Record):
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
    lines: tuple[EdgeLine, ...]


def arrange(
    boxes: Mapping[str, Box], edges: Sequence[tuple[str, str, Size]], last: str | None = None
) -> Layout:
    """Lays out `boxes`, and `edges` given as (source, target, size of label).

    The first box is on top, and `last`, if given, at the bottom. Edges from a box to itself are not
    for here.
    """
    downward = rows.downward(list(boxes), [(source, target) for source, target, _ in edges], last)
    row = rows.numbers(list(boxes), downward, last)
    items = {name: Item(2 * row[name], box.room, box.body) for name, box in boxes.items()}
    chains = [
        _chain(items[ends[0]], items[ends[1]], label)
        for ends, (_, _, label) in zip(downward, edges, strict=True)
    ]
    levels = rows.rows_of([*items.values(), *(item for chain in chains for item in chain[1:-1])])
    rows.sort(levels)
    _place(levels)
    width = max((item.x + item.size[0] / 2 for level in levels for item in level), default=0.0)
    height = max((item.y + item.size[1] / 2 for level in levels for item in level), default=0.0)
    lines = []
    for chain, ends, (source, _, _) in zip(chains, downward, edges, strict=True):
        points = _points(chain)
        lines.append(
            EdgeLine(tuple(points if ends[0] == source else reversed(points)), _label_of(chain))
        )
    places = {name: (item.x, item.y) for name, item in items.items()}
    return Layout(width, height, places, tuple(lines))


def _chain(top: Item, bottom: Item, label: Size) -> list[Item]:
    """The items a line passes from `top` to `bottom`; the label takes the middle row between boxes."""
    middle = (top.row + bottom.row) // 2
    middle += 1 - middle % 2
    chain = [top]
    for row in range(top.row + 1, bottom.row):
        chain.append(Item(row, label if row == middle else (_LINE_WIDTH, 0.0)))
    chain.append(bottom)
    for above, below in pairwise(chain):
        above.below.append(below)
        below.above.append(above)
    return chain


def _place(levels: list[list[Item]]) -> None:
    """Rows from top to bottom, and within each row as near to the neighbours as its order allows."""
    y = 0.0
    for level in levels:
        height = max((item.size[1] for item in level), default=0.0)
        for item in level:
            item.y = y + height / 2
            item.x = item.order * (item.size[0] + GAP_X)
        y += height + GAP_Y
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for level in levels if down else list(reversed(levels)):
            _pack(level, [_wish(item, item.above if down else item.below) for item in level])
    left = min((item.x - item.size[0] / 2 for level in levels for item in level), default=0.0)
    for level in levels:
        for item in level:
            item.x -= left


def _wish(item: Item, neighbours: list[Item]) -> tuple[float, float]:
    """Where an item would like to be, and how much: parts of one line insist on being straight."""
    if not neighbours:
        return item.x, 0.1
    passing = len(item.above) == len(item.below) == 1
    return sum(other.x for other in neighbours) / len(neighbours), 4.0 if passing else 1.0


def _pack(level: list[Item], wishes: list[tuple[float, float]]) -> None:
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


def _points(chain: list[Item]) -> list[Point]:
    """From the bottom of the first item, straight through the ones between, to the top of the last."""
    top, bottom = chain[0], chain[-1]
    points = [(_port(top, top.below, chain[1]), top.y + top.body[1] / 2)]
    for item in chain[1:-1]:
        points += [(item.x, item.y - item.size[1] / 2), (item.x, item.y + item.size[1] / 2)]
    return [*points, (_port(bottom, bottom.above, chain[-2]), bottom.y - bottom.body[1] / 2)]


def _port(box: Item, neighbours: list[Item], towards: Item) -> float:
    """Where a line meets the edge of a box: its share of the side, in the order of the neighbours."""
    order = sorted(neighbours, key=lambda item: item.x)
    share = (order.index(towards) + 1) / (len(order) + 1) - 0.5
    return box.x + share * min(box.body[0] - 16, 36.0 * len(order))


def _label_of(chain: list[Item]) -> Point:
    label = max(chain[1:-1], key=lambda item: item.size[1])
    return (label.x, label.y)
