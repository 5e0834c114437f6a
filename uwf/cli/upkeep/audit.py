"""`uwf audit`: the promises of a home, and whether they were kept."""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import command, opt
from uwf.cli.line.arguments import day_or_since_ms
from uwf.cli.screen.cells import short
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import Promise
    from uwf.cli.context import Context

SHOWN_KEPT = 20


@command(
    "audit",
    help="Say which promises were kept, broken or are pending.",
    detail="Timers, schedules, questions, events. Read off the store, so the daemon is not asked about itself. Exit "
    "1 when one is broken: due for more than "
    "5 minutes, and nobody ran it.",
    example="uwf audit --since 12h",
    times=True,
    since=opt(
        "--since",
        metavar="TIME",
        help="Of what is over, that since then: 12h (ago), ... [default: 1d]",
    ),
)
def audit(ctx: Context, *, since: str | None = None) -> int:
    since_ms = day_or_since_ms(since, "uwf audit --since")
    promises = ctx.app.audit(since_ms)
    broken = [one for one in promises if one.state == "broken"]
    kept = sum(1 for one in promises if one.state == "kept")
    shown = [one for one in promises if one.state != "kept"]
    shown += [one for one in promises if one.state == "kept"][-SHOWN_KEPT:]
    ctx.out.answer(
        promises,
        ids=[one.of for one in broken],
        draw=lambda: ctx.out.table(
            ("state", "due", "what", "of", "why"),
            [_cells(ctx, one) for one in shown],
            cut=("why",),
        ),
    )
    open_ = len(promises) - kept - len(broken)
    ctx.out.note(
        f"{counted(len(promises), 'promise')}: {kept} kept, {open_} pending, {len(broken)} broken"
    )
    for look in list(dict.fromkeys(one.look for one in broken))[:3]:
        ctx.out.hint(look)
    return exits.FAULT if broken else exits.DONE


def _cells(ctx: Context, one: Promise) -> list[str]:
    times, why = ctx.times, short(one.why, 200)
    due = times.moment(one.at) if times.has_come(one.at) else times.due(one.at)
    return [one.state, due, one.kind, ctx.in_short(one.of), why]
