"""Two threads side by side: the history they share, and what each has done since."""

from __future__ import annotations

from uwf.engine.chain.nodes import Step
from uwf.engine.chain.story import inline, steps_back
from uwf.engine.chain.tags import THREADS
from uwf.engine.query.threads import step_row
from uwf.quantities import counted
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.chain.nodes import Reader
    from uwf.store.protocols import Ref


class Comparison(Record):
    """`shared` counts common steps and `fork` is the last of them; the others are step rows, oldest first."""

    left: str
    right: str
    shared: int
    fork: str | None
    only_left: list[dict[str, Any]]
    only_right: list[dict[str, Any]]
    bodies: dict[str, str]


def compare(reader: Reader, left: Ref, right: Ref) -> Comparison:
    """Compare the chains of two threads."""
    ours, theirs = _steps(reader, left.id), _steps(reader, right.id)
    shared = 0
    while shared < min(len(ours), len(theirs)) and ours[shared].id == theirs[shared].id:
        shared += 1
    mine, others = ours[shared:], theirs[shared:]
    return Comparison(
        left=left.name.removeprefix(THREADS),
        right=right.name.removeprefix(THREADS),
        shared=shared,
        fork=ours[shared - 1].id if shared else None,
        only_left=[step_row(step) for step in mine],
        only_right=[step_row(step) for step in others],
        bodies={step.id: step.body for step in (*mine, *others)},
    )


def document(found: Comparison) -> dict[str, Any]:
    """The comparison for JSON."""
    return {
        "left": {"thread": found.left, "steps": found.only_left},
        "right": {"thread": found.right, "steps": found.only_right},
        "shared": found.shared,
        "fork": found.fork,
    }


def text(found: Comparison) -> str:
    """The comparison for a reader: steps at the same place are compared line by line."""
    lines = [
        f"--- {found.left}",
        f"+++ {found.right}",
        f"{counted(found.shared, 'step')} in common",
    ]
    for n in range(max(len(found.only_left), len(found.only_right))):
        pair = [rows[n] if n < len(rows) else None for rows in (found.only_left, found.only_right)]
        lines += ["", *_step_diff(pair[0], pair[1], found.bodies)]
    if not found.only_left and not found.only_right:
        lines.append("the two are the same")
    return "\n".join(lines)


def _step_diff(
    left: dict[str, Any] | None, right: dict[str, Any] | None, bodies: dict[str, str]
) -> list[str]:
    from difflib import ndiff

    told = [[] if row is None else _lines(row, bodies) for row in (left, right)]
    return [line for line in ndiff(told[0], told[1]) if not line.startswith("?")]


def _lines(row: dict[str, Any], bodies: dict[str, str]) -> list[str]:
    fields = [
        f"{name}: {inline(value)}" for name, value in row["output"].items() if name != "$status"
    ]
    head = f"step {row['index']} {row['role']} → {row['status']}"
    return [head, *fields, *bodies[row["step"]].splitlines()]


def _steps(reader: Reader, head: str) -> list[Step]:
    steps = list(steps_back(reader, head))
    steps.reverse()
    return steps
