"""`uwf schedule`: when work starts by itself, what came of it, and a person's hand in it."""

from __future__ import annotations

from uwf import clock
from uwf.cli.command import arg, command, opt
from uwf.cli.screen.cells import short
from uwf.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import OccurrenceView
    from uwf.cli.context import Context

NAME = arg("The name of a schedule.", complete="schedule")


@command(
    "schedule list",
    help="List the schedules: the next time, what came of the last.",
    detail="The last time has four facts, each there once it is true: claimed, started, first turn (the agent has said "
    "something), ended. Schedules are [[schedules]] in config.toml.",
    example="uwf schedule list",
    times=True,
)
def list_(ctx: Context) -> None:
    found, moment = ctx.app.schedules.all(), ctx.times.moment
    columns = ("name", "state", "next", "last", "came of it", "rule", "does")
    rows = [
        [
            one.schedule,
            f"{one.state}: {short(one.paused_why, 60)}" if one.paused_why else one.state,
            ctx.times.due(one.next),
            "" if one.last is None else moment(one.last.nominal),
            "" if one.last is None else came_of(one.last),
            one.rule,
            one.does,
        ]
        for one in found
    ]
    ctx.out.answer(
        found,
        ids=[one.schedule for one in found],
        draw=lambda: ctx.out.table(
            columns, rows, cut=("came of it", "does"), spare=("does", "rule", "state")
        ),
    )
    for why in ctx.app.schedules.problems().values():
        ctx.out.warning(why)
    if not found:
        ctx.out.note(f"no schedule is configured: [[schedules]] in {ctx.app.config_path}")


@command(
    "schedule next",
    help="Show the next times of all schedules, or of one.",
    detail="The local time is that of the schedule's zone. Times that a jitter moves are due later than that.",
    example="uwf schedule next -n 10",
    times=True,
    name=arg("The name of a schedule.", complete="schedule"),
    count=opt("-n", "--count", help="How many.", low=1),
)
def next_(ctx: Context, name: str | None = None, *, count: int = 5) -> None:
    found = ctx.app.schedules.next(name, count)
    rows = [[one.local, ctx.times.due(one.due), one.schedule] for one in found]
    ctx.out.answer(
        found,
        ids=[clock.iso(one.due) for one in found],
        draw=lambda: ctx.out.table(("local time", "due", "name"), rows, spare=("due",)),
    )
    if not found:
        ctx.out.note("no time is to come")


@command(
    "schedule log",
    help="Show the times that were claimed, and what came of each.",
    detail="The latest come first.",
    example="uwf schedule log nightly",
    times=True,
    name=NAME,
    limit=opt("-n", "--limit", help="How many.", low=1),
)
def log(ctx: Context, name: str, *, limit: int = 20) -> None:
    found, at = ctx.app.schedules.log(name, limit), ctx.times.clock
    ids = ctx.short_ids(id for one in found for id in one.threads)
    columns = ("nominal", "claimed", "started", "first turn", "ended", "came of it", "thread")
    rows = [
        [
            at(one.nominal),
            at(one.claimed),
            at(one.started),
            at(one.first_turn),
            at(one.ended),
            came_of(one),
            " ".join(ids[id] for id in one.threads),
        ]
        for one in found
    ]
    ctx.out.answer(
        found,
        ids=[id for one in found for id in one.threads],
        draw=lambda: ctx.out.table(
            columns, rows, cut=("came of it",), spare=("claimed", "first turn")
        ),
    )
    if not found:
        ctx.out.note(f"no time of schedule {name} was claimed so far")


@command(
    "schedule run",
    help="Let a schedule run now, whatever its times say.",
    detail="Its precheck is not asked. Its thread is made and due at once: a daemon runs it, or `uwf thread run "
    "--due`. It is refused where the "
    "last one has not ended and its overlap is skip.",
    example="uwf schedule run nightly",
    name=NAME,
)
def run(ctx: Context, name: str) -> None:
    one = ctx.app.schedules.run(name)
    if one.how == "failed":
        raise StateError(
            f"schedule {name} could not start: {one.why}",
            hint=f"uwf schedule log {name}",
            code="not_started",
        )
    ctx.out.answer(one, ids=one.threads, draw=f"{name}: {came_of(one)}  {' '.join(one.threads)}")
    if one.threads:
        ctx.out.hint(f"uwf thread exec {one.threads[0]} --until-done")


@command(
    "schedule backfill",
    help="Make up for times that are over and were not claimed.",
    detail="They run one after the other.",
    example="uwf schedule backfill nightly --since 3d --dry-run",
    name=NAME,
    since=opt("--since", metavar="TIME", help="3d (ago), 2026-01-31, epoch ms."),
    dry_run=opt("--dry-run", help="Only show which."),
)
def backfill(ctx: Context, name: str, *, since: str, dry_run: bool = False) -> None:
    import shlex

    from uwf.cli.line.arguments import moment_ms

    since_ms = moment_ms(since, shlex.join(("uwf", "schedule", "backfill", name, "--since")))
    found = ctx.app.schedules.backfill(name, since_ms, dry_run=dry_run)
    rows = [[one.local, clock.iso(one.nominal)] for one in found]
    ctx.out.answer(
        found,
        ids=[clock.iso(one.nominal) for one in found],
        draw=lambda: ctx.out.table(("local time", "nominal"), rows),
    )
    if not found:
        ctx.out.note(f"every time of schedule {name} since then was claimed")


@command(
    "schedule pause",
    help="Claim no time of a schedule until it is resumed.",
    detail="What has begun goes on.",
    example="uwf schedule pause nightly --reason 'the build is red'",
    name=NAME,
    reason=opt("--reason", metavar="TEXT", help="Why; shown where it is listed."),
)
def pause(ctx: Context, name: str, *, reason: str = "") -> None:
    found = ctx.app.schedules.pause(name, reason)
    ctx.out.answer(found, ids=[name], draw=f"schedule {name} is paused")


@command(
    "schedule resume",
    help="Let a paused schedule go on from now.",
    detail="Times during the pause are over.",
    example="uwf schedule resume nightly",
    name=NAME,
)
def resume(ctx: Context, name: str) -> None:
    found = ctx.app.schedules.resume(name)
    news = f"schedule {name} goes on"
    ctx.out.answer(
        found,
        ids=[name],
        draw=f"{news}, next at {ctx.times.clock(found.next)}" if found.next else news,
    )


def came_of(one: OccurrenceView) -> str:
    """What came of an occurrence, in words."""
    word = one.how or one.state
    return f"{word}: {one.why}" if one.why else word
