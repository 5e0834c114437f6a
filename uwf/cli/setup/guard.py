"""`uwf guard`: what stands between a thread and its next step, and the switches a person turns."""

from __future__ import annotations

from uwf.cli.command import arg, command, opt
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.app.values import StatsRow
    from uwf.cli.context import Context

ON, OFF = "on", "off"


@command(
    "guard status",
    help="Show everything that may say 'not now', on one screen.",
    example="uwf guard status",
    times=True,
)
def status(ctx: Context) -> None:
    from uwf.display import guards

    found = ctx.app.guards.status()
    rows = [guards.row(line, ctx.times, bar=ctx.out.on_terminal) for line in found.lines]
    ctx.out.answer(
        found.facts,
        draw=lambda: ctx.out.table(guards.COLUMNS, rows, cut=("guard", "note"), spare=("used",)),
    )


@command(
    "guard stats",
    help="Show how steps went lately, and why some were refused.",
    detail="Per agent and per workflow.",
    example="uwf guard stats",
)
def stats(ctx: Context) -> None:
    found = ctx.app.guards.stats()
    columns = ("", "name", "steps", "good", "rate", "lately", "failures")
    shown = [_cells(row) for row in found if row.by != "all"]
    refused = "".join(_reasons(row.refused) for row in found if row.refused is not None)

    def draw() -> None:
        ctx.out.table(columns, shown, cut=("name", "failures"))
        ctx.out.fields({"refused": refused})

    ctx.out.answer([_row(row) for row in found], draw=draw)
    if not shown:
        ctx.out.note("no step has ended within the window")


@command(
    "guard drain",
    help="Let running steps finish and begin none, until it is off.",
    example="uwf guard drain on",
    word=arg("on or off.", metavar="on|off", choices=(ON, OFF)),
)
def drain(ctx: Context, word: str) -> None:
    ctx.app.guards.drain(word == ON)
    ctx.out.answer({"drain": word == ON}, draw=f"drain is {word}")


@command(
    "guard pause",
    help="Pause everything (on, off), or one agent.",
    detail="An agent is paused with `uwf guard pause AGENT --until TIME` and let go with `uwf guard pause AGENT off`.",
    example="uwf guard pause on --until 2h",
    what=arg("on, off, or an agent.", metavar="on|off|AGENT", complete="pausable"),
    word=arg("For an agent: on or off.", metavar="on|off", choices=(ON, OFF)),
    until=opt("--until", metavar="TIME", help="2h (from now), 2026-01-31T09:15:00Z, epoch ms."),
    reason=opt("--reason", metavar="TEXT", help="Why; shown to whoever is refused."),
)
def pause(
    ctx: Context, what: str, word: str = ON, *, until: str | None = None, reason: str = ""
) -> None:
    import shlex

    from uwf.cli.line.arguments import future_ms

    agent = None if what in (ON, OFF) else what
    on = (what if agent is None else word) == ON
    if not on and until is not None:
        raise InputError(
            "--until says how long a pause lasts; off ends it at once",
            hint="uwf guard pause on --until 2h",
            code="usage",
        )
    typed = shlex.join(("uwf", "guard", "pause", what, "--until"))
    until_ms = None if until is None else future_ms(until, typed)
    was_on = True
    if on:
        ctx.app.guards.pause(agent, until_ms=until_ms, why=reason)
    else:
        was_on = ctx.app.guards.unpause(agent)
    name = "everything" if agent is None else f"agent {agent}"
    document = {"agent": agent, "paused": on, "untilMs": until_ms}
    news = f"{name} is {'paused' if on else 'no longer paused'}"
    if not was_on:
        news = "nothing was paused" if agent is None else f"{name} was not paused"
    ctx.out.answer(document, draw=news)


@command(
    "guard reset",
    help="Close a circuit breaker by hand.",
    detail="`uwf guard status` shows their names: an agent, or an agent and a failure class.",
    example="uwf guard reset mine",
    breaker=arg("An agent, or AGENT/CLASS.", metavar="BREAKER", complete="agent"),
)
def reset(ctx: Context, breaker: str) -> None:
    closed = ctx.app.guards.reset(breaker)
    ctx.out.answer({"breaker": breaker, "closed": closed}, draw=f"{breaker} is closed")


def _row(row: StatsRow) -> dict[str, Any]:
    one = row.figures
    found = {
        "by": row.by,
        "name": one.name,
        "attempts": one.attempts,
        "successes": one.successes,
        "rate": one.rate,
        "reasons": one.reasons,
        "trend": list(one.trend),
    }
    return found if row.refused is None else {**found, "refused": row.refused}


def _cells(row: StatsRow) -> list[str]:
    from uwf.display import numbers

    one = row.figures
    return [
        row.by,
        one.name,
        str(one.attempts),
        str(one.successes),
        "" if one.rate is None else f"{one.rate:.0%}",
        numbers.sparkline(one.trend),
        _reasons(one.reasons),
    ]


def _reasons(found: Mapping[str, int]) -> str:
    """How often for each reason: `slot 3, drain 1`."""
    return ", ".join(f"{reason} {number}" for reason, number in found.items())
