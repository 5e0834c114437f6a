"""What a picture of a workflow shows, before any format: its nodes and arrows in reading order.

The order is that of a walk from `$START`, statuses by name, because a stored workflow does not
remember its file's order.
"""

from __future__ import annotations

from collections.abc import Mapping

from uwf.record import Record
from uwf.workflow.model import ANY, END, START, SUSPEND, Workflow

_LABELS = {START: "start", END: "end", SUSPEND: "suspended"}


class Spot(Record):
    """A role, or the start, the end, or the older suspension. `here`: the thread stands on it."""

    name: str
    label: str
    is_role: bool
    here: bool


class Arrow(Record):
    """One edge. `count` is how often the thread took it."""

    source: str
    status: str
    target: str
    count: int

    @property
    def label(self) -> str:
        return "any status" if self.status == ANY else clean(self.status)

    @property
    def counted(self) -> str:
        """The count as it is drawn; empty for an arrow that was not taken."""
        return f" \u00d7{self.count}" if self.count else ""


class Scene(Record):
    """A whole picture. `traced`: it belongs to a thread, so `here` and `count` mean something."""

    title: str
    description: str
    spots: tuple[Spot, ...]
    arrows: tuple[Arrow, ...]
    traced: bool

    def arrows_by_source(self) -> dict[str, list[Arrow]]:
        found: dict[str, list[Arrow]] = {}
        for arrow in self.arrows:
            found.setdefault(arrow.source, []).append(arrow)
        return found


def scene(
    workflow: Workflow, visits: Mapping[tuple[str, str], int] | None, at: str | None
) -> Scene:
    """`visits` counts edges as (source, status); `at` is the role that is next, or `$END`."""
    names = _in_reading_order(workflow)
    counted = visits or {}
    return Scene(
        clean(workflow.name),
        clean(workflow.description),
        tuple(
            Spot(name, _LABELS.get(name, clean(name)), name not in _LABELS, name == at)
            for name in names
        ),
        tuple(
            Arrow(source, status, edge.target, counted.get((source, status), 0))
            for source in names
            for status, edge in sorted(workflow.graph.get(source, {}).items())
        ),
        visits is not None or at is not None,
    )


def clean(text: str) -> str:
    """Text on one line, with nothing in it that moves a cursor or breaks a format."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def shorter(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _in_reading_order(workflow: Workflow) -> list[str]:
    order = [START] if START in workflow.graph else []
    known = set(order)

    def add(name: str) -> None:
        if name not in known:
            known.add(name)
            order.append(name)

    for name in order:
        for _, edge in sorted(workflow.graph.get(name, {}).items()):
            add(edge.target)
    targets = (edge.target for edges in workflow.graph.values() for edge in edges.values())
    for name in (*sorted(workflow.roles), *sorted(workflow.graph), *targets):
        add(name)
    last = [name for name in (SUSPEND, END) if name in order]
    return [name for name in order if name not in last] + last
