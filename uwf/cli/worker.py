"""`uwf worker`: runs of a shared store, taken by as many machines as there are."""

from __future__ import annotations

from uwf.cli import installing
from uwf.cli.command import arg, command, opt
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context
    from uwf.worker.serve import WorkerOptions

WHOM = arg("A worker's number, or a host; all of them where nothing is said.", metavar="ID|HOST")
SLOTS = opt("--slots", help="Run this many threads at once. [default: daemon.jobs]", low=1)
LABEL = opt("--label", metavar="LABEL", help="A label that threads can ask for; may be repeated.")
AGENTS = opt(
    "--agents",
    metavar="A[,A...]",
    help="Run these agents alone. [default: all that are configured]",
)
POLL = opt(
    "--poll",
    metavar="DURATION",
    low=0.1,
    is_time=True,
    help="Look this often where nobody says that there is something.",
)


@command(
    "worker run",
    help="Take runs of the shared store, until told to end.",
    detail="It takes what any worker may run, what is for this machine (UWF_HOST, else its name), for its labels, and "
    "for its agents. A daemon, on one of the machines, says what is due. SIGTERM and Ctrl-C drain: it takes nothing "
    "any more, and ends when the steps of its runs have; told again, it ends those, too. SIGHUP changes nothing. With "
    "--json a line for each thing it does.",
    example="uwf worker run --slots 3 --label gpu",
    slots=SLOTS,
    label=LABEL,
    agents=AGENTS,
    poll=POLL,
)
def run(
    ctx: Context,
    *,
    slots: int | None = None,
    label: tuple[str, ...] = (),
    agents: str | None = None,
    poll: float = 0.5,
) -> None:
    from uwf.cli.telling import teller
    from uwf.worker import serve

    serve.run(ctx.app, _options(slots, label, agents, poll), teller(ctx))


@command(
    "worker install",
    help="Write the file by which the system keeps a worker running.",
    detail=f"{installing.DETAIL} The worker is begun with the options that are given here.",
    example="uwf worker install --slots 3 --label gpu",
    slots=SLOTS,
    label=LABEL,
    agents=AGENTS,
    poll=POLL,
    uninstall=installing.UNINSTALL,
    dry_run=installing.DRY_RUN,
)
def install(
    ctx: Context,
    *,
    slots: int | None = None,
    label: tuple[str, ...] = (),
    agents: str | None = None,
    poll: float = 0.5,
    uninstall: bool = False,
    dry_run: bool = False,
) -> None:
    from uwf.daemon import install as files
    from uwf.worker import serve

    options = _options(slots, label, agents, poll)
    if not uninstall:
        serve.need_worker(ctx.app, options)
    service = files.service(ctx.home, serve.supervised(options))
    installing.installed(ctx, service, uninstall=uninstall, dry_run=dry_run)


@command(
    "worker list",
    help="Show the workers of all machines, and what they run.",
    detail="What waits and none of them takes is named, why one takes nothing for now (unfit), and each machine whose "
    "clock is not that of the database.",
    example="uwf worker list",
    times=True,
)
def list_(ctx: Context) -> None:
    from uwf.worker import control
    from uwf.worker.control import UNFIT

    found = control.all_workers(ctx.app)
    columns = ("id", "host", "state", "runs", "labels", "agents", "since", "seen", "version")
    rows = [
        (
            str(each.worker),
            each.host,
            each.state,
            f"{len(each.running)}/{each.slots}",
            " ".join(each.labels),
            " ".join(each.agents),
            ctx.times.moment(each.since),
            ctx.times.moment(each.seen),
            each.version,
        )
        for each in found
    ]
    ctx.out.answer(
        found,
        ids=[str(each.worker) for each in found],
        draw=lambda: ctx.out.table(columns, rows, cut=("agents", "labels")),
    )
    if not found:
        ctx.out.note("no worker is there")
    for each in found:
        if each.state == UNFIT:
            ctx.out.warning(f"worker {each.worker} on {each.host} takes nothing: {each.unfit}")
    for off in ctx.app.health.clocks_off():
        ctx.out.warning(off.words)
    unserved = control.unserved(ctx.app)
    for queue, count in unserved.items():
        ctx.out.note(f"{counted(count, 'thread')} due for {queue}, which no worker takes")
    if unserved or not found:
        ctx.out.hint(_who_takes(*unserved))


@command(
    "worker drain",
    help="Let workers take nothing more, and end after their steps.",
    example="uwf worker drain 7",
    whom=WHOM,
)
def drain(ctx: Context, whom: str | None = None) -> None:
    from uwf.worker import control

    _asked(ctx, control.drain(ctx.app, whom), "drains")


@command(
    "worker stop",
    help="Let workers end their runs, at a whole step, and end.",
    detail="What an agent was doing is kept as an unfinished attempt; the threads go on elsewhere.",
    example="uwf worker stop box-2",
    whom=WHOM,
    now=opt("--now", help="Give the agents no time to end by themselves."),
)
def stop(ctx: Context, whom: str | None = None, *, now: bool = False) -> None:
    from uwf.worker import control

    _asked(ctx, control.stop(ctx.app, whom, now=now), "stops")


def _options(
    slots: int | None, label: tuple[str, ...], agents: str | None, poll: float
) -> WorkerOptions:
    from uwf.worker.serve import WorkerOptions

    named = None if agents is None else tuple(name for name in agents.split(",") if name)
    return WorkerOptions(slots, label, named, poll)


def _who_takes(queue: str = "", *_others: str) -> str:
    """The command of a worker that takes from a queue."""
    kind, _, name = queue.partition(":")
    return f"uwf worker run --label {name}" if kind == "label" else "uwf worker run"


def _asked(ctx: Context, workers: list[int], does: str) -> None:
    said = ", ".join(map(str, workers))
    ctx.out.answer({"workers": workers}, ids=list(map(str, workers)), draw=f"{does}: worker {said}")
