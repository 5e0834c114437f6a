"""`uwf thread show`: where a thread stands."""

from __future__ import annotations

from uwf.cli.command import THREAD, command
from uwf.cli.screen.cells import named_numbers, number, short
from uwf.cli.thread.words import failed, labels, left_behind, spent, state, wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import ThreadView
    from uwf.cli.context import Context
    from uwf.display.times import Times

MOST_TOLD = 3
"""Of the words that wait as many are shown to a reader; --json has all."""


@command(
    "thread show",
    help="Show where a thread stands.",
    example="uwf thread show @last",
    times=True,
    thread=THREAD,
)
def show(ctx: Context, thread: str) -> None:
    answer(ctx, ctx.app.show(thread))


def print_thread(ctx: Context, thread: ThreadView) -> None:
    """Print a thread, without why it has failed."""
    ctx.out.answer(
        thread,
        ids=[thread.thread],
        draw=lambda: ctx.out.fields(_fields(ctx, thread)),
    )


def answer(ctx: Context, thread: ThreadView) -> None:
    """Print a thread, as every command does that answers like `show`."""
    print_thread(ctx, thread)
    if thread.error is not None and thread.failed is None:
        ctx.out.note(f"{thread.error.code}: {thread.error.message}")


def kept_reply(thread: ThreadView) -> str:
    """Where the reply of the thread is that could not be stored, and whether that is all of it."""
    if not thread.kept_reply_is_cut:
        return thread.kept_reply or ""
    return f"{thread.kept_reply}, only its beginning: there was no room for all, and its agent will be asked again"


def next_try(ctx: Context, thread: ThreadView) -> str:
    """When the step whose attempts failed is tried again, or what a person has to type for that."""
    if thread.failed is None or thread.failed.is_question:
        return ""
    if thread.running is not None:
        return f"now, in process {thread.running.pid}"
    if thread.wake_at is not None:
        return f"{ctx.times.moment(thread.wake_at)}, or {ctx.app.way_on(thread.thread)}"
    is_open = thread.status in ("idle", "suspended")
    return f"by hand: {ctx.app.way_on(thread.thread)}" if is_open else ""


def answer_to(ctx: Context, thread: ThreadView) -> str:
    """What a person has to type to whom an agent asks for a permission."""
    is_asked = thread.failed is not None and thread.failed.is_question
    return ctx.app.way_on(thread.thread) if is_asked and thread.running is None else ""


def _fields(ctx: Context, thread: ThreadView) -> dict[str, str]:
    times = ctx.times
    workflow = f"{thread.workflow_name or '?'} ({(thread.workflow or '?')[:12]})"
    rounds = f"{number(thread.rounds)} round{'' if thread.rounds == 1 else 's'}"
    return {
        "thread": thread.thread,
        "title": thread.title or "",
        "status": state(thread),
        "workflow": workflow,
        "head": thread.head,
        "steps": f"{number(thread.steps)} in {rounds}",
        "next": thread.current_role or "",
        "suspended": f"{thread.suspended_role}: {thread.suspend_message}"
        if thread.suspend_message
        else "",
        "failed": failed(thread, times),
        "next try": next_try(ctx, thread),
        "answer": answer_to(ctx, thread),
        "left": left_behind(thread),
        "kept": kept_reply(thread),
        "waiting": _waiting(thread, times),
        "told": _told(thread, times),
        "wakes": "" if thread.failed else wakes(thread, times),
        "running": _running(thread),
        "task": short(thread.prompt or "", 200),
        "cwd": thread.cwd or "",
        "worktree": _worktree(thread),
        "labels": labels(thread),
        "priority": str(thread.priority) if thread.priority else "",
        "usage": named_numbers(thread.usage),
        "spent": spent(thread),
        "begun": times.moment(thread.started_at),
        "updated": times.moment(thread.updated_at),
        "completed": times.moment(thread.completed_at),
    }


def _worktree(thread: ThreadView) -> str:
    """Its branch, and what became of its work."""
    tree = thread.worktree
    if tree is None:
        return ""
    onto = f", for {tree.onto}" if tree.onto else ""
    merged = f", brought in with {tree.merged[:12]}" if tree.merged else ""
    return f"branch {tree.branch}{onto}{merged}"


def _told(thread: ThreadView, times: Times) -> str:
    """What waits for the next step: who says it, when, and how it begins; of many the newest."""
    words = thread.told or ()
    said = [
        f"{word.who}, {times.moment(word.at)}: {short(word.text, 100)}"
        for word in words[-MOST_TOLD:]
    ]
    more = len(words) - len(said)
    return "; ".join([f"{number(more)} more"] * bool(more) + said)


def _waiting(thread: ThreadView, times: Times) -> str:
    waiting, running = thread.waiting, thread.running
    if waiting is None or running is None:
        return ""
    since = times.moment(waiting.since)
    return (
        f"for a slot since {since}, number {waiting.position} in the queue, process {running.pid}"
    )


def _running(thread: ThreadView) -> str:
    running = thread.running
    if running is None or thread.waiting is not None:
        return ""
    what = "starting" if running.role is None else f"{running.role}, {running.agent}"
    return f"process {running.pid}, {what}"
