"""`uwf thread show`: where a thread stands."""

from __future__ import annotations

from uwf.cli.command import THREAD, VERBOSE, command
from uwf.cli.thread import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import ThreadView
    from uwf.cli.context import Context


@command(
    "thread show",
    help="Show where a thread stands, how it came there, what is next.",
    example="uwf thread show @last",
    times=True,
    thread=THREAD,
    verbose=VERBOSE,
)
def show(ctx: Context, thread: str, *, verbose: bool = False) -> None:
    found = ctx.app.show(thread)
    answer(ctx, found, verbose=verbose)
    if not (ctx.json or ctx.quiet):
        _hint(ctx, found)


def print_thread(ctx: Context, thread: ThreadView, *, verbose: bool = False) -> None:
    """Print a thread, without why it has failed; where it is `verbose`, with the ids of objects."""
    ctx.out.answer(
        thread, ids=[thread.thread], draw=lambda: fields.draw(ctx, thread, verbose=verbose)
    )


def answer(ctx: Context, thread: ThreadView, *, verbose: bool = False) -> None:
    """Print a thread, as every command does that answers like `show`."""
    print_thread(ctx, thread, verbose=verbose)
    if thread.error is not None and thread.failed is None:
        ctx.out.note(f"{thread.error.code}: {thread.error.message}")


def _hint(ctx: Context, thread: ThreadView) -> None:
    """What to type next, where the page has not said it yet."""
    if not thread.is_readable:
        is_lost = thread.error is not None and thread.error.code.startswith("object_")
        ctx.out.hint("uwf store verify --deep" if is_lost else f"uwf thread log {thread.thread}")
    elif thread.running is not None:
        ctx.out.hint(f"uwf thread watch {thread.thread}")
    elif thread.unserved_since or (thread.place is not None and thread.wake_at is not None):
        ctx.out.hint("uwf worker list")  # who takes it there
    elif thread.status in ("idle", "suspended") and thread.failed is None:
        ctx.out.hint(ctx.app.way_on(thread.thread))
    elif thread.status == "completed":
        ctx.out.hint(f"uwf thread read {thread.thread}")
