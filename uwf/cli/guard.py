"""`uwf guard`: what stands between a thread and its next step, and the switches a person turns."""

from __future__ import annotations

from uwf import clock, quantities
from uwf.cli.command import arg, command, opt
from uwf.errors import InputError, NotFound
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.cli.context import Context
    from uwf.engine.query.guard_status import Standing

ON, OFF = "on", "off"


@command(
    "guard status",
    help="Show everything that may say 'not now', on one screen.",
    example="uwf guard status",
)
def status(ctx: Context) -> None:
    from uwf.engine.query import guard_status

    found = guard_status.look(ctx.reader(), ctx.home, ctx.config)
    ctx.out.answer(
        guard_status.document(found), draw=lambda: ctx.out.fields(_fields(found), _shares(found))
    )


@command(
    "guard stats",
    help="Show how steps went lately, per agent and per workflow, and why commands were refused.",
    example="uwf guard stats",
)
def stats(ctx: Context) -> None:
    from uwf.engine.query import guard_status

    rows = guard_status.figures(ctx.reader(), ctx.config)
    columns = ("", "name", "steps", "good", "rate", "lately", "failures")
    shown = [_cells(row) for row in rows if row["by"] != guard_status.ALL]
    refused = "".join(_numbers(row["refused"]) for row in rows if row["by"] == guard_status.ALL)

    def draw() -> None:
        if shown:
            ctx.out.table(columns, shown, cut=("name", "failures"))
        ctx.out.fields({"refused": refused})

    ctx.out.answer(rows, draw=draw)
    if not shown:
        ctx.out.note("no step has ended within the window")


@command(
    "guard drain",
    help="Let running steps finish and begin none, until it is off again.",
    example="uwf guard drain on",
    word=arg("on or off.", metavar="on|off", choices=(ON, OFF)),
)
def drain(ctx: Context, word: str) -> None:
    from uwf.guard import pause as switch

    store = ctx.store(create=True)
    if word == ON:
        switch.turn_on(store, switch.DRAIN, "drain", until_ms=None, why="")
    else:
        switch.turn_off(store, switch.DRAIN)
    ctx.out.answer({"drain": word == ON}, draw=f"drain is {word}")


@command(
    "guard pause",
    help="Pause everything (on, off), or one agent.",
    detail="An agent is paused with `uwf guard pause AGENT --until T` and let go with `uwf guard pause AGENT off`.",
    example="uwf guard pause on --until 2h",
    what=arg("on, off, or an agent.", metavar="on|off|AGENT", complete="pausable"),
    word=arg("For an agent: on or off.", metavar="on|off", choices=(ON, OFF)),
    until=opt("--until", metavar="T", help="2h (from now), 2026-01-31T09:15:00Z, epoch ms."),
    reason=opt("--reason", metavar="TEXT", help="Why; shown to whoever is refused."),
)
def pause(
    ctx: Context, what: str, word: str = ON, *, until: str | None = None, reason: str = ""
) -> None:
    from uwf.cli.time_arg import future_ms
    from uwf.guard import pause as switch

    agent = None if what in (ON, OFF) else what
    on = (what if agent is None else word) == ON
    if not on and until is not None:
        raise InputError(
            "--until says how long a pause lasts; off ends it at once",
            hint="uwf guard pause on --until 2h",
            code="usage",
        )
    until_ms = None if until is None else future_ms(until)
    store = ctx.store(create=True)
    was_on = True
    if agent is None and on:
        switch.turn_on(store, switch.PAUSE, "pause", until_ms=until_ms, why=reason)
    elif agent is None:
        was_on = switch.turn_off(store, switch.PAUSE)
    elif on:
        counter = switch.of_agent(agent)
        switch.turn_on(store, counter, agent, until_ms=until_ms, why=reason or "by hand")
    else:
        was_on = switch.resume_agent(store, agent)
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
    from uwf.guard import breaker as breakers

    closed = breakers.reset(ctx.store(create=True), breaker)
    if not closed:
        raise NotFound(
            f"no breaker {breaker!r} has counted a failure",
            hint="uwf guard status",
            code="no_such_breaker",
        )
    ctx.out.answer({"breaker": breaker, "closed": closed}, draw=f"{breaker} is closed")


def _fields(found: Standing) -> dict[str, str]:
    def switched(one: Any) -> str:
        until = "" if one.until_ms is None else f" until {clock.iso(one.until_ms)}"
        return f"on since {clock.iso(one.since_ms)}{until} {one.why}".strip()

    lines = {
        "drain": "off" if found.drain is None else switched(found.drain),
        "pause": "off" if found.pause is None else switched(found.pause),
    }
    for agent in found.paused_agents:
        lines[f"agent {agent.name}"] = f"paused, {switched(agent)}"
    for place in found.pools:
        lines[place.name] = f"{place.taken} of {place.limit}"
    lines["queue"] = f"{found.waiting} of {found.max_queue}"
    for breaker in found.breakers:
        lines[f"breaker {breaker.name}"] = (
            f"{breaker.state}, {counted(breaker.failures, 'failure')}, {breaker.cause}"
        )
    for number, event in enumerate(found.events[-5:], 1):
        said = f"{event['event']} {event['breaker']}: {event['cause']}"
        lines[f"event {number}"] = f"{clock.iso(event['atMs'])} {said}"
    left = found.left
    lines["memory"] = (
        "unknown" if left.memory_bytes is None else f"{left.memory_bytes >> 20} MB free"
    )
    lines["disk"] = "unknown" if left.disk_bytes is None else f"{left.disk_bytes >> 20} MB free"
    lines["cpus"] = "unknown" if left.cpus is None else f"{max(0.0, left.cpus):.1f} not under load"
    if left.stalled_percent is not None:
        lines["swapping"] = f"{left.stalled_percent:.0f} % of the time lost"
    for name, spent in found.today.items():
        limit = found.day_budget.get(name)
        of = "" if limit is None else f" of {quantities.written(name, limit)}"
        lines[f"{name} today"] = quantities.said(name, spent) + of
    return lines


def _shares(found: Standing) -> dict[str, float]:
    """Where a number has a limit: how much of it is used."""
    shares = {place.name: place.taken / max(1, place.limit) for place in found.pools}
    shares["queue"] = found.waiting / max(1, found.max_queue)
    for name, spent in found.today.items():
        if name in found.day_budget:
            shares[f"{name} today"] = spent / found.day_budget[name]
    return shares


def _cells(row: dict[str, Any]) -> list[str]:
    rate = row["rate"]
    return [
        row["by"],
        row["name"],
        str(row["attempts"]),
        str(row["successes"]),
        "" if rate is None else f"{rate:.0%}",
        sparkline(row["trend"]),
        _numbers(row["reasons"]),
    ]


def _numbers(reasons: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in reasons.items())


def sparkline(counts: list[int]) -> str:
    """Counts as a row of bars, the highest one full."""
    bars = " ▁▂▃▄▅▆▇█"
    most = max(counts, default=0)
    return "".join(bars[-(-count * 8 // most)] if most else " " for count in counts)
