"""A workflow as one SVG file that needs nothing else: no script, no font, no link.

It is light or dark as its reader likes. A colour never says a thing alone: the path taken is thick and counted as well,
what leads back is dashed, and where the thread stands has a sign. The legend says which is which, of what there is to
see. All styles hold inside the picture only, so that it may stand in a page.
"""

from __future__ import annotations

from uwf.workflow.model import END, SUSPEND
from uwf.workflow.picture import layout
from uwf.workflow.picture.layout import Box, EdgeLine, Point
from uwf.workflow.picture.rows import Size
from uwf.workflow.picture.scene import Arrow, Scene, Spot, clean, shorter

_MARGIN = 24.0
_TITLE_HEIGHT = 56.0
_LABEL_LINE = 17.0
_BOX_HEIGHT = 38.0
_MOST_LETTERS = 36
_LEGEND_LINE = 22.0
_LEGEND_GAP = 26.0
_SAMPLE = 34.0
"""How wide a line or box is that the legend explains, with the gap behind it."""
_SAMPLE_BOX = 'x="{x}" y="{top}" width="26" height="12" rx="4"'
_BOLD = 1.2
"""How much wider bold letters are than others, at most."""

_NARROW, _WIDE = frozenset(" !'(),-./:;I[]fijlrt|"), frozenset("@MW%m")
_BROAD = frozenset("#&+<=>^~wABCDGHKNOQRUVXZ")
_EM = {"narrow": 5.5, "usual": 8.3, "broad": 10.95, "wide": 13.05, "foreign": 14.6, "square": 16.6}
"""The most that letters are wide at 13 pixels in DejaVu Sans, the broadest of the fonts that are asked for. `foreign`
are all but those of ASCII, `square` those of East Asia and beyond, but for a few signs that no name has.
"""

_STYLE = """\
.uwf-graph { --ink: #1f2328; --quiet: #59636e; --paper: #ffffff; --box: #f6f8fa; --line: #818b98;
  --taken: #0a5cb8; --here: #9a6700; --here-box: #fff8c5; --end: #1a7f37; --end-box: #dafbe1;
  background: var(--paper); }
@media screen and (prefers-color-scheme: dark) { .uwf-graph { --ink: #e6edf3; --quiet: #9198a1; --paper: #0d1117;
  --box: #161b22; --line: #7d8590; --taken: #6cb2ff; --here: #d8a634; --here-box: #2f2609; --end: #4ac26b;
  --end-box: #0f2a18; } }
.uwf-graph text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--ink); }
.uwf-graph .title { font-size: 17px; font-weight: 600; }
.uwf-graph .quiet { fill: var(--quiet); }
.uwf-graph .paper, .uwf-graph .chip { fill: var(--paper); }
.uwf-graph .box { fill: var(--box); stroke: var(--line); stroke-width: 1.2; }
.uwf-graph .edge { fill: var(--paper); }
.uwf-graph .ended { stroke: var(--end); stroke-width: 1.6; }
.uwf-graph .asks { stroke: var(--here); stroke-width: 1.6; }
.uwf-graph .here { fill: var(--here-box); stroke: var(--here); stroke-width: 3; }
.uwf-graph .here.ended { fill: var(--end-box); stroke: var(--end); }
.uwf-graph .line { fill: none; stroke: var(--line); stroke-width: 1.4; }
.uwf-graph .back { stroke-dasharray: 5 3; }
.uwf-graph .taken { stroke: var(--taken); stroke-width: 2.6; }
.uwf-graph .tip { fill: var(--line); }
.uwf-graph .tip-taken, .uwf-graph .count { fill: var(--taken); }
.uwf-graph .count { font-weight: 600; }"""


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
    back = {ends: plan.places[ends[0]][1] >= plan.places[ends[1]][1] for ends in between}
    title = shown.title
    description = shorter(shown.description, 90)
    width = (
        max(plan.width, width_of(title) * _BOLD * 17 / 13, width_of(description), 280.0)
        + 2 * _MARGIN
    )
    legend, legend_height = _legend(shown, bool(loops) or any(back.values()), width)
    height = plan.height + 2 * _MARGIN + _TITLE_HEIGHT + legend_height
    shift = (width - plan.width) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="uwf-graph" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="Workflow {_escape(title)}">',
        f"<style>{_STYLE}</style>",
        "<defs>",
        _tip("uwf-tip", "tip"),
        _tip("uwf-tip-taken", "tip-taken"),
        "</defs>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
        f'<text class="title" x="{_MARGIN:.0f}" y="{_MARGIN + 12:.0f}">{_escape(title)}</text>',
        f'<text class="quiet" x="{_MARGIN:.0f}" y="{_MARGIN + 32:.0f}">{_escape(description)}</text>',
        f'<g transform="translate({shift:.1f} {_MARGIN + _TITLE_HEIGHT:.1f})">',
    ]
    for (ends, arrows), line in zip(between.items(), plan.lines, strict=True):
        parts.append(_line(line, _line_class(arrows, leads_back=back[ends])))
    for spot in shown.spots:
        parts.append(_box(spot, plan.places[spot.name], boxes[spot.name], loops.get(spot.name)))
    for arrows, line in zip(between.values(), plan.lines, strict=True):
        parts.append(_label(arrows, line.label))
    parts += ["</g>", f'<g transform="translate(0 {height - legend_height - 4:.1f})">', *legend]
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def width_of(text: str) -> float:
    """How wide `text` is at most at 13 pixels, in the fonts that are asked for."""
    return sum(map(_letter, text))


