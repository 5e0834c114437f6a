"""`uwf thread show` and `list`: where threads stand."""

from __future__ import annotations

from uwf import clock
from uwf.cli.command import THREAD, command, opt
from uwf.cli.screen.cells import moment, named_numbers, number, short
from uwf.cli.thread.columns import (
    SPARE,
    TEXTS,
    cells,
    chosen,
    failed,
    labels,
    left_behind,
    spent,
    state,
    wakes,
)
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.app.values import ThreadView
    from uwf.cli.context import Context

SHOWN = 20
"""Rows of a listing for a reader without `--limit`; `--json` and `--quiet` give all."""


MOST_TOLD = 3
"""Of the words that wait as many are shown to a reader; --json has all."""


@command(
    "thread show",
    help="Show where a thread stands.",
    example="uwf thread show @last",
    thread=THREAD,
)
def show(ctx: Context, thread: str) -> None:
    answer(ctx, ctx.app.show(thread))


def print_thread(ctx: Context, thread: ThreadView) -> None:
    """Print a thread, without why it has failed."""
    ctx.out.answer(
        thread,
        ids=[thread.thread],
        draw=lambda: ctx.out.fields(_fields(thread, next_try(ctx, thread), answer_to(ctx, thread))),
    )


def answer(ctx: Context, thread: ThreadView) -> None:
    """Print a thread, as every command does that answers like `show`."""
    print_thread(ctx, thread)
    if thread.error is not None and thread.failed is None:
        ctx.out.note(f"{thread.error.code}: {thread.error.message}")


@command(
    "thread list",
    help="List threads, newest first; the active ones by default.",
    example="uwf thread list --status suspended --label repo=shop",
    status=opt(
        "--status",
        metavar="STATE[,STATE…]",
        complete="statuses",
        help="Only these: idle, suspended, completed, …",
    ),
    active=opt("--active", help="Those neither completed nor cancelled. [default]"),
    history=opt("--history", help="Those completed or cancelled."),
    all=opt("--all", help="All of them."),
    due=opt("--due", help="Those whose timer is due, in the order in which they will be run."),
    workflow=opt("--workflow", complete="workflow name", help="Only threads of this workflow."),
    label=opt("--label", metavar="K=V", help="Only threads with this label; may be repeated."),
    since=opt("--since", metavar="TIME", help="Begun at or after: 2h (ago), 2026-01-31, …"),
    until=opt("--until", metavar="TIME", help="Begun before."),
    sort=opt(
        "--sort",
        metavar="[-]KEY",
        complete="sort",
        help="By updated, priority, usd, step, …, the highest first; -KEY the other way round.",
    ),
    limit=opt("--limit", low=0, help="At most this many; 0 for all. [default: 20 for a reader]"),
    offset=opt("--offset", low=0, help="Leave out this many first."),
    columns=opt(
        "--columns",
        metavar="NAME[,NAME…]",
        complete="columns",
        help="What the table shows: thread, spent, budget, labels, …",
    ),
)
def list_(
    ctx: Context,
    *,
    status: str | None = None,
    active: bool = False,
    history: bool = False,
    all: bool = False,
    due: bool = False,
    workflow: str | None = None,
    label: tuple[str, ...] = (),
    since: str | None = None,
    until: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
    offset: int = 0,
    columns: str | None = None,
) -> None:
    if (status is not None) + active + history + all > 1:
        raise InputError(
            "--status, --active, --history and --all exclude each other",
            hint="uwf thread list --status idle,completed",
            code="usage",
        )
    shown = chosen(columns)
    most = limit if limit is not None else None if ctx.json or ctx.quiet else SHOWN
    if due:
        others = (status, active, history, all, workflow, label, since, until, sort)
        _list_due(ctx, shown if columns else None, most, offset, is_alone=not any(others))
        return
    found = ctx.app.threads(
        _statuses(status, history, all),
        workflow=workflow,
        labels=_labels(label) if label else {},
        since_ms=None if since is None else _moment_ms(since, "--since"),
        until_ms=None if until is None else _moment_ms(until, "--until"),
        sort=sort,
        limit=most or None,
        offset=offset,
    )
    threads = found.threads
    if columns is None and any(map(failed, threads)):
        shown = (*shown[:-1], "failed", shown[-1])
    if columns is None and any(thread.wake_at and not thread.failed for thread in threads):
        shown = (*shown[:-1], "wakes", shown[-1])
    _table(ctx, threads, shown, spare=() if columns else SPARE)
    if found.is_cut:
        total = found.total()
        many = "there are more" if total is None else f"{len(threads)} of {total} threads"
        ctx.out.note(f"{many}; --limit 0 shows all")
    elif not threads:
        is_narrowed = bool(status or history or workflow or label or since or until or offset)
        _note_none(ctx, is_narrowed)
    _hint_at_older_threads(ctx)


def _table(
    ctx: Context, threads: Sequence[ThreadView], shown: tuple[str, ...], spare: tuple[str, ...]
) -> None:
    ctx.out.answer(
        threads,
        ids=[thread.thread for thread in threads],
        draw=lambda: ctx.out.table(
            shown,
            [cells(shown, thread, ctx.app.agent_of) for thread in threads],
            cut=TEXTS,
            spare=spare,
        ),
    )


