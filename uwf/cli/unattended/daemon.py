"""`uwf daemon`: what keeps threads moving while nobody watches."""

from __future__ import annotations

from uwf import clock
from uwf.cli import installing
from uwf.cli.command import command, opt
from uwf.cli.screen import terminal
from uwf.cli.upkeep.figures import fields_of as figures_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.cli.context import Context
    from uwf.daemon.status import DaemonStatus
    from uwf.display.times import Times

STDOUT = 1


@command(
    "daemon run",
    help="Keep all threads moving, until told to end.",
    detail="One daemon a home leads; a second one waits, and takes over as soon as the first has ended. SIGTERM and "
    "Ctrl-C drain: nothing is begun any more, and what runs is waited for as long as daemon.drain says, or goes on by "
    "itself. SIGHUP reads the configuration anew. With --json a line for each thing it does. Exit 70: a part failed 10 "
    "times in a row.",
    example="uwf daemon run",
)
def run(ctx: Context) -> None:
    from uwf.cli.telling import teller
    from uwf.daemon import serve

    serve.run(ctx.app, teller(ctx))


@command(
    "daemon install",
    help="Write the file by which the system keeps the daemon running.",
    detail=installing.DETAIL,
    example="uwf daemon install",
    uninstall=installing.UNINSTALL,
    dry_run=installing.DRY_RUN,
)
def install(ctx: Context, *, uninstall: bool = False, dry_run: bool = False) -> None:
    from uwf.daemon import install as files

    service = files.service(ctx.home, files.daemon(ctx.app.config.daemon.drain_s))
    installing.installed(ctx, service, uninstall=uninstall, dry_run=dry_run)


@command(
    "daemon status",
    help="Show which daemon leads, what it runs, what it set aside.",
    example="uwf daemon status --watch",
    times=True,
    watch=opt("--watch", help="Show it again whenever it has changed; with --json a line each."),
)
def status(ctx: Context, *, watch: bool = False) -> None:
    from uwf.daemon import status as looking

    if watch:
        for each in looking.watch(ctx.app, lambda: terminal.is_read(STDOUT)):
            ctx.out.line(
                each, draw=f"{ctx.times.clock(clock.now_ms())}  {_sentence(each, ctx.times)}"
            )
            ctx.out.flush()
        return
    found = looking.status(ctx.app)
    ctx.out.answer(found, draw=lambda: ctx.out.fields(_fields(ctx, found)))
    for fault in found.faults:
        ctx.out.warning(fault)
    if found.leader is None:
        ctx.out.note("no daemon runs")
        ctx.out.hint("uwf daemon run")


@command(
    "daemon stop",
    help="End the daemon once what it runs has ended.",
    detail="It waits for at most daemon.drain; then runs go on by themselves.",
    example="uwf daemon stop --now",
    now=opt(
        "--now", help="Wait for no run: all go on by themselves, and the next daemon finds them."
    ),
)
def stop(ctx: Context, *, now: bool = False) -> None:
    from uwf.daemon import status as looking

    ended = looking.stop(ctx.app, now=now)
    said = ", ".join(map(str, ended))
    ctx.out.answer({"ended": ended}, draw=f"ended: process {said}" if ended else "")
    if not ended:
        leader = ctx.app.daemon.of_all()
        elsewhere = "" if leader is None else f" here: {leader.in_words} leads"
        ctx.out.note(f"no daemon runs{elsewhere}")


def _fields(ctx: Context, found: DaemonStatus) -> dict[str, str]:
    times = ctx.times
    fields = {"leader": _leader(found, times), "standby": str(found.standby)}
    if found.leader is not None:
        fields["deaf"] = found.leader.deaf or ""
        fields["config"] = found.leader.config_error or ""
    fields["running"] = ", ".join(ctx.short_ids(found.running).values())
    fields |= {"due": _number(found.due), "queue": _number(found.queue)}
    bad = [one for one in found.sources if one.error]
    sources = [f"{len(found.sources)}"] + [f"{one.source}: {one.error}" for one in bad]
    fields["sources"] = "; ".join(sources) if found.sources else ""
    if found.crowded_since is not None:
        since = times.clock(found.crowded_since)
        fields["crowded"] = f"since {since} fuzzy events have to be urgent (queue.high_water)"
    fields["parts"] = ", ".join(_part(name, part) for name, part in found.parts.items())
    aside = (f"{one['kind']} {one['name']}: {one['why']}" for one in found.quarantine)
    fields["set aside"] = ctx.in_short("; ".join(aside))
    return fields | ({} if found.figures is None else figures_of(found.figures))


def _sentence(found: DaemonStatus, times: Times) -> str:
    bad = [_part(name, part) for name, part in found.parts.items() if part["failures"]]
    due, queue = _number(found.due), _number(found.queue)
    counts = f"{len(found.running)} running, {due} due, {queue} in the queue"
    aside = f", {len(found.quarantine)} set aside" if found.quarantine else ""
    return f"{_leader(found, times)}: {counts}{aside}{''.join(f'; {each}' for each in bad)}"


def _leader(found: DaemonStatus, times: Times) -> str:
    leader = found.leader
    if leader is None:
        return "none"
    since = "" if leader.since is None else f" since {times.clock(leader.since)}"
    on = f" on {leader.host}" if leader.host else ""
    return f"process {leader.pid}{on}{since}{', ends' if leader.is_draining else ''}"


def _part(name: str, part: dict[str, Any]) -> str:
    return f"{name} {part['state']}" + (f" ({part['error']})" if part["error"] else "")


def _number(count: int | None) -> str:
    return "?" if count is None else str(count)
