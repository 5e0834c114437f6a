"""A workflow drawn: Mermaid, DOT, text for the terminal, SVG. With a thread's visits it shows the
path taken.

Names are other people's text, so every format escapes what means something in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from uwf.errors import InputError
from uwf.workflow.model import Workflow
from uwf.workflow.picture import svg
from uwf.workflow.picture.scene import Scene, scene, shorter

FORMATS = ("mermaid", "dot", "svg", "text")


def draw(
    workflow: Workflow,
    format: str,
    visits: Mapping[tuple[str, str], int] | None = None,
    at: str | None = None,
    *,
    ascii: bool = False,
) -> str:
    """The picture, ending in a newline. InputError for an unknown format.

    `visits` counts the edges taken, as (source, status); `at` is the role that runs next, or
    `$END`. `ascii` keeps the text format to what any terminal can show.
    """
    shown = scene(workflow, visits, at)
    match format:
        case "mermaid":
            return _mermaid(shown)
        case "dot":
            return _dot(shown)
        case "text":
            return _text(shown, _ASCII if ascii else _UNICODE)
        case "svg":
            return svg.draw(shown)
    raise InputError(
        f"no picture format '{format}'", hint=f"uwf workflow graph --format {FORMATS[0]}"
    )


def _ids(shown: Scene) -> dict[str, str]:
    """Short names for the nodes: what a role is called stands only in labels."""
    return {spot.name: f"n{index}" for index, spot in enumerate(shown.spots)}


def _mermaid(shown: Scene) -> str:
    ids = _ids(shown)
    lines = ["flowchart TD"]
    for spot in shown.spots:
        before, after = ('["', '"]') if spot.is_role else ('(["', '"])')
        lines.append(f"    {ids[spot.name]}{before}{_mermaid_text(spot.label)}{after}")
    for arrow in shown.arrows:
        label = arrow.label + arrow.counted
        line = "==>" if arrow.count else "-->"
        lines.append(
            f'    {ids[arrow.source]} {line}|"{_mermaid_text(label)}"| {ids[arrow.target]}'
        )
    lines += [f"    style {ids[spot.name]} stroke-width:4px" for spot in shown.spots if spot.here]
    return "\n".join(lines) + "\n"


def _mermaid_text(text: str) -> str:
    """Letters as they are; other ASCII characters as Mermaid's entity codes, lest they mean
    something.
    """
    return "".join(
        letter
        if letter.isalnum() or not letter.isascii() or (index and letter in " -_")
        else f"#{ord(letter)};"
        for index, letter in enumerate(text)
    )


def _dot(shown: Scene) -> str:
    ids = _ids(shown)
    lines = [
        f"digraph {_dot_text(shown.title)} {{",
        "    rankdir=TB;",
        '    node [shape=box, style=rounded, fontname="sans-serif"];',
        '    edge [fontname="sans-serif", fontsize=11];',
    ]
    for spot in shown.spots:
        looks = "" if spot.is_role else ", shape=ellipse"
        looks += ", penwidth=3" if spot.here else ""
        lines.append(f"    {ids[spot.name]} [label={_dot_text(spot.label)}{looks}];")
    for arrow in shown.arrows:
        label = arrow.label + arrow.counted
        looks = ", penwidth=2" if arrow.count else ", color=gray" if shown.traced else ""
        ends = f"{ids[arrow.source]} -> {ids[arrow.target]}"
        lines.append(f"    {ends} [label={_dot_text(label)}{looks}];")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_UNICODE = {"arrow": "→", "here": "▶", "seen": "✓ \u00d7"}
_ASCII = {"arrow": "->", "here": ">", "seen": "x"}


def _text(shown: Scene, signs: dict[str, str]) -> str:
    """A paragraph for each node: its name, then a line for each of its edges."""
    labels = {spot.name: spot.label for spot in shown.spots}
    status_width = max((len(arrow.label) for arrow in shown.arrows), default=0)
    target_width = max((len(labels[arrow.target]) for arrow in shown.arrows), default=0)
    title = shown.title + (f": {shown.description}" if shown.description else "")
    lines = [shorter(title, 100)]
    by_source = shown.arrows_by_source()
    for spot in shown.spots:
        arrows = by_source.get(spot.name)
        if not arrows and not spot.here:
            continue
        lines += ["", f"{signs['here'] if spot.here else ' '} {spot.label}"]
        for arrow in arrows or ():
            seen = f"  {signs['seen']}{arrow.count}" if arrow.count else ""
            status, target = arrow.label.ljust(status_width), labels[arrow.target]
            padded = target.ljust(target_width) if seen else target
            lines.append(f"    {status} {signs['arrow']} {padded}{seen}")
    text = "\n".join(lines) + "\n"
    return (
        text if signs is _UNICODE else text.replace("…", "...").encode("ascii", "replace").decode()
    )
