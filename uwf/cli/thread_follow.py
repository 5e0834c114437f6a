"""`uwf thread read`, `log`, `watch`, `wait` and `diff`: what happened, and what is happening."""

from __future__ import annotations

from uwf import clock
from uwf.cli import exits, wiring
from uwf.cli.command import arg, command, opt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.cli.context import Context

_THREAD = arg("A ULID, 4+ characters of it, or @last.", complete="thread")


@command(
    "thread read",
    help="Read a thread as Markdown: its task and its steps, the newest kept first within a quota.",
    example="uwf thread read @last --quota 8000",
    thread=_THREAD,
    quota=opt("--quota", metavar="CHARS", low=1, help="About how much. [config: read.chars]"),
    before=opt("--before", metavar="INDEX", low=1, help="Only steps before this one."),
)
def read(ctx: Context, thread: str, *, quota: int | None = None, before: int | None = None) -> None:
    from uwf.engine.chain import thread as threads
    from uwf.engine.query import markdown as reading

    store = ctx.reader()
    found = threads.read(store, wiring.thread_ref(ctx, thread))
    text = reading.thread_markdown(
        store, found, quota_chars=quota or ctx.config.read.chars, before=before
    )
    ctx.out.answer(
        {"thread": found.id, "markdown": text},
        ids=[found.id],
        draw=lambda: ctx.out.markdown(text),
    )


@command(
    "thread log",
    help="Show every move of a thread: what changed, when, why, and by which process.",
    example="uwf thread log @last",
    thread=_THREAD,
)
def log(ctx: Context, thread: str) -> None:
    ref = wiring.thread_ref(ctx, thread)
    rows = [
        {
            "version": move.version,
            "at": move.at_ms,
            "why": move.why,
            "status": move.tags.get("status"),
            "old": move.old,
            "new": move.new,
            "process": move.process,
        }
        for move in ctx.reader().moves(ref.name)
    ]
    columns = ("version", "when", "status", "head", "why", "process")
    ctx.out.answer(
        rows,
        ids=[str(row["new"]) for row in rows if row["new"]],
        draw=lambda: ctx.out.table(
            columns,
            [
                [
                    str(row["version"]),
                    clock.iso(int(str(row["at"]))),
                    str(row["status"] or ""),
                    str(row["new"] or "")[:12],
                    str(row["why"]),
                    str(row["process"]),
                ]
                for row in rows
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
    thread=_THREAD,
)
def watch(ctx: Context, thread: str) -> None:
    from uwf.engine.query import follow as watching

    ref = wiring.thread_ref(ctx, thread)
    view = wiring.view(ctx)
    id = ref.name.rpartition("/")[2]
    for glance in watching.follow(ctx.reader(), view, id):
        line = {**glance.row, "turns": glance.turns}
        ctx.out.line(line, id="", draw="\n".join(_told(glance.row, glance.steps, glance.turns)))
        running = glance.row["running"]
        if running is not None and running["role"] is not None:
            ctx.out.status(f"{running['role']} · {running['agent']} · running")
    ctx.out.clear_status()


def _told(
    row: dict[str, Any], steps: list[dict[str, Any]], turns: list[dict[str, Any]]
) -> list[str]:
    lines = [turn["text"].rstrip("\n") for turn in turns]
    lines += [f"— {step['index']} {step['role']} → {step['status']}" for step in steps]
    if row["running"] is None:
        message = f": {row['suspendMessage']}" if row["suspendMessage"] else ""
        lines.append(f"{row['status']}{message}")
    return lines


@command(
    "thread wait",
    help="Wait until nobody runs a thread any more, then show it.",
    detail="Exit 75 when the time is up and it still runs.",
    example="uwf thread wait @last --timeout 600",
    thread=_THREAD,
    timeout=opt("--timeout", metavar="SECONDS", low=0, help="Wait no longer than this."),
)
def wait(ctx: Context, thread: str, *, timeout: float | None = None) -> int:
    from uwf.cli.thread_show import answer
    from uwf.engine.actions import stop

    ref = wiring.thread_ref(ctx, thread)
    id = ref.name.rpartition("/")[2]
    done = stop.wait(ctx.home, id, timeout_s=timeout)
    answer(ctx, wiring.thread_ref(ctx, id))
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
    from uwf.engine.query import diff as comparing

    store = ctx.reader()
    left, right = wiring.thread_ref(ctx, one), wiring.thread_ref(ctx, other)
    found = comparing.compare(store, left, right)
    ctx.out.answer(
        comparing.document(found),
        ids=[row["step"] for row in (*found.only_left, *found.only_right)],
        draw=comparing.text(found),
    )
