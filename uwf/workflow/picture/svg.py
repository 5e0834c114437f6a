"""A workflow as one SVG file that needs nothing else: no script, no font, no link."""

from __future__ import annotations

from uwf.workflow.model import END
from uwf.workflow.picture import layout
from uwf.workflow.picture.layout import Box, EdgeLine, Point
from uwf.workflow.picture.rows import Size
from uwf.workflow.picture.scene import Arrow, Scene, Spot, clean, shorter

_MARGIN = 24.0
_TITLE_HEIGHT = 56.0
_LETTER = 7.3
"""The width of an average letter at 13 pixels; wide ones (East Asian) count twice."""
_LABEL_LINE = 17.0
_BOX_HEIGHT = 40.0
_MOST_LETTERS = 36

_STYLE = """\
text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328; }
.title { font-size: 17px; font-weight: 600; }
.quiet { fill: #656d76; }
.box { fill: #f6f8fa; stroke: #8c959f; stroke-width: 1.2; }
.end { fill: #ffffff; }
.here { fill: #fff8e1; stroke: #bf8700; stroke-width: 3; }
.line { fill: none; stroke: #8c959f; stroke-width: 1.4; }
.seen { stroke: #1a7f37; stroke-width: 2.4; }
.chip { fill: #ffffff; }
.count { fill: #1a7f37; font-weight: 600; }"""


def draw(shown: Scene) -> str:
    """The picture as SVG text, ending in a newline."""
    bundles = _bundles(shown)
    between = {ends: arrows for ends, arrows in bundles.items() if ends[0] != ends[1]}
    loops = {ends[0]: arrows for ends, arrows in bundles.items() if ends[0] == ends[1]}
    boxes = {spot.name: _box_for(spot, loops.get(spot.name)) for spot in shown.spots}
    plan = layout.arrange(
        boxes,
        [(source, target, _label_size(arrows)) for (source, target), arrows in between.items()],
        END if END in boxes and len(boxes) > 1 else None,
    )
    title = _escape(shown.title)
    description = _escape(shorter(shown.description, 90))
    width = max(plan.width, _width(title) * 1.35, _width(description)) + 2 * _MARGIN
    height = plan.height + 2 * _MARGIN + _TITLE_HEIGHT
    shift = (width - plan.width) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="Workflow {title}">',
        f"<style>{_STYLE}</style>",
        "<defs>",
        _head("head", "#8c959f"),
        _head("head-seen", "#1a7f37"),
        "</defs>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        f'<text class="title" x="{_MARGIN:.0f}" y="{_MARGIN + 12:.0f}">{title}</text>',
        f'<text class="quiet" x="{_MARGIN:.0f}" y="{_MARGIN + 32:.0f}">{description}</text>',
        f'<g transform="translate({shift:.1f} {_MARGIN + _TITLE_HEIGHT:.1f})">',
    ]
    for arrows, line in zip(between.values(), plan.lines, strict=True):
        parts.append(_line(line, arrows))
    for spot in shown.spots:
        parts.append(_box(spot, plan.places[spot.name], boxes[spot.name], loops.get(spot.name)))
    for arrows, line in zip(between.values(), plan.lines, strict=True):
        parts.append(_label(arrows, line.label))
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _bundles(shown: Scene) -> dict[tuple[str, str], list[Arrow]]:
    """Arrows with the same ends share one line."""
    found: dict[tuple[str, str], list[Arrow]] = {}
    for arrow in shown.arrows:
        found.setdefault((arrow.source, arrow.target), []).append(arrow)
    return found


def _box_for(spot: Spot, loop: list[Arrow] | None) -> Box:
    """A loop hangs at the right of its box, and as much room is kept free at the left."""
    body = (max(84.0, _width(_short(spot.label)) + 36), _BOX_HEIGHT)
    if not loop:
        return Box(body, body)
    label_width, label_height = _label_size(loop)
    return Box(body, (body[0] + 2 * (label_width + 30), max(body[1], label_height)))


def _label_size(arrows: list[Arrow]) -> Size:
    widest = max(_width(_short(arrow.label) + arrow.counted) for arrow in arrows)
    return (widest + 12, _LABEL_LINE * len(arrows) + 4)


def _box(spot: Spot, place: Point, box: Box, loop: list[Arrow] | None) -> str:
    (x, y), (width, height) = place, box.body
    kind = "box" if spot.is_role else "box end"
    radius = 7 if spot.is_role else 20
    parts = [f"<g><title>{_escape(spot.label)}</title>"]
    if loop:
        edge = x + width / 2
        parts.append(
            f'<path class="{_line_class(loop)}" d="M{edge:.1f},{y - 10:.1f} '
            f'C{edge + 30:.1f},{y - 18:.1f} {edge + 30:.1f},{y + 18:.1f} {edge:.1f},{y + 10:.1f}"/>'
        )
        parts.append(_label(loop, (edge + 28 + _label_size(loop)[0] / 2, y)))
    parts.append(
        f'<rect class="{kind}{" here" if spot.here else ""}" x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" '
        f'width="{width:.1f}" height="{height:.0f}" rx="{radius}"/>'
    )
    mark = "▶ " if spot.here else ""
    parts.append(
        f'<text x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="middle">{mark}{_escape(_short(spot.label))}</text></g>'
    )
    return "".join(parts)


def _line(line: EdgeLine, arrows: list[Arrow]) -> str:
    (x, y), *rest = line.points
    path = f"M{x:.1f},{y:.1f}"
    for index, (next_x, next_y) in enumerate(rest):
        if index % 2:
            path += f" L{next_x:.1f},{next_y:.1f}"
        else:
            middle = (y + next_y) / 2
            path += f" C{x:.1f},{middle:.1f} {next_x:.1f},{middle:.1f} {next_x:.1f},{next_y:.1f}"
        x, y = next_x, next_y
    return f'<path class="{_line_class(arrows)}" d="{path}"/>'


def _line_class(arrows: list[Arrow]) -> str:
    seen = any(arrow.count for arrow in arrows)
    return f'line{" seen" if seen else ""}" marker-end="url(#head{"-seen" if seen else ""})'


def _label(arrows: list[Arrow], place: Point) -> str:
    (x, y), (width, height) = place, _label_size(arrows)
    chip = (
        f'<rect class="chip" x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}" rx="4"/>'
    )
    lines = []
    for index, arrow in enumerate(arrows):
        line_y = y - height / 2 + 2 + _LABEL_LINE * index + 13
        counted = (
            f'<tspan class="count" dx="4">{arrow.counted.strip()}</tspan>' if arrow.count else ""
        )
        lines.append(
            f'<text x="{x:.1f}" y="{line_y:.1f}" text-anchor="middle">'
            f"<title>{_escape(arrow.label)}</title>{_escape(_short(arrow.label))}{counted}</text>"
        )
    return chip + "".join(lines)


def _head(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{colour}"/></marker>'
    )


def _short(label: str) -> str:
    return shorter(label, _MOST_LETTERS)


def _width(text: str) -> float:
    return sum(_LETTER * (2 if ord(letter) >= 0x1100 else 1) for letter in text)


def _escape(text: str) -> str:
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#39;")
