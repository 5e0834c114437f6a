"""`uwf inbox` and `answer`: what waits for a person, with its question, and answering it."""

from __future__ import annotations

from uwf import clock
from uwf.cli.command import THREAD, arg, command
from uwf.cli.line.arguments import text_arg
from uwf.cli.screen.cells import ago, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import BrokenItem, Inbox, InboxItem
    from uwf.cli.context import Context

QUESTION_CHARS = 600


@command(
    "inbox",
    help="Show what waits for you, and how to answer.",
    detail="Each with its question, since when, and its choices; oldest first. Threads that cannot be read stand "
    "apart, at the end. What runs, or goes on by itself, is not shown.",
    example="uwf inbox",
)
def inbox(ctx: Context) -> None:
    found = ctx.app.inbox()
    ctx.out.answer(
        found.waiting,
        ids=[item.thread for item in found.waiting],
        draw=lambda: ctx.out.text(_page(found)),
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
    if ctx.app.daemon.leader() is None:
        ctx.out.hint(f"uwf thread exec {told.thread}  # no daemon runs that would")


def _page(found: Inbox) -> str:
    now_ms = clock.now_ms()
    blocks = [_waits(item, now_ms) for item in found.waiting]
    blocks += [_broken(item) for item in found.broken]
    return "\n\n".join(blocks)


def _waits(item: InboxItem, now_ms: int) -> str:
    about = [item.thread, item.kind, item.title or item.workflow or "", f"{item.role or '?'} asks"]
    if item.kind != "question":
        about[-1] = item.role or ""
    lines = ["  ".join(filter(None, (*about, ago(item.since, now_ms))))]
    is_whole = item.kind == "approval"  # nobody can say yes to what is cut
    question = item.question if is_whole else short(item.question, QUESTION_CHARS)
    lines += [f"  {line}" for line in question.split("\n")]  # none of them looks like another item
    if item.choices:
        lines.append(f"  choices: {' | '.join(item.choices)}")
    lines.append(f"  {item.answer}")
    return "\n".join(lines)


def _broken(item: BrokenItem) -> str:
    return f"{item.thread}  broken\n  {short(item.why, QUESTION_CHARS)}\n  {item.look}"
