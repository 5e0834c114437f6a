"""`uwf thread show` and `list`: where threads stand."""

from __future__ import annotations

from uwf.cli import wiring
from uwf.cli.columns import (
    SPARE,
    TEXTS,
    cells,
    chosen,
    labels,
    moment,
    number,
    short,
    spent,
    standing,
)
from uwf.cli.command import arg, command, opt
from uwf.engine.chain.tags import ACTIVE, HISTORY, STATUSES
from uwf.engine.query.threads import CORRUPT, RUNNING
from uwf.errors import Ambiguous, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.cli.context import Context
    from uwf.engine.query.listing import Filter
    from uwf.store.protocols import Ref

EVERY = (*STATUSES, RUNNING, CORRUPT)
SHOWN = 20
"""Rows of a listing for a reader without `--limit`; `--json` and `--quiet` give all."""


@command(
    "thread show",
    help="Show where a thread stands.",
    example="uwf thread show @last",
    thread=arg("A ULID, 4+ characters of it, or @last.", complete="thread"),
)
def show(ctx: Context, thread: str) -> None:
    answer(ctx, wiring.thread_ref(ctx, thread))


def answer(ctx: Context, ref: Ref) -> None:
    """Print a thread as `show` does; other commands answer like it."""
    row = wiring.view(ctx).thread(ref)
    ctx.out.answer(row, ids=[row["thread"]], draw=lambda: ctx.out.fields(_fields(row)))
    if row["error"] is not None:
        ctx.out.note(f"{row['error']['code']}: {row['error']['message']}")