def _letter(letter: str) -> float:
    if not letter.isascii():
        return _EM["square" if letter >= "\u1100" else "foreign"]
    for name, letters in (("narrow", _NARROW), ("broad", _BROAD), ("wide", _WIDE)):
        if letter in letters:
            return _EM[name]
    return _EM["usual"]


def _legend(shown: Scene, has_loops: bool, width: float) -> tuple[list[str], float]:
    """What the looks mean that are to be seen, and how high that is; lines that would be too wide are broken."""
    samples = []
    if any(arrow.count for arrow in shown.arrows):
        samples.append(('<path class="line taken" d="M{x},{y} h26"/>', "taken, and how often"))
    if has_loops:
        samples.append(('<path class="line back" d="M{x},{y} h26"/>', "leads back"))
    if here := [spot for spot in shown.spots if spot.here]:
        looks = "here ended" if here[0].name == END else "here"
        samples.append((f'<rect class="box {looks}" {_SAMPLE_BOX}/>', "stands here"))
    parts, x, y = [], _MARGIN, 0.0
    for sample, words in samples:
        needed = _SAMPLE + width_of(words)
        if x > _MARGIN and x + needed > width - _MARGIN:
            x, y = _MARGIN, y + _LEGEND_LINE
        parts.append(sample.format(x=f"{x:.1f}", y=f"{y:.1f}", top=f"{y - 6:.1f}"))
        parts.append(f'<text class="quiet" x="{x + _SAMPLE:.1f}" y="{y + 4.5:.1f}">{words}</text>')
        x += needed + 18
    return parts, y + _LEGEND_GAP if samples else 0.0


def _bundles(shown: Scene) -> dict[tuple[str, str], list[Arrow]]:
    """Arrows with the same ends share one line."""
    found: dict[tuple[str, str], list[Arrow]] = {}
    for arrow in shown.arrows:
        found.setdefault((arrow.source, arrow.target), []).append(arrow)
    return found


def _box_for(spot: Spot, loop: list[Arrow] | None) -> Box:
    """A loop hangs at the right of its box, and as much room is kept free at the left."""
    body = (max(84.0, width_of(_mark(spot) + _short(spot.label)) + 28), _BOX_HEIGHT)
    if not loop:
        return Box(body, body)
    label_width, label_height = _label_size(loop)
    return Box(body, (body[0] + 2 * (label_width + 30), max(body[1], label_height)))


def _label_size(arrows: list[Arrow]) -> Size:
    widest = max(
        width_of(_short(arrow.label)) + _BOLD * width_of(arrow.counted) for arrow in arrows
    )
    return (widest + 12, _LABEL_LINE * len(arrows) + 4)


def _box(spot: Spot, place: Point, box: Box, loop: list[Arrow] | None) -> str:
    (x, y), (width, height) = place, box.body
    kind = {END: "box edge ended", SUSPEND: "box edge asks"}.get(
        spot.name, "box" if spot.is_role else "box edge"
    )
    parts = [f"<g><title>{_escape(spot.label)}</title>"]
    if loop:
        edge = x + width / 2
        parts.append(
            f'<path {_line_class(loop, leads_back=True)} d="M{edge:.1f},{y - 10:.1f} '
            f'C{edge + 30:.1f},{y - 18:.1f} {edge + 30:.1f},{y + 18:.1f} {edge:.1f},{y + 10:.1f}"/>'
        )
        parts.append(_label(loop, (edge + 28 + _label_size(loop)[0] / 2, y)))
    parts.append(
        f'<rect class="{kind}{" here" if spot.here else ""}" x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" '
        f'width="{width:.1f}" height="{height:.0f}" rx="{7 if spot.is_role else 19}"/>'
    )
    name = _mark(spot) + _escape(_short(spot.label))
    parts.append(f'<text x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="middle">{name}</text></g>')
    return "".join(parts)


def _mark(spot: Spot) -> str:
    return "▶ " if spot.here else ""


def _line(line: EdgeLine, looks: str) -> str:
    (x, y), *rest = line.points
    path = f"M{x:.1f},{y:.1f}"
    for index, (next_x, next_y) in enumerate(rest):
        if index % 2:
            path += f" L{next_x:.1f},{next_y:.1f}"
        else:
            middle = (y + next_y) / 2
            path += f" C{x:.1f},{middle:.1f} {next_x:.1f},{middle:.1f} {next_x:.1f},{next_y:.1f}"
        x, y = next_x, next_y
    return f'<path {looks} d="{path}"/>'


def _line_class(arrows: list[Arrow], *, leads_back: bool) -> str:
    taken = any(arrow.count for arrow in arrows)
    looks = f"line{' back' if leads_back else ''}{' taken' if taken else ''}"
    return f'class="{looks}" marker-end="url(#uwf-tip{"-taken" if taken else ""})"'


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


def _tip(name: str, looks: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="{looks}" d="M0,0 L8,4 L0,8 z"/></marker>'
    )


def _short(label: str) -> str:
    return shorter(label, _MOST_LETTERS)


def _escape(text: str) -> str:
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#39;")
