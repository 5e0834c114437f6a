"""`uwf thread read`, `log`, `watch`, `wait` and `diff`: what happened, and what is happening."""

from __future__ import annotations

from uwf import clock
from uwf.cli import exits
from uwf.cli.command import THREAD, arg, command, opt
from uwf.cli.jsontext import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import Glance, Page
    from uwf.cli.context import Context


@command(
    "thread read",
    help="Read a thread as Markdown: its task and its steps, the newest kept first within a quota.",
    example="uwf thread read @last --quota 8000",
    thread=THREAD,
    quota=opt("--quota", metavar="CHARS", low=1, help="About how much. [config: read.chars]"),
    before=opt("--before", metavar="INDEX", low=1, help="Only steps before this one."),
)
def read(ctx: Context, thread: str, *, quota: int | None = None, before: int | None = None) -> None:
    page = ctx.app.read(thread, quota_chars=quota, before=before)
    answer_page(ctx, page)


def answer_page(ctx: Context, page: Page) -> None:
    """Print a thread, a step or an attempt as Markdown."""
    text = page.markdown
    ctx.out.answer(
        {page.kind: page.id, "markdown": text}, ids=[page.id], draw=lambda: ctx.out.markdown(text)
    )


@command(
    "thread log",
    help="Show every move of a thread: what changed, when, why, and by which process.",
    example="uwf thread log @last",
    thread=THREAD,
)
def log(ctx: Context, thread: str) -> None:
    moves = ctx.app.log(thread)
    ctx.out.answer(
        moves,
        ids=[move.new for move in moves if move.new],
        draw=lambda: ctx.out.table(
            ("version", "when", "status", "head", "why", "process"),
            [
                [
                    str(move.version),
                    clock.iso(move.at),
                    move.status or "",
                    (move.new or "")[:12],
                    move.why,
                    move.process,
                ]
                for move in moves
            ],
            cut=("why",),
            spare=("process", "version", "when"),
        ),
    )


@command(
    "thread watch",
    help="Follow a thread that another process runs, until it stops.",
    detail="With --json one line each time something changes, like those of `thread show`, with the new `turns`.",
    example="uwf thread watch @last",
    thread=THREAD,
)
def watch(ctx: Context, thread: str) -> None:
    for glance in ctx.app.follow(thread):
        line = {**document(glance.thread), "turns": glance.turns}
        ctx.out.line(line, draw="\n".join(_lines(glance)))
        running = glance.thread.running
        if running is not None and running.role is not None:
            ctx.out.status(f"{running.role} · {running.agent} · running")
    ctx.out.clear_status()


def _lines(glance: Glance) -> list[str]:
    lines = [turn.text.rstrip("\n") for turn in glance.turns]
    lines += [f"— {step.index} {step.role} → {step.status}" for step in glance.steps]
    thread = glance.thread
    if thread.running is None:
        message = f": {thread.suspend_message}" if thread.suspend_message else ""
        lines.append(f"{thread.status}{message}")
    return lines


@command(
    "thread wait",
    help="Wait until nobody runs a thread any more, then show it.",
    detail="Exit 75 when the time is up and it still runs.",
    example="uwf thread wait @last --timeout 600",
    thread=THREAD,
    timeout=opt("--timeout", metavar="SECONDS", low=0, help="Wait no longer than this."),
)
def wait(ctx: Context, thread: str, *, timeout: float | None = None) -> int:
    from uwf.cli.thread_show import answer

    id = ctx.app.thread_id(thread)
    done = ctx.app.wait(id, timeout)
    answer(ctx, ctx.app.show(id))
    if done:
        return exits.DONE
    ctx.out.hint(f"uwf thread watch {id}")
    return exits.NOT_NOW


@command(
    "thread diff",
    help="Compare two threads: the steps they share, and where they part.",
    example="uwf thread diff 9YK4 @last",
    one=arg("A thread.", metavar="THREAD", complete="thread"),
    other=arg("The thread to compare it with.", metavar="THREAD", complete="thread"),
)
def diff(ctx: Context, one: str, other: str) -> None:
    found = ctx.app.compare(one, other)
    ctx.out.answer(
        found,
        ids=[step.step for step in (*found.left.steps, *found.right.steps)],
        draw=lambda: ctx.out.text(ctx.app.comparison_text(found)),
    )
