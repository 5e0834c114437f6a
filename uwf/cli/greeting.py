"""`uwf` alone: how the home stands, and what to type next."""

from __future__ import annotations

from uwf.cli.command import CommandSpec
from uwf.cli.screen.cells import Cell, short
from uwf.jsontext import document
from uwf.quantities import TIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from uwf.app.values import Overview
    from uwf.cli.context import Context

COLUMNS = ("thread", "status", "role", "since", "about")
SPARE = ("since", "role")
NAMED = 3
"""Threads of each kind that are named; all are counted."""
MOST_NEXT = 3
WORDS, NEXT = 200, 60


def greet(ctx: Context) -> None:
    found = ctx.app.overview()
    ids = ctx.short_ids(_named(found))
    commands = [*list(_next(ctx, found, ids))[:MOST_NEXT], ("uwf --help", "all commands")]

    def draw() -> None:
        if found.threads:
            ctx.out.fields(_counts(ctx, found))
            if ids:
                ctx.out.text("\n")
                ctx.out.table(COLUMNS, _rows(ctx, found, ids), cut=("about", "role"), spare=SPARE)
        else:
            ctx.out.text(f"There is no thread yet in {ctx.home}.\n")
        ctx.out.text("\n")
        width = max(len(command) for command, _ in commands)
        lines = [f"{command.ljust(width)}  # {why}" for command, why in commands]
        ctx.out.text("\n".join(lines))

    whole = {**document(found), "next": [command for command, _ in commands]} if ctx.json else None
    ctx.out.answer(whole, ids=[item.thread for item in found.waiting], draw=draw)


GREETING = CommandSpec("", greet, "Show how this home stands.", "uwf", "", {})
"""It has no name, and so no place in the index."""


def _named(found: Overview) -> list[str]:
    """The threads that are shown, what waits for a person first."""
    waits = [item.thread for item in (*found.waiting[:NAMED], *found.failed[:NAMED])]
    broken = [item.thread for item in found.broken[:NAMED]]
    return [*waits, *broken, *(view.thread for view in found.running)]


def _counts(ctx: Context, found: Overview) -> dict[str, str]:
    from uwf.display import numbers

    more = "+" if found.is_cut else ""
    broken = len(found.failed) + len(found.broken)
    due = str(found.due or "nothing")
    if found.next_wake is not None:
        due += f", the next {ctx.times.due(found.next_wake)}"
    today = {name: amount for name, amount in found.today.items() if amount and name != TIME}
    return {
        "waits for you": f"{len(found.waiting)}{more}" if found.waiting else "nothing",
        "running": str(found.runs or "nothing"),
        "broken": f"{broken}{more}" if broken else "nothing",
        "due": due,
        "cost today": numbers.amounts(today) or "nothing",
    }


def _rows(ctx: Context, found: Overview, ids: Mapping[str, str]) -> Iterator[list[str | Cell]]:
    """The threads that are named, each with its state, who is at it and since when."""
    from uwf.cli.thread.words import marked
    from uwf.display import states

    def row(thread: str, state: Cell, *cells: str) -> list[str | Cell]:
        return [Cell(ids[thread], bold=True), state, *cells]

    moment = ctx.times.moment
    for item in (*found.waiting[:NAMED], *found.failed[:NAMED]):
        state = Cell("unserved" if item.is_unserved else "suspended", states.of(item.kind))
        about = short(item.question, WORDS)
        yield row(item.thread, state, item.role or "", moment(item.since), about)
    for broken in found.broken[:NAMED]:
        state = Cell("corrupt", states.CORRUPT)
        yield row(broken.thread, state, "", "", short(broken.why, WORDS))
    for view in found.running:
        since = moment(view.running.since) if view.running else ""
        task = short(view.title or view.prompt or "", WORDS)
        yield row(view.thread, marked(view), view.current_role or "", since, task)


def _next(ctx: Context, found: Overview, ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What to type next, the most urgent first, and what for."""
    if not found.threads:
        yield "uwf setup", "find your agents, and write a first workflow"
        yield "uwf demo", "watch a whole job, without an agent or a key: it needs ruff"
        return
    for item in found.waiting[:1]:
        why = item.question if item.is_unserved else f"{item.role} waits for it"
        yield item.answer.replace(item.thread, ids[item.thread]), short(why, NEXT)
    if len(found.waiting) > 1:
        yield "uwf inbox", "all that waits for you, with the choices"
    for item in found.failed[:1]:
        yield f"uwf thread show {ids[item.thread]}", "why it failed, and the way on"
    for broken in found.broken[:1]:
        yield broken.look.replace(broken.thread, ids[broken.thread]), "what was done to it"
    if found.due and ctx.app.daemon.of_all() is None:
        yield "uwf thread run --due", "no daemon runs that would: uwf daemon run"
    for view in found.running[:1]:
        yield f"uwf thread watch {ids[view.thread]}", "see it work"
    yield "uwf thread list", "where all active threads stand"
