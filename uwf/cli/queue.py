"""`uwf queue`: the threads that wait for a place to run."""

from __future__ import annotations

from uwf.cli import wiring
from uwf.cli.command import arg, command
from uwf.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "queue list",
    help="List the threads that wait for a place, in the order in which they go.",
    example="uwf queue list",
)
def list_(ctx: Context) -> None:
    from uwf.engine.query import guard_status

    waiting = guard_status.waiting(ctx.reader(), ctx.home)
    rows = [
        {
            "position": row.position,
            "thread": row.thread,
            "person": row.person,
            "priority": row.priority,
            "agedPriority": row.aged_priority,
            "waitedMs": row.waited_ms,
            "pid": row.pid,
            "blockedOn": row.blocked_on,
        }
        for row in waiting
    ]
    columns = ("#", "thread", "layer", "priority", "waited", "process", "blocked on")
    cells = [
        [
            str(row.position),
            row.thread,
            "person" if row.person else "",
            str(row.aged_priority),
            f"{row.waited_ms // 1000} s",
            str(row.pid),
            row.blocked_on or "",
        ]
        for row in waiting
    ]

    def draw() -> None:
        if cells:
            spare = ("layer", "priority", "process", "blocked on")
            ctx.out.table(columns, cells, cut=("blocked on",), spare=spare)

    ctx.out.answer(rows, ids=[row.thread for row in waiting], draw=draw)
    if not rows:
        ctx.out.note("nobody waits")


@command(
    "queue drop",
    help="Take a thread out of the line; its waiting command ends with exit 75, its thread is untouched.",
    example="uwf queue drop @last",
    thread=arg("A ULID, 4+ characters of it, @last, or a counter queue/ULID.", complete="waiting"),
)
def drop(ctx: Context, thread: str) -> None:
    from uwf.guard import queue

    # An entry that cannot be read is told of by the name of its counter, and its thread may be gone.
    name = thread if thread.startswith(queue.PREFIX) else wiring.thread_ref(ctx, thread).name
    id = name.rpartition("/")[2]
    with ctx.store().transaction(durable=False) as tx:
        was_in_line = queue.remove(tx, id)
    if not was_in_line:
        raise NotFound(f"thread {id} does not wait", hint="uwf queue list", code="not_waiting")
    ctx.out.answer({"thread": id, "dropped": True}, ids=[id], draw=f"{id}  dropped")
