"""Where the boxes and lines of a graph go: a layered layout after Sugiyama.

`rows` says what stands in which row and in what order; here each gets its place, by pooling
adjacent violators, so that nothing in a row overlaps, and the lines are led through the places. An
edge's label is an item in the row between its ends, so that labels cannot overlap either. See
Gansner et al., "A Technique for Drawing Directed Graphs", IEEE TSE 19(3), 1993.

A line takes room in every row that it passes. One that would pass many is led around all rows, in a
lane at the right that it shares with those to the same box, so that time grows with the edges alone.

All numbers are pixels. Knows nothing about workflows and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from uwf.record import Record
from uwf.workflow.picture import rows
from uwf.workflow.picture.rows import Item, Size

GAP_X = 28.0
GAP_Y = 24.0
_LINE_WIDTH = 10.0
_SWEEPS = 24
_MOST_ROWS = 24
"""The rows of a line that is led through them; boxes stand in every other row."""
_LANE_WIDTH = 12.0
_CORNER = 8.0
"""How far from the corner of its box a line from a lane ends."""

Point = tuple[float, float]
_Ports = Mapping[int, tuple[Mapping[int, float], Mapping[int, float]]]
"""By box: where lines to the items above it, and to those below, meet its edge."""


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
        _chain(items[ends[0]], items[ends[1]], label, ends[0] == source)
        for ends, (source, _, label) in zip(downward, edges, strict=True)
    ]
    levels = rows.rows_of([*items.values(), *(item for chain in chains for item in chain[1:-1])])
    rows.sort(levels)
    row_edges = _place(levels)
    width = max((item.x + item.size[0] / 2 for level in levels for item in level), default=0.0)
    height = max((item.y + item.size[1] / 2 for level in levels for item in level), default=0.0)
    ports = {id(box): (_ports(box, box.above), _ports(box, box.below)) for box in items.values()}
    lanes: dict[str, float] = {}
    lines = []
    for chain, ends, (source, target, _) in zip(chains, downward, edges, strict=True):
        if _is_long(chain):
            lane_x = lanes.setdefault(target, width + (len(lanes) + 1) * _LANE_WIDTH)
            points = _points_around(chain, lane_x, row_edges, ports)
        else:
            points = _points(chain, ports)
        lines.append(
            EdgeLine(tuple(points if ends[0] == source else reversed(points)), _label_of(chain))
        )
    places = {name: (item.x, item.y) for name, item in items.items()}
    return Layout(max([width, *lanes.values()]), height, places, tuple(lines))


def _chain(top: Item, bottom: Item, label: Size, leads_down: bool) -> list[Item]:
    """The items a line passes from `top` to `bottom`; the label takes the middle row between boxes.

    One that is led around the rows has its label alone, beside the box that it leaves.
    """
    if bottom.row - top.row > _MOST_ROWS:
        if leads_down:
            said = Item(top.row + 1, label)
            said.above.append(top)
            top.below.append(said)
        else:
            said = Item(bottom.row - 1, label)
            said.below.append(bottom)
            bottom.above.append(said)
        return [top, said, bottom]
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


def _place(levels: list[list[Item]]) -> list[tuple[float, float]]:
    """Rows from top to bottom, and within each row as near to the neighbours as its order allows.

    Gives where each row begins and ends: between two of them nothing stands.
    """
    y = 0.0
    row_edges = []
    for level in levels:
        height = max((item.size[1] for item in level), default=0.0)
        for item in level:
            item.y = y + height / 2
            item.x = item.order * (item.size[0] + GAP_X)
        row_edges.append((y, y + height))
        y += height + GAP_Y
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for level in levels if down else list(reversed(levels)):
            _pack(level, [_wish(item, item.above if down else item.below) for item in level])
    left = min((item.x - item.size[0] / 2 for level in levels for item in level), default=0.0)
    for level in levels:
        for item in level:
            item.x -= left
    return row_edges


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


def _is_long(chain: list[Item]) -> bool:
    return chain[-1].row - chain[0].row > _MOST_ROWS


def _points(chain: list[Item], ports: _Ports) -> list[Point]:
    """From the bottom of the first item, straight through the ones between, to the top of the last."""
    top, bottom = chain[0], chain[-1]
    points = [(ports[id(top)][1][id(chain[1])], top.y + top.body[1] / 2)]
    for item in chain[1:-1]:
        points += _through(item)
    return [*points, (ports[id(bottom)][0][id(chain[-2])], bottom.y - bottom.body[1] / 2)]


def _points_around(
    chain: list[Item], lane_x: float, row_edges: list[tuple[float, float]], ports: _Ports
) -> list[Point]:
    """Past all rows between: from a box or its label into the lane, and out of it, within the gaps between rows."""
    top, said, bottom = chain
    begin = (top.x + top.body[0] / 2 - _CORNER, top.y + top.body[1] / 2)
    end = (bottom.x + bottom.body[0] / 2 - _CORNER, bottom.y - bottom.body[1] / 2)
    if said.above:
        begin = (ports[id(top)][1][id(said)], begin[1])
        into, out_of = row_edges[said.row + 1][0], row_edges[bottom.row - 1][1]
        return [begin, *_through(said), (lane_x, into), (lane_x, out_of), end]
    end = (ports[id(bottom)][0][id(said)], end[1])
    into, out_of = row_edges[top.row + 1][0], row_edges[said.row - 1][1]
    return [begin, (lane_x, into), (lane_x, out_of), *_through(said), end]


def _through(item: Item) -> list[Point]:
    return [(item.x, item.y - item.size[1] / 2), (item.x, item.y + item.size[1] / 2)]


def _ports(box: Item, neighbours: list[Item]) -> dict[int, float]:
    """Where each line meets the edge of a box: its share of the side, in the order of the neighbours."""
    order = sorted(neighbours, key=lambda item: item.x)
    side = min(box.body[0] - 16, 36.0 * len(order))
    return {
        id(item): box.x + ((index + 1) / (len(order) + 1) - 0.5) * side
        for index, item in enumerate(order)
    }


def _label_of(chain: list[Item]) -> Point:
    label = max(chain[1:-1], key=lambda item: item.size[1])
    return (label.x, label.y)
