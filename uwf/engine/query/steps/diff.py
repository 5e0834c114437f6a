"""Two threads side by side: the history they share, and what each has done since."""

from __future__ import annotations

from uwf.engine.chain.nodes import Step
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import THREADS
from uwf.engine.query.steps.steps import StepRow, row
from uwf.quantities import counted
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.nodes import Reader
    from uwf.store.values import Ref


class Side(Record):
    """One of two threads, and its steps after those that both have, oldest first."""

    thread: str
    steps: tuple[StepRow, ...]


class Comparison(Record):
    """`shared` counts the steps that both have, and `fork` is the last of them."""

    left: Side
    right: Side
    shared: int
    fork: str | None


def compare(reader: Reader, left: Ref, right: Ref) -> Comparison:
    """Compare the chains of two threads."""
    ours, theirs = _steps(reader, left.id), _steps(reader, right.id)
    shared = 0
    while shared < min(len(ours), len(theirs)) and ours[shared].id == theirs[shared].id:
        shared += 1
    return Comparison(
        left=_side(reader, left, ours[shared:]),
        right=_side(reader, right, theirs[shared:]),
        shared=shared,
        fork=ours[shared - 1].id if shared else None,
    )


def text(reader: Reader, found: Comparison) -> str:
    """The comparison for a reader: steps at the same place are compared line by line."""
    left, right = found.left.steps, found.right.steps
    lines = [
        f"--- {found.left.thread}",
        f"+++ {found.right.thread}",
        f"{counted(found.shared, 'step')} in common",
    ]
    for n in range(max(len(left), len(right))):
        pair = [_lines(reader, rows[n]) if n < len(rows) else [] for rows in (left, right)]
        lines += ["", *_step_diff(*pair)]
    if not left and not right:
        lines.append("the two are the same")
    return "\n".join(lines)


def _step_diff(left: list[str], right: list[str]) -> list[str]:
    from difflib import ndiff

    return [line for line in ndiff(left, right) if not line.startswith("?")]


def _lines(reader: Reader, step: StepRow) -> list[str]:
    fields = [f"{name}: {value}" for name, value in step.fields.items()]
    head = f"step {step.index} {step.role} → {step.status}"
    return [head, *fields, *Step.read(reader, step.step).body.splitlines()]


def _side(reader: Reader, ref: Ref, steps: list[Step]) -> Side:
    return Side(ref.name.removeprefix(THREADS), tuple(row(reader, step) for step in steps))


def _steps(reader: Reader, head: str) -> list[Step]:
    steps = list(steps_back(reader, head))
    steps.reverse()
    return steps
