"""`uwf thread watch`: what happens in threads that other processes run, as it happens."""

from __future__ import annotations

from functools import partial

from uwf.cli.command import arg, command
from uwf.cli.thread.selection import LABEL, WHERE, Chosen
from uwf.cli.thread.words import marked
from uwf.display import numbers, times, turns
from uwf.jsontext import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.app.values import Glance
    from uwf.cli.context import Context

AGENT = "agent"


@command(
    "thread watch",
    help="Follow threads that run, until all have stopped.",
    detail="It tells what agents say and think, which tools they use and what those give back, and each step. One that "
    "is due is waited for while a daemon leads. Of several threads each line begins with its own. With --json one line "
    "each time something changes, like those of `thread show`, with the new `turns`. --where chooses among those that "
    "run.",
    example="uwf thread watch --where running",
    thread=arg("A ULID, 4+ characters of it, or @last.", metavar="THREAD", complete="thread"),
    where=WHERE,
    label=LABEL,
)
def watch(
    ctx: Context,
    thread: tuple[str, ...] = (),
    *,
    where: tuple[str, ...] = (),
    label: tuple[str, ...] = (),
) -> None:
    chosen = Chosen("watch", thread, where, False, None, labels=label, statuses=("running",))
    ids = chosen.ids(ctx)
    names = {} if len(ids) == 1 else ctx.short_ids(ids)
    running: dict[str, str] = {}
    for glance in ctx.app.follow(*ids):
        name = names.get(glance.thread.thread, "")
        line = {**document(glance.thread), "turns": glance.turns}
        ctx.out.line(line, draw=partial(_draw, ctx, glance, name))
        _note_running(running, glance, name)
        if running:
            ctx.out.status(", ".join(running.values()))
    ctx.out.clear_status()


def _note_running(running: dict[str, str], glance: Glance, name: str) -> None:
    """Keep what the live line says of each thread that runs; of several each with its `name`."""
    id, now = glance.thread.thread, glance.thread.running
    if now is None:
        running.pop(id, None)
    elif now.role is not None:
        running[id] = f"{name} {now.role}" if name else f"{now.role} · {now.agent} · running"


def _draw(ctx: Context, glance: Glance, name: str) -> None:
    for text, colour, bold in _lines(ctx, glance):
        if name:
            ctx.out.painted(name, bold=True, end="  ")
        ctx.out.painted(text, colour, bold=bold)


def _lines(ctx: Context, glance: Glance) -> Iterator[tuple[str, str, bool]]:
    """Each line, its colour, and whether it is bold."""
    for turn in glance.turns:
        who = "" if turn.from_ == AGENT else f"{turn.from_}: "
        for line in turns.lines(turn.kind, turn.text):
            yield who + line, turns.COLOURS.get(turn.kind, ""), False
    for step in glance.steps:
        cost = filter(None, (times.duration(step.duration_ms), numbers.cost(step.usage)))
        yield f"— {step.index} {step.role} → {step.status}  {', '.join(cost)}", "", True
    thread = glance.thread
    if thread.running is None:
        message = f": {thread.suspend_message}" if thread.suspend_message else ""
        at_rest = marked(thread)
        look = at_rest.look
        said = str(at_rest) if ctx.out.on_terminal else at_rest.text
        yield said + message, "" if look is None else look.colour, False
