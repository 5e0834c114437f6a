"""The columns of `thread list`: those it shows, and those it can show."""

from __future__ import annotations

from uwf import clock, quantities
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Row = dict[str, Any]

SHOWN = ("thread", "status", "workflow", "step", "round", "next", "begun", "task")

TEXTS = ("task", "message", "cwd", "labels", "budget", "spent", "agent", "next", "workflow")
"""Cut where the terminal is too narrow."""
SPARE = ("round", "begun", "step", "next", "workflow", "task")
"""Then left out in this order, unless a person has named the columns."""


def chosen(words: str | None) -> tuple[str, ...]:
    """`--columns a,b,c` as columns; those that are always shown without it. InputError for one there is not."""
    if words is None:
        return SHOWN
    found = tuple(word.strip() for word in words.split(",") if word.strip())
    for word in found:
        if word not in _CELLS:
            from difflib import get_close_matches

            nearest = next(iter(get_close_matches(word, _CELLS, n=1)), SHOWN[0])
            raise InputError(
                f"there is no column {word!r}; there are {', '.join(_CELLS)}",
                hint=f"uwf thread list --columns {nearest}",
            )
    if not found:
        raise InputError(
            "--columns names no column", hint=f"uwf thread list --columns {','.join(SHOWN)}"
        )
    return found


def cells(columns: tuple[str, ...], row: Row, agent: Callable[[Row], str]) -> list[str]:
    """The cells of one thread, a row of `View.thread`; `agent` says who runs it or ran it last."""
    return [agent(row) if column == "agent" else _CELLS[column](row) for column in columns]


def standing(row: Row) -> str:
    """The status for a reader: a process that only waits for a place runs nothing."""
    return "waiting" if row["waiting"] is not None else str(row["status"])


def spent(row: Row) -> str:
    """What a thread has used, beside what it may."""
    limits = row["budget"] or {}
    return ", ".join(
        said + (f" of {quantities.written(name, limits[name])}" if name in limits else "")
        for name, said in _amounts(row).items()
    )


def short(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def moment(at_ms: int | None) -> str:
    return clock.iso(at_ms) if at_ms else ""


def number(value: int | None) -> str:
    return "?" if value is None else str(value)


def labels(row: Row) -> str:
    return ", ".join(f"{key}={value}" for key, value in row["labels"].items())


def _used(row: Row) -> str:
    return ", ".join(_amounts(row).values())


def _amounts(row: Row) -> dict[str, str]:
    """What was used and what is limited. Steps and visits stand elsewhere, unless they have a limit."""
    used, limits = row["spent"] or {}, row["budget"] or {}
    return {
        name: f"{name} {quantities.said(name, used.get(name, 0))}"
        for name in quantities.NAMES
        if name in limits or (used.get(name) and name not in (quantities.STEPS, quantities.VISITS))
    }


_CELLS: dict[str, Callable[[Row], str]] = {
    "thread": lambda row: str(row["thread"]),
    "status": standing,
    "workflow": lambda row: row["workflowName"] or "",
    "step": lambda row: number(row["steps"]),
    "round": lambda row: number(row["rounds"]),
    "next": lambda row: row["currentRole"] or "",
    "begun": lambda row: moment(row["startedAt"]),
    "task": lambda row: short(row["prompt"] or "", 40),
    "spent": _used,
    "budget": lambda row: quantities.format_budget(row["budget"] or {}),
    "labels": labels,
    "agent": lambda row: "",
    "message": lambda row: short(row["suspendMessage"] or "", 60),
    "priority": lambda row: str(row["priority"]),
    "cwd": lambda row: row["cwd"] or "",
    "updated": lambda row: moment(row["updatedAt"]),
    "completed": lambda row: moment(row["completedAt"]),
}

ALL = tuple(_CELLS)