def _list_due(
    ctx: Context,
    columns: tuple[str, ...] | None,
    most: int | None,
    offset: int,
    *,
    is_alone: bool,
) -> None:
    """Those that are due, the most urgent first."""
    if not is_alone:
        raise InputError(
            "--due is a condition of its own: without others, and in its own order",
            hint="uwf thread list --due",
            code="usage",
        )
    due = ctx.app.wakes.due(clock.now_ms()).threads
    page = due[offset:][: most or None]
    threads = [ctx.app.show(each.thread) for each in page]
    shown = columns or ("thread", "status", "workflow", "next", "wakes", "task")
    _table(ctx, threads, shown, spare=() if columns else SPARE)
    if len(page) < len(due) - offset:
        ctx.out.note(f"{len(page)} of {len(due)} threads; --limit 0 shows all")
    elif not threads:
        ctx.out.note("no thread is due")


def _note_none(ctx: Context, is_narrowed: bool) -> None:
    """Why a listing is empty: its conditions, or that nothing is active, or that nothing was ever begun."""
    total = ctx.app.threads("all", limit=1).total()
    if not total:
        ctx.out.note("there is no thread yet")
        ctx.out.hint("uwf thread start WORKFLOW -p 'what to do'")
        return
    ended = f"no active thread; {total} {'has' if total == 1 else 'have'} ended"
    ctx.out.note("no thread is as asked for" if is_narrowed else ended)
    ctx.out.hint("uwf thread list --all")


def _hint_at_older_threads(ctx: Context) -> None:
    """How to bring threads into the listing that an early version has kept elsewhere."""
    left = ctx.app.upkeep.left_in_history()
    if left is None:
        return
    if left.clashes:
        ctx.out.hint(
            f"uwf ref delete {left.ref}  # it is in today's place as well, and that entry counts"
        )
    else:
        ctx.out.hint("uwf migrate history  # completed threads are in the older place")


def _statuses(status: str | None, history: bool, all: bool) -> tuple[str, ...] | str:
    if status is None:
        return "history" if history else "all" if all else "active"
    return words_of(status, "--status")


def words_of(text: str, option: str) -> tuple[str, ...]:
    """Several statuses with commas between them. Raises `InputError` for none."""
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if not words:
        raise InputError(f"{option} names no status", hint="uwf thread list --status idle")
    return words


# The usual listing has no conditions, and loads nothing that reads them.


def _labels(words: tuple[str, ...]) -> dict[str, str]:
    from uwf.cli.line.arguments import label_pair

    return dict(label_pair(word, "uwf thread list --label ") for word in words)


def _moment_ms(word: str, option: str) -> int:
    from uwf.cli.line.arguments import moment_ms

    return moment_ms(word, f"uwf thread list {option}")


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
        return f"{moment(thread.wake_at)}, or {ctx.app.way_on(thread.thread)}"
    is_open = thread.status in ("idle", "suspended")
    return f"by hand: {ctx.app.way_on(thread.thread)}" if is_open else ""


def answer_to(ctx: Context, thread: ThreadView) -> str:
    """What a person has to type to whom an agent asks for a permission."""
    is_asked = thread.failed is not None and thread.failed.is_question
    return ctx.app.way_on(thread.thread) if is_asked and thread.running is None else ""


def _fields(thread: ThreadView, tried: str, answered: str) -> dict[str, str]:
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
        "failed": failed(thread),
        "next try": tried,
        "answer": answered,
        "left": left_behind(thread),
        "kept": kept_reply(thread),
        "waiting": _waiting(thread),
        "told": _told(thread),
        "wakes": "" if thread.failed else wakes(thread),
        "running": _running(thread),
        "task": short(thread.prompt or "", 200),
        "cwd": thread.cwd or "",
        "worktree": _worktree(thread),
        "labels": labels(thread),
        "priority": str(thread.priority) if thread.priority else "",
        "usage": named_numbers(thread.usage),
        "spent": spent(thread),
        "begun": moment(thread.started_at),
        "updated": moment(thread.updated_at),
        "completed": moment(thread.completed_at),
    }


def _worktree(thread: ThreadView) -> str:
    """Its branch, and what became of its work."""
    tree = thread.worktree
    if tree is None:
        return ""
    onto = f", for {tree.onto}" if tree.onto else ""
    merged = f", brought in with {tree.merged[:12]}" if tree.merged else ""
    return f"branch {tree.branch}{onto}{merged}"


def _told(thread: ThreadView) -> str:
    """What waits for the next step: who says it, when, and how it begins; of many the newest."""
    words = thread.told or ()
    said = [
        f"{word.who}, {moment(word.at)}: {short(word.text, 100)}" for word in words[-MOST_TOLD:]
    ]
    more = len(words) - len(said)
    return "; ".join([f"{number(more)} more"] * bool(more) + said)


def _waiting(thread: ThreadView) -> str:
    waiting, running = thread.waiting, thread.running
    if waiting is None or running is None:
        return ""
    since = moment(waiting.since)
    return (
        f"for a slot since {since}, number {waiting.position} in the queue, process {running.pid}"
    )


def _running(thread: ThreadView) -> str:
    running = thread.running
    if running is None or thread.waiting is not None:
        return ""
    what = "starting" if running.role is None else f"{running.role}, {running.agent}"
    return f"process {running.pid}, {what}"