@command(
    "thread list",
    help="List threads, newest first: the active ones unless told otherwise.",
    example="uwf thread list --status suspended --label repo=shop",
    status=opt(
        "--status",
        metavar="S[,S…]",
        complete="statuses",
        help="Only these: idle, suspended, completed, …",
    ),
    active=opt("--active", help="Those neither completed nor cancelled. [default]"),
    history=opt("--history", help="Those completed or cancelled."),
    all=opt("--all", help="All of them."),
    workflow=opt("--workflow", complete="workflow name", help="Only threads of this workflow."),
    label=opt("--label", metavar="K=V", help="Only threads with this label; may be repeated."),
    since=opt("--since", metavar="T", help="Begun at or after: 2h (ago), 2026-01-31, …"),
    until=opt("--until", metavar="T", help="Begun before."),
    limit=opt("--limit", low=0, help="At most this many; 0 for all. [default: 20 for a reader]"),
    offset=opt("--offset", low=0, help="Leave out this many first."),
    columns=opt(
        "--columns",
        metavar="C[,C…]",
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
    workflow: str | None = None,
    label: tuple[str, ...] = (),
    since: str | None = None,
    until: str | None = None,
    limit: int | None = None,
    offset: int = 0,
    columns: str | None = None,
) -> None:
    from uwf.engine.query import listing
    from uwf.engine.upkeep import migrate as old_history

    if (status is not None) + active + history + all > 1:
        raise InputError(
            "--status, --active, --history and --all exclude each other",
            hint="uwf thread list --status idle,completed",
            code="usage",
        )
    shown = chosen(columns)
    store, view = ctx.reader(), wiring.view(ctx)
    wanted = _filter(ctx, status, history, all, workflow, label, since, until)
    most = limit if limit is not None else None if ctx.json or ctx.quiet else SHOWN
    found = listing.rows(store, view, wanted, limit=most + 1 if most else None, offset=offset)
    rows = list(found)
    is_cut = bool(most) and len(rows) > (most or 0)
    rows = rows[: most or None]
    ctx.out.answer(
        rows,
        ids=[row["thread"] for row in rows],
        draw=lambda: (
            ctx.out.table(
                shown,
                [cells(shown, row, view.agent) for row in rows],
                cut=TEXTS,
                spare=() if columns else SPARE,
            )
            if rows
            else None
        ),
    )
    if is_cut:
        total = listing.count(store, wanted)
        many = "there are more" if total is None else f"{len(rows)} of {total} threads"
        ctx.out.note(f"{many}; --limit 0 shows all")
    elif not rows:
        is_narrowed = bool(status or history or workflow or label or since or until or offset)
        _tell_none(ctx, is_narrowed)
    left = old_history.left(store)
    if left is None:
        return
    if left.clashes:
        ctx.out.hint(
            f"uwf ref delete {old_history.HISTORY}{left.thread}  "
            "# it is in today's place as well, and that entry counts"
        )
    else:
        ctx.out.hint("uwf migrate history  # completed threads are in the older place")


def _tell_none(ctx: Context, is_narrowed: bool) -> None:
    """Why a listing is empty: its conditions, or that nothing is active, or that nothing was ever begun."""
    from uwf.engine.query import listing

    total = listing.count(ctx.reader(), listing.Filter(statuses=EVERY))
    if not total:
        ctx.out.note("there is no thread yet")
        ctx.out.hint("uwf thread start WORKFLOW -p 'what to do'")
        return
    ended = f"no active thread; {total} {'has' if total == 1 else 'have'} ended"
    ctx.out.note("no thread is as asked for" if is_narrowed else ended)
    ctx.out.hint("uwf thread list --all")


def _filter(
    ctx: Context,
    status: str | None,
    history: bool,
    all: bool,
    workflow: str | None,
    label: tuple[str, ...],
    since: str | None,
    until: str | None,
) -> Filter:
    from uwf.engine.query import listing

    statuses: tuple[str, ...] = ACTIVE
    if status is not None:
        statuses = listing.statuses_of(status)
    elif history:
        statuses = HISTORY
    elif all:
        statuses = EVERY
    id = None if workflow is None else _workflow_object(ctx, workflow)
    return listing.Filter(
        statuses=statuses,
        workflow=workflow if id is None else None,
        workflow_id=id,
        labels=_labels(label) if label else {},
        since_ms=None if since is None else _moment_ms(since),
        until_ms=None if until is None else _moment_ms(until),
    )


# The usual listing has no conditions, and loads nothing that reads them.


def _workflow_object(ctx: Context, word: str) -> str | None:
    """The workflow object that `word` is the beginning of; None when it can only be meant as a name."""
    from uwf.engine.query import workflows

    try:
        return workflows.object_of(ctx.reader(), word)
    except Ambiguous:
        return None


def _labels(words: tuple[str, ...]) -> dict[str, str]:
    from uwf.cli.thread_start import label_pair

    return dict(label_pair(word, "uwf thread list") for word in words)


def _moment_ms(word: str) -> int:
    from uwf.cli.time_arg import moment_ms

    return moment_ms(word)


def _fields(row: dict[str, Any]) -> dict[str, str]:
    return {
        "thread": row["thread"],
        "status": standing(row),
        "workflow": f"{row['workflowName'] or '?'} ({(row['workflow'] or '?')[:12]})",
        "head": row["head"],
        "steps": f"{number(row['steps'])} in {number(row['rounds'])} round{'' if row['rounds'] == 1 else 's'}",
        "next": row["currentRole"] or "",
        "suspended": f"{row['suspendedRole']}: {row['suspendMessage']}"
        if row["suspendMessage"]
        else "",
        "waiting": _waiting(row),
        "running": _running(row),
        "task": short(row["prompt"] or "", 200),
        "cwd": row["cwd"] or "",
        "labels": labels(row),
        "priority": str(row["priority"]) if row["priority"] else "",
        "usage": ", ".join(f"{key} {value}" for key, value in (row["usage"] or {}).items()),
        "spent": spent(row),
        "begun": moment(row["startedAt"]),
        "updated": moment(row["updatedAt"]),
        "completed": moment(row["completedAt"]),
    }


def _waiting(row: dict[str, Any]) -> str:
    if row["waiting"] is None:
        return ""
    since, position = moment(row["waiting"]["since"]), row["waiting"]["position"]
    return (
        f"for a place since {since}, number {position} in the line, process {row['running']['pid']}"
    )


def _running(row: dict[str, Any]) -> str:
    running = row["running"]
    if running is None or row["waiting"] is not None:
        return ""
    what = "starting" if running["role"] is None else f"{running['role']}, {running['agent']}"
    return f"process {running['pid']}, {what}"
