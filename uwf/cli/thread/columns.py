"""The columns of `thread list`. Each is called as its heading, or as the field that `--json` has for it."""

from __future__ import annotations

from uwf.cli.screen.cells import Cell, number, short
from uwf.cli.screen.output import text_of
from uwf.cli.thread import words
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from uwf.app.values import ThreadView
    from uwf.cli.context import Context
    from uwf.display.times import Times

SHOWN = ("thread", "status", "workflow", "step", "next", "updated", "about")
SPARE = ("step", "updated", "next", "workflow")
"""Left out in this order where a terminal is too narrow, unless a person has named the columns."""
TEXTS = (
    *("about", "failed", "task", "title", "message", "cwd", "labels", "wakes", "budget", "spent"),
    *("agent", "next", "workflow"),
)
"""Cut there, but not below so many characters."""
LEAST = {"about": 30}
GROUPS = ("status", "workflow", "next", "agent", "priority", "labels", "cwd")
"""By which threads can be put together."""


class Sight(Record):
    """How one reader sees threads: times, ids, the agent of each; and whether on a terminal."""

    times: Times
    ids: Mapping[str, Cell]
    agent_of: Callable[[ThreadView], str]
    on_terminal: bool


class Column(Record):
    """`field` is what `--json` calls it, or `spent` there; "" where it has no such field, but what the table says."""

    field: str
    cell: Callable[[ThreadView, Sight], str | Cell]


def _begin(text: str | None) -> str:
    return short(text or "", words.LONGEST)


COLUMNS: dict[str, Column] = {
    "thread": Column("thread", lambda thread, sight: sight.ids[thread.thread]),
    "status": Column(
        "status",
        lambda thread, sight: words.marked(thread) if sight.on_terminal else thread.state,
    ),
    "workflow": Column("workflowName", lambda thread, sight: thread.workflow_name or ""),
    "step": Column("steps", lambda thread, sight: number(thread.steps)),
    "round": Column("rounds", lambda thread, sight: number(thread.rounds)),
    "next": Column("currentRole", lambda thread, sight: thread.current_role or ""),
    "begun": Column("startedAt", lambda thread, sight: sight.times.moment(thread.started_at)),
    "updated": Column("updatedAt", lambda thread, sight: sight.times.moment(thread.updated_at)),
    "completed": Column(
        "completedAt", lambda thread, sight: sight.times.moment(thread.completed_at)
    ),
    "wakes": Column("wakeAt", lambda thread, sight: words.wakes(thread, sight.times)),
    "about": Column("", lambda thread, sight: words.about(thread, sight.times)),
    "task": Column("prompt", lambda thread, sight: _begin(thread.title or thread.prompt)),
    "title": Column("title", lambda thread, sight: thread.title or ""),
    "message": Column("suspendMessage", lambda thread, sight: _begin(thread.suspend_message)),
    "failed": Column("failed", lambda thread, sight: words.failed_and_next(thread, sight.times)),
    "spent": Column("spent", lambda thread, sight: words.used(thread)),
    "usd": Column("usd", lambda thread, sight: words.spent_of(thread, "usd")),
    "tokens": Column("tokens", lambda thread, sight: words.spent_of(thread, "tokens")),
    "time": Column("time", lambda thread, sight: words.spent_of(thread, "time")),
    "budget": Column("budget", lambda thread, sight: words.allowed(thread)),
    "agent": Column("", lambda thread, sight: sight.agent_of(thread)),
    "priority": Column("priority", lambda thread, sight: str(thread.priority)),
    "labels": Column("labels", lambda thread, sight: words.labels(thread)),
    "cwd": Column("cwd", lambda thread, sight: thread.cwd or ""),
}

_HEADINGS = {column.field: name for name, column in COLUMNS.items() if column.field}


class ThreadTable(Record):
    """Threads as rows: of these columns, chosen by a person or not, and put together by one of them."""

    shown: tuple[str, ...] = SHOWN
    is_chosen: bool = False
    by: str | None = None

    @classmethod
    def of(cls, columns: str | None, group: str | None) -> ThreadTable:
        """As `--columns a,b,c` and `--group a` say it. InputError for what there is not."""
        by = None if group is None else heading(group)
        if by is not None and by not in GROUPS:
            raise _no_such("grouping by", by, GROUPS, "--group")
        if columns is None:
            return cls(by=by)
        shown = tuple(heading(word.strip()) for word in columns.split(",") if word.strip())
        for word in shown:
            if word not in COLUMNS:
                raise _no_such("column", word, tuple(COLUMNS), "--columns")
        if not shown:
            raise InputError(
                "--columns names no column", hint=f"uwf thread list --columns {','.join(SHOWN)}"
            )
        return cls(shown, True, by)

    def answer(self, ctx: Context, threads: Sequence[ThreadView]) -> None:
        """Answer with these threads: a row each; an object of JSON each, with what was chosen alone."""
        sight = Sight(
            ctx.times,
            ctx.named(thread.thread for thread in threads),
            ctx.app.agent_of,
            ctx.out.on_terminal,
        )
        groups = [] if self.by is None else _grouped(threads, self.by, sight)
        rows = [thread for _, thread in groups] or list(threads)

        def draw() -> None:
            ctx.out.table(
                self.shown,
                [[COLUMNS[name].cell(thread, sight) for name in self.shown] for thread in rows],
                cut=TEXTS,
                spare=() if self.is_chosen else SPARE,
                least=LEAST,
                groups=[name for name, _ in groups],
            )

        fields = self.is_chosen and ctx.json
        ctx.out.answer(
            [_chosen(thread, self.shown, sight) for thread in rows] if fields else rows,
            ids=[thread.thread for thread in rows],
            draw=draw,
        )


def heading(word: str) -> str:
    """The heading of the column that `word` means; `word` where there is none."""
    return word if word in COLUMNS else _HEADINGS.get(word, word)


def _grouped(threads: Sequence[ThreadView], by: str, sight: Sight) -> list[tuple[str, ThreadView]]:
    """The threads with the group of each, those of a group together: by state what a person must see first, else as
    they come.
    """
    found = [(text_of(COLUMNS[by].cell(thread, sight)) or "-", thread) for thread in threads]
    order = list(dict.fromkeys(name for name, _ in found))
    if by == "status":
        from uwf.display import states

        order.sort(key=lambda name: states.of(name).rank)
    many = {name: sum(other == name for other, _ in found) for name in order}
    found.sort(key=lambda pair: order.index(pair[0]))
    return [(f"{name} ({many[name]})", thread) for name, thread in found]


def _chosen(thread: ThreadView, shown: tuple[str, ...], sight: Sight) -> dict[str, Any]:
    """Of the document of a thread what these columns are about."""
    from uwf.jsontext import document

    whole, found = document(thread), {}
    whole = {**(whole.get("spent") or {}), **whole}
    for name in shown:
        field = COLUMNS[name].field
        found[field or name] = (
            whole.get(field) if field else text_of(COLUMNS[name].cell(thread, sight))
        )
    return found


def _no_such(what: str, word: str, known: Sequence[str], option: str) -> InputError:
    from uwf.nearest import nearest, or_meant

    return InputError(
        f"there is no {what} {word!r}, but {', '.join(known)}{or_meant(word, known)}",
        hint=f"uwf thread list {option} {nearest(word, known) or known[0]}",
    )
