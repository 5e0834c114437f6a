"""Every format shows every role and edge, marks the path taken, and survives any name."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.graphs import GRAPHS_OF, workflow
from uwf.errors import InputError
from uwf.workflow.model import Workflow
from uwf.workflow.picture import layout, rows, svg
from uwf.workflow.picture.layout import Box, arrange
from uwf.workflow.picture.picture import FORMATS, draw

from .strategies import WORKFLOWS

HOSTILE = 'a"b<i>\\c\n&|`;#{}[]-->'


DEMO = workflow(
    ["planner", "coder"],
    {
        "$START": {"new": "planner", "resume": "coder"},
        "planner": {"ready": "coder", "again": "planner", "ask": "$SUSPEND"},
        "coder": {"done": "$END", "_": "planner"},
    },
)
VISITS = {("$START", "new"): 1, ("planner", "ready"): 12}


def test_text_shows_where_each_status_leads_and_where_the_thread_has_been() -> None:
    assert draw(DEMO, "text", VISITS, "coder") == (
        "demo: what it is for\n"
        "\n"
        "  start\n"
        "    new        → planner    ✓ \u00d71\n"
        "    resume     → coder\n"
        "\n"
        "  planner\n"
        "    again      → planner\n"
        "    ask        → suspended\n"
        "    ready      → coder      ✓ \u00d712\n"
        "\n"
        "▶ coder\n"
        "    any status → planner\n"
        "    done       → end\n"
    )


def test_text_can_keep_to_ascii() -> None:
    text = draw(workflow(["日本"], {"$START": {"new": "日本"}}), "text", VISITS, "日本", ascii=True)
    assert text.isascii()
    assert "    new -> ??  x1\n" in text
    assert "\n> ??\n" in text


def test_a_thread_that_is_at_the_end_is_shown_there() -> None:
    assert draw(DEMO, "text", VISITS, "$END").endswith("\n\n▶ end\n")


def test_mermaid_marks_the_path_taken() -> None:
    lines = draw(DEMO, "mermaid", VISITS, "coder").splitlines()
    assert lines[0] == "flowchart TD"
    assert '    n1 ==>|"ready \u00d712"| n2' in lines
    assert '    n1 -->|"again"| n1' in lines
    assert "    style n2 stroke-width:4px" in lines


def test_dot_marks_the_path_taken() -> None:
    text = draw(DEMO, "dot", VISITS, "coder")
    assert 'n1 -> n2 [label="ready \u00d712", penwidth=2];' in text
    assert 'n1 -> n1 [label="again", color=gray];' in text
    assert 'n2 [label="coder", penwidth=3];' in text
    assert "gray" not in draw(DEMO, "dot")


def test_svg_marks_the_path_taken_and_stands_alone() -> None:
    text = draw(DEMO, "svg", VISITS, "coder")
    root = ElementTree.fromstring(text)
    words = [
        "".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")
    ]
    for word in ("demo", "start", "planner", "▶ coder", "end", "suspended", "any status"):
        assert any(word in found for found in words)
    assert len([e for e in root.iter() if "taken" in e.get("class", "").split()]) == 3
    assert (
        len([e for e in root.iter() if "here" in e.get("class", "").split()]) == 2
    )  # and in the legend
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|<script|href|@import", text)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(InputError, match="no picture format 'png'"):
        draw(DEMO, "png")


NAMES = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
    st.just(HOSTILE),
    st.just("x" * 90),
)
HOSTILE_WORKFLOWS = st.builds(
    lambda names, statuses: workflow(
        names,
        {
            "$START": {"new": names[0]},
            **{name: dict.fromkeys(statuses, names[-1]) for name in names},
            names[0]: dict.fromkeys(statuses, "$END"),
        },
    ),
    st.lists(NAMES, min_size=1, max_size=3, unique=True),
    st.lists(NAMES, min_size=1, max_size=3, unique=True),
)


@given(HOSTILE_WORKFLOWS)
def test_names_cannot_break_out_of_any_format(found: Workflow) -> None:
    visits = {(source, status): 2 for source, edges in found.graph.items() for status in edges}
    at = next(iter(found.roles))
    root = ElementTree.fromstring(draw(found, "svg", visits, at))
    tags = {element.tag.split("}")[1] for element in root.iter()}
    known = ["svg", "style", "defs", "marker", "path", "rect", "text", "g", "title", "tspan"]
    assert tags <= set(known)
    edges = sum(len(edges) for edges in found.graph.values())

    quoted = r'"(?:[^"\\\n]|\\.)*"'
    node = re.compile(rf"    n\d+ \[label={quoted}[a-z0-9=, ]*\];")
    line = re.compile(rf"    n\d+ -> n\d+ \[label={quoted}[a-z0-9=, ]*\];")
    dot = draw(found, "dot", visits, at).split("\n")
    assert len([text for text in dot if line.fullmatch(text)]) == edges
    assert all(node.fullmatch(text) or line.fullmatch(text) for text in dot[4:-2])

    safe = r"(?:#\d+;|[\w \-]|[^\x00-\x7f])*"
    node = re.compile(rf'    n\d+(\["{safe}"\]|\(\["{safe}"\]\))')
    line = re.compile(rf'    n\d+ ==>\|"{safe}"\| n\d+')
    mermaid = draw(found, "mermaid", visits, at).split("\n")
    assert len([text for text in mermaid if line.fullmatch(text)]) == edges
    assert all(node.fullmatch(text) or line.fullmatch(text) for text in mermaid[1:-2])

    assert len(draw(found, "text", visits, at).split("\n\n")) <= len(found.roles) + 3


@given(WORKFLOWS, st.sampled_from(FORMATS))
def test_any_workflow_can_be_drawn(found: Workflow, format: str) -> None:
    assert draw(found, format).endswith("\n")
    assert draw(found, format, {("a", "done"): 1}, "a").endswith("\n")


def legend(text: str) -> list[str]:
    return [
        words for words in ("taken, and how often", "leads back", "stands here") if words in text
    ]


def test_the_legend_says_what_there_is_to_see_and_no_more() -> None:
    straight = workflow(["a"], {"$START": {"new": "a"}, "a": {"done": "$END"}})
    assert legend(draw(straight, "svg")) == []
    assert legend(draw(straight, "svg", {("$START", "new"): 1}, "a")) == [
        "taken, and how often",
        "stands here",
    ]
    assert legend(draw(DEMO, "svg")) == ["leads back"]


def test_what_leads_back_is_dashed_and_a_thread_at_its_end_looks_done() -> None:
    root = ElementTree.fromstring(draw(DEMO, "svg", VISITS, "$END"))
    looks = [element.get("class", "").split() for element in root.iter()]
    assert sum("back" in found for found in looks) == 3  # planner again, coder to planner, legend
    assert sum({"here", "ended"} <= set(found) for found in looks) == 2


def test_a_circle_is_entered_where_it_begins() -> None:
    """As in `uwf demo`: a fix is reviewed, and fixed again; not the other way round."""
    edges = [
        *(("survey", "review", (50.0, 20.0)), ("survey", "fix", (50.0, 20.0))),
        *(("fix", "review", (50.0, 20.0)), ("review", "fix", (50.0, 20.0))),
        ("review", "end", (50.0, 20.0)),
    ]
    names = ("survey", "review", "fix", "end")
    places = arrange(dict.fromkeys(names, Box((90, 40), (90, 40))), edges, "end").places
    assert sorted(names, key=lambda name: places[name][1]) == ["survey", "fix", "review", "end"]


SVG = "{http://www.w3.org/2000/svg}"
Area = tuple[float, float, float, float]


def text_areas(picture: str) -> list[tuple[str, Area]]:
    """What each text of a picture says, and where it is: left, top, right, bottom."""
    found = []

    def look(element: ElementTree.Element, dx: float, dy: float) -> None:
        if element.tag == f"{SVG}g" and "transform" in element.attrib:
            x, y = map(float, element.attrib["transform"][10:-1].split())
            dx, dy = dx + x, dy + y
        if element.tag == f"{SVG}text":
            title = element.find(f"{SVG}title")
            if title is not None:
                element.remove(title)
            words = "".join(element.itertext())
            scale = 17 / 13 if element.get("class") == "title" else 1
            width, x, y = (
                scale * svg.width_of(words),
                float(element.attrib["x"]) + dx,
                float(element.attrib["y"]) + dy,
            )
            left = x - width / 2 if element.get("text-anchor") == "middle" else x
            if words:
                found.append((words, (left, y - 10 * scale, left + width, y + 3)))
        for child in element:
            look(child, dx, dy)

    look(ElementTree.fromstring(picture), 0, 0)
    return found


def check_texts(picture: str) -> None:
    width, height = map(float, ElementTree.fromstring(picture).attrib["viewBox"].split()[2:])
    areas = text_areas(picture)
    for index, (words, (left, top, right, bottom)) in enumerate(areas):
        assert left >= 0 and top >= 0 and right <= width and bottom <= height, words
        for other, (other_left, other_top, other_right, other_bottom) in areas[:index]:
            is_beside = left >= other_right or other_left >= right
            assert is_beside or top >= other_bottom or other_top >= bottom, (words, other)


@pytest.mark.parametrize("name", GRAPHS_OF)
def test_no_text_lies_over_another(name: str) -> None:
    found, visits, at = GRAPHS_OF[name]
    check_texts(draw(found, "svg"))
    check_texts(draw(found, "svg", visits, at))


@given(WORKFLOWS)
@settings(max_examples=40)
def test_no_text_of_any_workflow_lies_over_another(found: Workflow) -> None:
    check_texts(draw(found, "svg", {("a", "done"): 120}, "a"))


SIZES = st.tuples(st.floats(10, 200), st.floats(10, 80))
GRAPHS = st.integers(1, 8).flatmap(
    lambda count: st.tuples(
        st.lists(SIZES, min_size=count, max_size=count),
        st.dictionaries(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(
                lambda ends: ends[0] != ends[1]
            ),
            SIZES,
            max_size=14,
        ),
    )
)


@given(GRAPHS)
@pytest.mark.parametrize("most_rows", [layout._MOST_ROWS, 2])
def test_boxes_and_labels_never_overlap_and_lines_meet_their_boxes(
    most_rows: int, graph: tuple[list[layout.Size], dict[tuple[int, int], layout.Size]]
) -> None:
    with mock.patch.object(layout, "_MOST_ROWS", most_rows):
        check_layout(*graph)


def check_layout(sizes: list[layout.Size], edges: dict[tuple[int, int], layout.Size]) -> None:
    boxes = {str(index): Box(size, (size[0] + 20, size[1] + 6)) for index, size in enumerate(sizes)}
    ends = [(str(source), str(target), label) for (source, target), label in edges.items()]
    plan = arrange(boxes, ends, str(len(sizes) - 1) if len(sizes) > 1 else None)
    assert plan == arrange(boxes, ends, str(len(sizes) - 1) if len(sizes) > 1 else None)

    areas = [(plan.places[name], box.room) for name, box in boxes.items()]
    areas += [(line.label, label) for line, (_, _, label) in zip(plan.lines, ends, strict=True)]
    for index, ((x, y), (width, height)) in enumerate(areas):
        assert x - width / 2 > -0.01
        assert x + width / 2 < plan.width + 0.01
        assert y - height / 2 > -0.01
        assert y + height / 2 < plan.height + 0.01
        for (other_x, other_y), (other_width, other_height) in areas[:index]:
            apart_x = abs(x - other_x) - (width + other_width) / 2
            apart_y = abs(y - other_y) - (height + other_height) / 2
            assert max(apart_x, apart_y) > 5

    for line, (source, target, _) in zip(plan.lines, ends, strict=True):
        for (x, y), name in ((line.points[0], source), (line.points[-1], target)):
            (middle_x, middle_y), (width, height) = plan.places[name], boxes[name].body
            assert abs(x - middle_x) <= width / 2
            assert abs(abs(y - middle_y) - height / 2) < 0.01
        assert len(line.points) % 2 == 0


BOX = Box((90.0, 40.0), (90.0, 40.0))
LABEL = (50.0, 21.0)


def chain(count: int) -> list[tuple[str, str, layout.Size]]:
    """Roles in a row, each of which may also lead back to the first, or to the end."""
    names = [str(number) for number in range(count)]
    onward = [*pairwise(names), (names[-1], "end")]
    back = [(name, "0") for name in names[1:]]
    out = [(name, "end") for name in names[:-1]]
    return [(*ends, LABEL) for ends in (*onward, *back, *out)]


def made(count: int) -> int:
    """How many items a layout of so many roles is made of."""
    items = 0
    plain = rows.Item.__init__

    def init(item: rows.Item, *args: Any) -> None:
        nonlocal items
        items += 1
        plain(item, *args)

    boxes = {**{str(number): BOX for number in range(count)}, "end": BOX}
    with mock.patch.object(rows.Item, "__init__", init):
        arrange(boxes, chain(count), "end")
    return items


def test_a_layout_grows_with_its_edges() -> None:
    assert made(400) < 2.1 * made(200) < 4.2 * made(100)


def test_a_long_line_is_led_around_all_boxes_and_moves_sideways_between_rows() -> None:
    count = 40
    boxes = {**{str(number): BOX for number in range(count)}, "end": BOX}
    edges = chain(count)
    plan = arrange(boxes, edges, "end")
    bands = [(y - BOX.room[1] / 2, y + BOX.room[1] / 2) for _, y in plan.places.values()]
    around = [line for line in plan.lines if len(line.points) == 6]  # its ends, its label, its lane
    assert len(around) > count
    for line in around:
        for (x, y), (next_x, next_y) in pairwise(line.points):
            if abs(x - next_x) > 0.01:
                low, high = sorted((y, next_y))
                assert all(high <= top + 0.01 or low >= bottom - 0.01 for top, bottom in bands)
            else:
                assert x == max(x for x, _ in line.points) or abs(y - next_y) <= LABEL[1] + 0.01
