"""`uwf step`: the steps of a thread, their prompts, replies and turns."""

from __future__ import annotations

from uwf import clock
from uwf.cli import wiring
from uwf.cli.command import arg, command, opt
from uwf.engine.query import resolve
from uwf.engine.query.threads import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.cli.context import Context

_STEP = arg(
    "An id, also of a failed attempt; THREAD~N, THREAD/role@N, or a thread for its last step.",
    metavar="STEP",
    complete="step",
)


@command(
    "step list",
    help="List the steps of a thread, oldest first.",
    example="uwf step list @last",
    thread=arg("A ULID, 4+ characters of it, or @last.", complete="thread"),
)
def list_(ctx: Context, thread: str) -> None:
    rows = View(ctx.reader(), ctx.home).steps(wiring.thread_ref(ctx, thread).id)
    columns = ("step", "#", "round", "role", "status", "seconds", "tries", "agent")
    ctx.out.answer(
        rows,
        ids=[row["step"] for row in rows],
        draw=lambda: (
            ctx.out.table(
                columns,
                [_cells(row) for row in rows],
                cut=("agent",),
                spare=("tries", "round", "seconds", "agent"),
            )
            if rows
            else None
        ),
    )
    if not rows:
        ctx.out.note("the thread has no step yet")


@command(
    "step show",
    help="Show one step: prompt, supplement, reply, turns and failed attempts.",
    detail="Of a failed attempt it shows why, how its process ended, its stderr and what was said.",
    example="uwf step show @last~1",
    step=_STEP,
)
def show(ctx: Context, step: str) -> None:
    store = ctx.reader()
    id = resolve.step_id(store, step, or_attempt=True)
    if store.get(id).kind == "attempt":
        _show_attempt(ctx, id)
        return
    row = View(store, ctx.home).step(id)
    ctx.out.answer(row, ids=[id], draw=lambda: ctx.out.fields(_fields(row)))


@command(
    "step read",
    help="Read one step as Markdown, with the prompt it got.",
    example="uwf step read @last",
    step=_STEP,
)
def read(ctx: Context, step: str) -> None:
    from uwf.engine.query import markdown as reading

    store = ctx.reader()
    id = resolve.step_id(store, step, or_attempt=True)
    if store.get(id).kind == "attempt":
        from uwf.engine.query import ended

        text = ended.page(store, id)
        ctx.out.answer(
            {"attempt": id, "markdown": text}, ids=[id], draw=lambda: ctx.out.markdown(text)
        )
        return
    text = reading.step_page(store, id)
    ctx.out.answer({"step": id, "markdown": text}, ids=[id], draw=lambda: ctx.out.markdown(text))


@command(
    "step turns",
    help="Show what the agents of a thread said, turn by turn, failed attempts included.",
    example="uwf step turns @last --step @last~1",
    thread=arg("A ULID, 4+ characters of it, or @last.", complete="thread"),
    step=opt("--step", metavar="STEP", complete="step", help="Only the turns of this step."),
)
def turns(ctx: Context, thread: str, *, step: str | None = None) -> None:
    from uwf.engine.chain.tags import THREADS
    from uwf.engine.chain.thread import runner
    from uwf.engine.query import turns as telling

    store = ctx.reader()
    ref = wiring.thread_ref(ctx, thread)
    only = None if step is None else resolve.step_id(store, step)
    is_running = runner(ctx.home, ref.name.removeprefix(THREADS)) is not None
    rows = telling.of_thread(store, ref, only, is_running=is_running)
    ctx.out.answer(
        rows, ids=[row["turn"] for row in rows], draw="\n".join(_turn(row) for row in rows)
    )
    if not rows:
        ctx.out.note("no agent has said anything yet")
        failed = None if only is not None else telling.last_attempt(store, ref)
        if failed is not None:
            ctx.out.hint(f"uwf step show {failed[:16]}")


def _turn(row: dict[str, Any]) -> str:
    where = f"step {row['index']}" if row["step"] else f"attempt {row['number']}, {row['outcome']}"
    return f"— {row['role']}, {where}, {row['from']}, {clock.iso(row['at'])}\n{row['text']}"


def _show_attempt(ctx: Context, id: str) -> None:
    from uwf.engine.query import ended

    row = ended.row(ctx.reader(), id)
    fields = {
        "attempt": id,
        "thread": row["thread"],
        "role": row["role"],
        "place": f"attempt {row['number']}, round {row['round']}",
        "failed": f"{row['error']['code']}: {row['error']['message']}",
        "process": "" if row["process"] is None else ended.process(row["process"]),
        "agent": row["agent"],
        "cwd": row["cwd"],
        "began": clock.iso(row["startedAt"])
        + ("" if row["durationMs"] is None else f", took {row['durationMs'] / 1000:.1f} s"),
        "usage": _usage(row),
        "supplement": row["supplement"] or "",
        "instruction": row["instruction"],
    }
    parts = [f"\n{ended.stderr_heading(row)}:\n\n{row['stderr']}"] if row["stderr"] else []
    parts += [
        f"\nTurn, {turn['from']}, {clock.iso(turn['at'])}:\n\n{turn['text']}"
        for turn in row["turns"]
    ]

    def draw() -> None:
        ctx.out.fields(fields)
        for part in parts:
            ctx.out.text(part)

    ctx.out.answer(row, ids=[id], draw=draw)


def _usage(row: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in (row["usage"] or {}).items())


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        row["step"][:16],
        str(row["index"]),
        str(row["round"]),
        row["role"],
        row["status"],
        f"{row['durationMs'] / 1000:.1f}",
        str(1 + len(row["attempts"])),
        row["agent"],
    ]


def _fields(row: dict[str, Any]) -> dict[str, str]:
    from uwf.engine.chain.story import inline

    output = {name: inline(value) for name, value in row["output"].items() if name != "$status"}
    return {
        "step": row["step"],
        "thread": row["thread"],
        "role": f"{row['role']} → {row['status']}",
        "place": f"step {row['index']}, round {row['round']}",
        "agent": row["agent"],
        "cwd": row["cwd"],
        "began": f"{clock.iso(row['startedAt'])}, took {row['durationMs'] / 1000:.1f} s",
        "usage": _usage(row),
        "tries": str(1 + len(row["attempts"])),
        "supplement": row["supplement"] or "",
        "instruction": row["instruction"],
        **output,
        "body": row["body"],
    }
