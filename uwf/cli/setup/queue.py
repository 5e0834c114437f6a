"""`uwf queue`: the threads that wait for a slot."""

from __future__ import annotations

from uwf.cli.command import arg, command
from uwf.display.times import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "queue list",
    help="List the threads that wait for a slot, next one first.",
    example="uwf queue list",
)
def list_(ctx: Context) -> None:
    waiting = ctx.app.guards.queue()
    ids = ctx.named(row.thread for row in waiting)
    columns = ("#", "thread", "layer", "priority", "waited", "process", "blocked on")
    cells = [
        [
            str(row.position),
            ids[row.thread],
            "person" if row.person else "",
            str(row.aged_priority),
            duration(row.waited_ms),
            str(row.pid),
            row.blocked_on or "",
        ]
        for row in waiting
    ]

    ctx.out.answer(
        waiting,
        ids=[row.thread for row in waiting],
        draw=lambda: ctx.out.table(
            columns,
            cells,
            cut=("blocked on",),
            spare=("layer", "priority", "process", "blocked on"),
        ),
    )
    if not waiting:
        ctx.out.note("no thread waits")


@command(
    "queue drop",
    help="Take a thread out of the queue.",
    detail="Its waiting command ends with exit 75, its thread is untouched.",
    example="uwf queue drop @last",
    thread=arg("A ULID, 4+ characters of it, @last, or a counter queue/ULID.", complete="waiting"),
)
def drop(ctx: Context, thread: str) -> None:
    id = ctx.app.guards.drop(thread)
    ctx.out.answer({"thread": id, "dropped": True}, ids=[id], draw=f"{id}  dropped")
