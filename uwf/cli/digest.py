"""`uwf digest`: what happened meanwhile, on one page."""

from __future__ import annotations

from uwf import quantities
from uwf.cli.command import command, opt
from uwf.cli.line.arguments import day_or_since_ms
from uwf.cli.screen.cells import short
from uwf.display import numbers
from uwf.display.times import Times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uwf.app.values import Digest, InboxItem, ThreadDone
    from uwf.cli.context import Context

_WORDS, _ROW = 90, 200
"""Characters of what is quoted, and of a row."""


@command(
    "digest",
    help="Sum up what happened, what waits for you first.",
    detail="Then what is done, its cost, what was repaired, what is odd. At most 60 lines, to read in the morning or "
    "to send. The figures are those of the time since then.",
    example="uwf digest --since 12h",
    times=True,
    since=opt(
        "--since", metavar="TIME", help="From then on: 12h (ago), 2026-01-31, ... [default: 1d]"
    ),
)
def digest(ctx: Context, *, since: str | None = None) -> None:
    since_ms = day_or_since_ms(since, "uwf digest --since")
    found = ctx.app.digest(since_ms)
    ids = [item.thread for item in found.inbox.waiting] + [one.thread for one in found.ended]
    broken = [item.thread for item in found.inbox.broken]
    shown = page(found, ctx.short_ids([*ids, *broken]), ctx.times)
    ctx.out.answer(found, ids=ids, draw=lambda: ctx.out.prose("\n".join(shown)))


def page(found: Digest, ids: Mapping[str, str], times: Times) -> list[str]:
    """The lines of a digest, 60 at most; `ids` has how each thread is called."""
    since = times.clock(found.since) + ("" if times.exact else f" ({times.moment(found.since)})")
    broken = [f"{ids[item.thread]}  {short(item.why, _WORDS)}" for item in found.inbox.broken]
    odd = [*broken, *(short(one, _ROW) for one in found.odd)]
    lines = [f"since {since}"]
    waits = [_waits(item, ids, times) for item in found.inbox.waiting]
    lines += _section("waits for you", waits, 15, "uwf inbox")
    lines += _section(
        "ended", [_done(one, ids) for one in found.ended], 18, "uwf thread list --history"
    )
    lines += ["", _cost(found)]
    if found.repaired:
        repaired = [short(one, _ROW) for one in found.repaired]
        lines += _section("repaired", repaired, 6, "uwf log show")
    if odd:
        lines += _section("odd", odd, 6, "uwf doctor")
    return lines


def _section(title: str, rows: Sequence[str], most: int, more: str) -> list[str]:
    """A title and its rows, `most` of them: five such sections fill no more than a page."""
    if not rows:
        return ["", f"{title}: nothing"]
    shown = [f"  {row}" for row in rows[:most]]
    if len(rows) > most:
        shown.append(f"  and {len(rows) - most} more: {more}")
    return ["", f"{title} ({len(rows)})", *shown]


def _waits(item: InboxItem, ids: Mapping[str, str], times: Times) -> str:
    what = short(item.question, _WORDS)
    return f"{ids[item.thread]}  {item.role or item.kind}: {what}  ({times.moment(item.since)})"


def _done(one: ThreadDone, ids: Mapping[str, str]) -> str:
    name = short(one.title or one.workflow or "", 40)
    steps = quantities.counted(one.steps, "step")
    return "  ".join(
        filter(None, (ids[one.thread], one.status, name, steps, numbers.amounts(one.used)))
    )


def _cost(found: Digest) -> str:
    steps = (
        f"{quantities.counted(found.steps, 'step')} in {quantities.counted(found.moved, 'thread')}"
    )
    failed = quantities.counted(found.failed_attempts, "attempt") + " failed"
    return "cost: " + ", ".join(filter(None, (numbers.amounts(found.used), steps, failed)))
