"""`uwf inbox` and `answer`: what waits for a person, with its question, and answering it."""

from __future__ import annotations

from uwf.cli.command import THREAD, arg, command
from uwf.cli.line.arguments import text_arg
from uwf.cli.screen.cells import Cell, short
from uwf.display import states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.app.values import Inbox, InboxItem
    from uwf.cli.context import Context

QUESTION_CHARS = 600


@command(
    "inbox",
    help="Show what waits for you, and how to answer.",
    detail="Each with its question, since when, and its choices; oldest first. Threads that cannot be read stand "
    "apart, at the end. What runs, or goes on by itself, is not shown, but for what no machine could run for an hour.",
    example="uwf inbox",
    times=True,
)
def inbox(ctx: Context) -> None:
    found = ctx.app.inbox()
    ctx.out.answer(
        found.waiting,
        ids=[item.thread for item in found.waiting],
        draw=lambda: _draw(ctx, found),
    )
    if ctx.json:
        for broken in found.broken:
            ctx.out.warning(f"thread {broken.thread} cannot be read: {broken.why}")
    elif not found.waiting:
        ctx.out.note("nothing waits for you")


@command(
    "answer",
    help="Answer what a suspended thread asks.",
    detail="It is told that, and is due at once. A daemon runs it within the second; without one, `thread run --due` "
    "does, or `thread exec`.",
    example="uwf answer @last 'Blue.'",
    thread=THREAD,
    text=arg("The answer; @FILE or - (stdin) to read it."),
)
def answer(ctx: Context, thread: str, text: str) -> None:
    told = ctx.app.answer(thread, text_arg(text))
    ctx.out.answer(told, ids=[told.word], draw=f"{told.word[:12]}  told {told.thread}")
    if ctx.app.daemon.of_all() is None:
        ctx.out.hint(f"uwf thread exec {told.thread} --due  # no daemon runs that would")


def _draw(ctx: Context, found: Inbox) -> None:
    """A block for each: what it is and since when; its question; what to type."""
    threads = [item.thread for item in found.waiting] + [item.thread for item in found.broken]
    ids = ctx.named(threads)
    for item in found.waiting:
        role = f"{item.role or '?'} asks" if item.kind == "question" else item.role or ""
        kind, since = Cell(item.kind, states.of(item.kind)), ctx.times.moment(item.since)
        about = short(item.title or item.workflow or "", 40)
        ctx.out.row((ids[item.thread], kind, about, role, since))
        ctx.out.prose("\n".join(f"  {line}" for line in _lines(item, ids[item.thread].text)))
        ctx.out.text("\n" * (item is not found.waiting[-1] or bool(found.broken)))
    for broken in found.broken:
        ctx.out.row((ids[broken.thread], Cell("broken", states.CORRUPT)))
        look = broken.look.replace(broken.thread, ids[broken.thread].text)
        ctx.out.text(f"  {short(broken.why, QUESTION_CHARS)}\n  {look}")
        ctx.out.text("\n" * (broken is not found.broken[-1]))


def _lines(item: InboxItem, id: str) -> Iterator[str]:
    """None of them begins where another item would."""
    is_whole = item.kind == "approval"  # nobody can say yes to what is cut
    yield from (item.question if is_whole else short(item.question, QUESTION_CHARS)).split("\n")
    if item.choices:
        yield f"choices: {' | '.join(item.choices)}"
    yield item.answer.replace(item.thread, id)
