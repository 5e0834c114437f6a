"""`uwf report`: what threads have cost, and where they stand."""

from __future__ import annotations

from uwf.cli.command import HTML, arg, command, opt
from uwf.errors import InputError
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.app.values import Cost, Costs, ThreadView
    from uwf.cli.context import Context

HEADS = ("by", "name", "threads", "steps", "failed", "time", "tokens", "cost")


@command(
    "report",
    help="Sum up what threads cost, by role, model, workflow.",
    detail="All threads, or those that are named, or that are as --where says. A step that forks share counts once. "
    "With --html it is one page with where each stands and the steps it made.",
    example="uwf report --where workflow=review,age=-7d --html report.html",
    thread=arg("Only these threads.", metavar="THREAD", complete="thread"),
    where=opt(
        "--where",
        metavar="K=V[,K=V...]",
        complete="where",
        help="Only those that are so: status=, label=K=V, workflow=, class=, age=2h (or older; -2h: younger).",
    ),
    label=opt("--label", metavar="K=V", help="As --where label=K=V; may be repeated."),
    html=HTML,
)
def report(
    ctx: Context,
    thread: tuple[str, ...] = (),
    *,
    where: tuple[str, ...] = (),
    label: tuple[str, ...] = (),
    html: str | None = None,
) -> None:
    chosen = _chosen(ctx, thread, where, label)
    costs = ctx.app.costs(each for each in chosen if each.is_readable)
    threads = [each for each in chosen if each.is_readable and each.thread not in costs.unreadable]
    ids = [each.thread for each in threads]
    if len(threads) < len(chosen):
        lost = counted(len(chosen) - len(threads), "thread")
        ctx.out.warning(f"{lost} cannot be read and counted: uwf doctor says more")
    if html is not None:
        from uwf.cli import html_file
        from uwf.page import report as pages

        about = ", ".join((*where, *(f"label={each}" for each in label))) or "Threads"
        text = pages.page(ctx.app, threads, costs, about)
        html_file.answer(ctx, html, text, {"threads": ids}, ids, typed="uwf report")
        return
    document = {
        "threads": ids,
        "total": costs.total,
        "byState": costs.by_state,
        "byWorkflow": costs.by_workflow,
        "byRole": costs.by_role,
        "byModel": costs.by_model,
    }
    ctx.out.answer(document, ids=ids, draw=lambda: _draw(ctx, costs))
    if not threads:
        ctx.out.note("no thread is as asked for")


def _chosen(
    ctx: Context, named: tuple[str, ...], where: tuple[str, ...], labels: tuple[str, ...]
) -> Sequence[ThreadView]:
    """The newest first."""
    from uwf.cli.thread.selection import conditions

    if named and (where or labels):
        raise InputError(
            "name the threads or say which with --where, not both",
            hint="uwf report --where status=completed",
            code="usage",
        )
    if named:
        return [ctx.app.show(id) for id in dict.fromkeys(map(ctx.app.thread_id, named))]
    said = {"statuses": "all", **conditions(where, labels, "uwf report")}
    return ctx.app.threads(**said).threads


def _draw(ctx: Context, costs: Costs) -> None:
    groups = {
        "state": costs.by_state,
        "workflow": costs.by_workflow,
        "role": costs.by_role,
        "model": costs.by_model,
        "all": (costs.total,) if costs.total.threads else (),
    }
    rows = [[by, *_cells(cost)] for by, group in groups.items() for cost in group]
    ctx.out.table(HEADS, rows, cut=("name",), spare=("failed", "steps"))


def _cells(cost: Cost) -> list[str]:
    from uwf.display import numbers, times

    return [
        cost.name,
        str(cost.threads),
        str(cost.steps),
        str(cost.failed),
        times.duration(cost.duration_ms),
        "" if cost.tokens is None else numbers.count(cost.tokens),
        "" if cost.usd is None else numbers.money(cost.usd),
    ]
