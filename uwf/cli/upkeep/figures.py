"""`uwf figures`: how a home does."""

from __future__ import annotations

from uwf import clock
from uwf.cli.command import command, opt
from uwf.display import numbers, times
from uwf.errors import InputError
from uwf.quantities import TOKENS, USD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import FiguresNow, PeriodFigures
    from uwf.cli.context import Context


@command(
    "figures",
    help="Show how this home does: waits, steps, failures, cost.",
    detail="Of the last 24 hours; with --days, of each day of the last 30 that a daemon has seen, in UTC. A share of "
    "events is stopped by each layer of decisions. With --prometheus in the text format that Prometheus reads: into a "
    "file of its node exporter, say.",
    example="uwf figures --days",
    days=opt("--days", help="A line for each day."),
    prometheus=opt("--prometheus", help="In the format of Prometheus."),
)
def figures(ctx: Context, *, days: bool = False, prometheus: bool = False) -> None:
    if prometheus:
        if days or ctx.json:
            raise InputError(
                "--prometheus is a format of its own, of now", hint="uwf figures --prometheus"
            )
        ctx.out.text(ctx.app.figures.prometheus())
    elif days:
        found = ctx.app.figures.days()
        ctx.out.answer(found, draw=lambda: ctx.out.table(HEADS, map(_row, found)))
        if not found:
            ctx.out.note("no day is kept yet: a daemon does that")
    else:
        now = ctx.app.figures.now()
        ctx.out.answer(now, draw=lambda: ctx.out.fields(fields_of(now)))


HEADS = ("day", "steps", "failed", "wait", "first byte", "events", "trips", "completed", "cost")


def _row(day: PeriodFigures) -> list[str]:
    return [
        clock.iso(day.since)[:10],
        str(day.steps),
        str(day.failed_attempts),
        times.duration(day.mean_wait_ms),
        times.duration(day.first_byte_p50_ms),
        str(day.events),
        str(day.breaker_trips),
        str(day.completed),
        "" if day.usd_per_thread is None else numbers.money(day.usd_per_thread),
    ]


def fields_of(now: FiguresNow) -> dict[str, str]:
    """What is known, for a reader. But for the first two and the last it is of 24 hours."""
    day = now.day
    firsts = ""
    if day.first_bytes:
        middle, most = times.duration(day.first_byte_p50_ms), times.duration(day.first_byte_p99_ms)
        firsts = f"{middle} (p50), {most} (p99), of {day.first_bytes}"
    waits = (
        f"{times.duration(day.mean_wait_ms)} on average, {day.waited} waited" if day.waited else ""
    )
    stopped = ", ".join(f"{share:.0%} by {layer}" for layer, share in day.stopped.items())
    each = {USD: day.usd_per_thread, TOKENS: day.tokens_per_thread}
    cost = numbers.amounts({name: much for name, much in each.items() if much is not None})
    completed = str(day.completed)
    if day.completed:
        completed += f", {times.duration(day.completion_p50_ms)} each (p50)"
    backup = [] if now.backup_age_ms is None else [f"{times.duration(now.backup_age_ms)} old"]
    if now.restore_ms is not None:
        backup.append(f"restored in {times.duration(now.restore_ms)}")
    return {
        "queue": str(now.queue),
        "due": str(now.due),
        "wait": waits,
        "first byte": firsts,
        "events": f"{day.events}" + (f", stopped: {stopped}" if stopped else ""),
        "steps": str(day.steps)
        + (f", {day.failed_attempts} failed" if day.failed_attempts else ""),
        "breaker trips": str(day.breaker_trips),
        "completed": completed,
        "cost each": cost,
        "backup": ", ".join(backup),
    }
