"""`uwf thread list`: which threads there are, and where they stand."""

from __future__ import annotations

from uwf import clock
from uwf.cli.command import command, opt
from uwf.cli.thread.columns import ThreadTable, heading
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context

SHOWN = 20
"""Rows of a listing for a reader without `--limit`; `--json` and `--quiet` give all."""


@command(
    "thread list",
    help="List threads, newest first; the active ones by default.",
    example="uwf thread list --status suspended --label repo=shop",
    times=True,
    status=opt(
        "--status",
        metavar="STATE[,STATE...]",
        complete="statuses",
        help="Only these: suspended, running, waiting, ...",
    ),
    active=opt("--active", help="Those neither completed nor cancelled. [default]"),
    history=opt("--history", help="Those completed or cancelled."),
    all=opt("--all", help="All of them."),
    due=opt("--due", help="Those whose timer is due, in the order in which they will be run."),
    workflow=opt("--workflow", complete="workflow name", help="Only threads of this workflow."),
    label=opt("--label", metavar="K=V", help="Only threads with this label; may be repeated."),
    since=opt("--since", metavar="TIME", help="Begun at or after: 2h (ago), 2026-01-31, ..."),
    until=opt("--until", metavar="TIME", help="Begun before."),
    group=opt(
        "--group",
        metavar="KEY",
        complete="groups",
        help="Those of one status, workflow, next, agent, ... together.",
    ),
    sort=opt(
        "--sort",
        metavar="[-]KEY",
        complete="sort",
        help="By updated, priority, usd, step, ..., the highest first; -KEY the other way round.",
    ),
    limit=opt("--limit", low=0, help="At most this many; 0 for all. [default: 20 for a reader]"),
    offset=opt("--offset", low=0, help="Leave out this many first."),
    columns=opt(
        "--columns",
        metavar="NAME[,NAME...]",
        complete="columns",
        help="What is shown, also of --json: thread, spent, budget, labels, ...",
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
    group: str | None = None,
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
    table = ThreadTable.of(columns, group)
    most = limit if limit is not None else None if ctx.json or ctx.quiet else SHOWN
    if due:
        others = (status, active, history, all, workflow, label, since, until, sort)
        _list_due(ctx, table, most, offset, is_alone=not any(others))
        return
    found = ctx.app.threads(
        _statuses(status, history, all),
        workflow=workflow,
        labels=_labels(label) if label else {},
        since_ms=None if since is None else _moment_ms(since, "--since"),
        until_ms=None if until is None else _moment_ms(until, "--until"),
        sort=None if sort is None else _sort(sort),
        limit=most or None,
        offset=offset,
    )
    threads = found.threads
    table.answer(ctx, threads)
    if found.is_cut:
        total = found.total()
        many = "there are more" if total is None else f"{len(threads)} of {total} threads"
        ctx.out.note(f"{many}; --limit 0 shows all")
    elif not threads:
        is_narrowed = bool(status or history or workflow or label or since or until or offset)
        _note_none(ctx, is_narrowed)
    _hint_at_older_threads(ctx)


def _list_due(
    ctx: Context, table: ThreadTable, most: int | None, offset: int, *, is_alone: bool
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
    table.answer(ctx, threads)
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
    left = ctx.app.left_in_history()
    if left is None:
        return
    if left.clashes:
        ctx.out.hint(
            f"uwf ref delete {left.ref}  # it is in today's place as well, and that entry counts"
        )
    else:
        ctx.out.hint("uwf migrate history  # completed threads are in the older place")


def _sort(key: str) -> str:
    """The key of the engine: threads are sorted by what columns are called."""
    return ("-" if key.startswith("-") else "") + heading(key.removeprefix("-"))


def _statuses(status: str | None, history: bool, all: bool) -> tuple[str, ...] | str:
    if status is None:
        return "history" if history else "all" if all else "active"
    from uwf.cli.line.arguments import statuses_of

    return statuses_of(status, "--status")


# The usual listing has no conditions, and loads nothing that reads them.


def _labels(words: tuple[str, ...]) -> dict[str, str]:
    from uwf.cli.line.arguments import label_pair

    return dict(label_pair(word, "uwf thread list --label ") for word in words)


def _moment_ms(word: str, option: str) -> int:
    from uwf.cli.line.arguments import moment_ms

    return moment_ms(word, f"uwf thread list {option}")
