"""`uwf queue`: the threads that wait for a place to run."""

from __future__ import annotations

from uwf import clock
from uwf import home as paths
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
    from uwf.agent.process import platform
    from uwf.guard import queue, slots

    now_s = clock.monotonic_s()
    waiting = queue.in_order(queue.entries(ctx.reader(), platform.is_same), now_s)
    full = [slots.first_full(paths.slots(ctx.home), entry.pools) for entry in waiting]
    blocked = ["" if pool is None else pool.words for pool in full]
    rows = [
        {
            "position": position,
            "thread": entry.thread,
            "person": entry.person,
            "priority": entry.priority,
            "agedPriority": queue.aged(entry, now_s),
            "waitedMs": queue.waited_ms(entry),
            "pid": entry.pid,
            "blockedOn": blocked[position - 1] or None,
        }
        for position, entry in enumerate(waiting, 1)
    ]
    columns = ("#", "thread", "layer", "priority", "waited", "process", "blocked on")
    ctx.out.answer(
        rows,
        ids=[entry.thread for entry in waiting],
        draw=lambda: (
            ctx.out.table(
                columns,
                [
                    [
                        str(position),
                        entry.thread,
                        "person" if entry.person else "",
                        str(queue.aged(entry, now_s)),
                        f"{queue.waited_ms(entry) // 1000} s",
                        str(entry.pid),
                        blocked[position - 1],
                    ]
                    for position, entry in enumerate(waiting, 1)
                ],
                cut=("blocked on",),
                spare=("layer", "priority", "process", "blocked on"),
            )
            if waiting
            else None
        ),
    )
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
