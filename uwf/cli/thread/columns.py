"""The columns of `thread list`: those it shows, and those it can show."""

from __future__ import annotations

from uwf import quantities
from uwf.cli.screen.cells import in_words, moment, number, short
from uwf.errors import InputError
from uwf.nearest import nearest
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.app.values import ThreadView

SHOWN = ("thread", "status", "workflow", "step", "round", "next", "begun", "task")

TEXTS = (
    "failed",
    "task",
    "title",
    "message",
    "cwd",
    "labels",
    "wakes",
    "budget",
    "spent",
    "agent",
    "next",
    "workflow",
)
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
            raise InputError(
                f"there is no column {word!r}; there are {', '.join(_CELLS)}",
                hint=f"uwf thread list --columns {nearest(word, _CELLS) or SHOWN[0]}",
            )
    if not found:
        raise InputError(
            "--columns names no column", hint=f"uwf thread list --columns {','.join(SHOWN)}"
        )
    return found


def cells(
    columns: tuple[str, ...], thread: ThreadView, agent: Callable[[ThreadView], str]
) -> list[str]:
    """The cells of one thread; `agent` names the one that runs it or ran it last."""
    return [agent(thread) if column == "agent" else _CELLS[column](thread) for column in columns]


def failed(thread: ThreadView) -> str:
    """Of what the last attempt at the next step failed, how often that was tried, and when. A question is none."""
    return _failed(thread, "")


def _failed(thread: ThreadView, more: str) -> str:
    last = thread.failed
    if last is None or last.is_question:
        return ""
    often = f" ({last.number} attempts)" if last.number > 1 else ""
    return f"{last.code}{often}{more}, {in_words(last)}"


def _failed_and_next(thread: ThreadView) -> str:
    """The same, and when it is tried again without a person."""
    return _failed(thread, f", next try {moment(thread.wake_at)}" if thread.wake_at else "")


def wakes(thread: ThreadView) -> str:
    """When it wakes, and what for."""
    return "" if thread.wake_at is None else f"{moment(thread.wake_at)}: {thread.wake_why}"


def left_behind(thread: ThreadView) -> str:
    """What a killed uwf has left of an attempt, and what ends it."""
    left = thread.left_behind
    if left is None:
        return ""
    what = f"an attempt of {left.role}, whose uwf (process {left.runner}) is gone"
    if left.pids:
        what += f", and {left.in_words}"
    return f"{what}; the next step ends that, or uwf thread stop {thread.thread}"


def state(thread: ThreadView) -> str:
    """The status for a reader: a process that only waits for a slot runs nothing."""
    return "waiting" if thread.waiting is not None else thread.status


def spent(thread: ThreadView) -> str:
    """What a thread has used, beside what it may."""
    limits, unseen, unknown = thread.budget or {}, thread.unseen or {}, thread.unknown_usage or {}
    words = []
    for name, said in _amounts(thread).items():
        of = f" of {quantities.written(name, limits[name])}" if name in limits else ""
        more = f" (not known of {counted(unknown[name], 'attempt')})" if name in unknown else ""
        is_unseen = name in unseen
        words.append(
            quantities.unseen(name, limits[name], unseen[name]) if is_unseen else said + of + more
        )
    return ", ".join(words)


def labels(thread: ThreadView) -> str:
    return ", ".join(f"{key}={value}" for key, value in thread.labels.items())


def _used(thread: ThreadView) -> str:
    return ", ".join(_amounts(thread).values())


def _amounts(thread: ThreadView) -> dict[str, str]:
    """What was used and what is limited. Steps and visits stand elsewhere, unless they have a limit."""
    used, limits = thread.spent or {}, thread.budget or {}
    return {
        name: f"{name} {quantities.said(name, used.get(name, 0))}"
        for name in quantities.NAMES
        if name in limits or (used.get(name) and name not in (quantities.STEPS, quantities.VISITS))
    }


_CELLS: dict[str, Callable[[ThreadView], str]] = {
    "thread": lambda thread: thread.thread,
    "status": state,
    "workflow": lambda thread: thread.workflow_name or "",
    "step": lambda thread: number(thread.steps),
    "round": lambda thread: number(thread.rounds),
    "next": lambda thread: thread.current_role or "",
    "begun": lambda thread: moment(thread.started_at),
    "task": lambda thread: short(thread.title or thread.prompt or "", 40),
    "spent": _used,
    "budget": lambda thread: quantities.format_budget(thread.budget or {}),
    "labels": labels,
    "title": lambda thread: thread.title or "",
    "agent": lambda thread: "",
    "failed": _failed_and_next,
    "message": lambda thread: short(thread.suspend_message or "", 60),
    "priority": lambda thread: str(thread.priority),
    "cwd": lambda thread: thread.cwd or "",
    "updated": lambda thread: moment(thread.updated_at),
    "completed": lambda thread: moment(thread.completed_at),
    "wakes": lambda thread: wakes(thread),
}

ALL = tuple(_CELLS)
