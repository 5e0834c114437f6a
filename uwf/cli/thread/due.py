"""`uwf thread wake` and `run --due`: when threads wake, and running those whose time has come."""

from __future__ import annotations

from functools import partial

from uwf.cli import exits
from uwf.cli.command import command, opt
from uwf.cli.thread.selection import (
    DRY_RUN,
    JOBS,
    LABEL,
    OF_SEVERAL,
    THREADS,
    WHERE,
    Chosen,
)
from uwf.cli.thread.show import print_thread
from uwf.errors import InputError
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.app.values import DueThread, DueThreads
    from uwf.cli.context import Context

SLOT_S = 60.0
"""How long one that is due waits for a slot before the next one has its turn."""
LATEST_MS = 10 * 365 * 86_400_000
WHO_RUNS = "uwf daemon run  # or, in a crontab: uwf thread run --due"
"""Where nobody runs what is due."""
COLUMNS = ("thread", "status", "kind", "since", "why")


@command(
    "thread wake",
    help="Set the timer of a thread; nothing runs until then.",
    detail="Without --at and --in it is due now. The earliest wish wins: a timer that is earlier stays. A run that "
    "begins takes the timer away, and no command that is typed waits for it. A suspended or completed thread is "
    f"resumed when it wakes. {OF_SEVERAL}",
    example="uwf thread wake @last --in 30m",
    thread=THREADS,
    where=WHERE,
    label=LABEL,
    dry_run=DRY_RUN,
    jobs=JOBS,
    at=opt("--at", metavar="TIME", help="At this time: 2026-01-31T22:00, epoch milliseconds, ..."),
    in_=opt("--in", metavar="DURATION", help="After this time: 30m, 2h, 1d12h, ..."),
    clear=opt("--clear", help="Take the timer away."),
)
def wake(
    ctx: Context,
    thread: tuple[str, ...] = (),
    *,
    where: tuple[str, ...] = (),
    label: tuple[str, ...] = (),
    dry_run: bool = False,
    jobs: int | None = None,
    at: str | None = None,
    in_: str | None = None,
    clear: bool = False,
) -> int:
    not_cancelled = ("idle", "suspended", "completed")
    done = "has no timer now" if clear else "has a timer now"
    chosen = Chosen(
        "wake", thread, where, dry_run, jobs, labels=label, statuses=not_cancelled, done=done
    )
    if (at is not None) + (in_ is not None) + clear > 1:
        raise InputError(
            "--at, --in and --clear exclude each other",
            hint=f"{chosen.typed} --in 30m",
            code="usage",
        )
    at_ms = _moment_ms(ctx, at, in_, chosen.typed)

    def set_timer(id: str) -> None:
        view = ctx.app.wakes.clear(id) if clear else ctx.app.wakes.at(id, at_ms)
        if not clear and view.wake_at is not None and view.wake_at < at_ms:
            ctx.out.note(
                f"it wakes earlier than that: {ctx.times.due(view.wake_at)}, {view.wake_why}"
            )
            ctx.out.hint(f"uwf thread wake {id} --clear")
        elif not clear and ctx.app.daemon.of_all() is None:
            ctx.out.hint(WHO_RUNS)
        print_thread(ctx, view)

    return chosen.each(ctx, set_timer)


@command(
    "thread run",
    help="Run every thread that is due, once.",
    detail="The most urgent first, as a daemon does all the time. Schedules are looked at before. Each goes on until "
    "it completes, suspends or fails. What was refused, cut "
    "off or failed by itself comes first, then a person's words, then by kind, by priority, by arrival. A "
    "thread that another process runs is left out, one that waits for a person is only told of. Passes that begin in "
    f"the same moment do not see each other: limits.max_running holds for all. {OF_SEVERAL}",
    example="uwf thread run --due --jobs 3",
    due=opt("--due", help="Those whose timer is due."),
    jobs=opt(
        "--jobs",
        metavar="N",
        low=1,
        help="So many at a time, with those that a daemon or another pass runs already. [default: daemon.jobs, "
        "which is 5]",
    ),
    dry_run=DRY_RUN,
)
def run(ctx: Context, *, due: bool = False, jobs: int | None = None, dry_run: bool = False) -> int:
    if not due:
        raise InputError(
            "which threads? --due are those whose timer is due",
            hint="uwf thread run --due",
            code="usage",
        )
    if dry_run:
        _show(ctx, ctx.app.wakes.due(ctx.app.now_ms()))
        return exits.DONE
    may_run = _taken_in(ctx)
    _look_at_schedules(ctx)
    _decide(ctx)
    now_ms = ctx.app.now_ms()
    found = ctx.app.wakes.due(now_ms)
    code = _say_unreadable(ctx, found)
    _remind(ctx, now_ms)
    ids = list(filter(may_run, _that_may_run(ctx, found)))
    if not ids:
        return code
    ctx.app.guards.refuse_if_stopped()
    room = (jobs or ctx.app.config.daemon.jobs) - len(ctx.app.wakes.under_way())
    if room < 1:
        ctx.out.note(f"{counted(len(ids), 'thread')} wait: as many run as may at a time")
        return code
    from uwf.cli.thread import parallel, respawn

    options = {"due": True, "until_done": True, "wait": SLOT_S}
    words = partial(respawn.exec_words, options)
    ran = parallel.run(ctx, ids, None, jobs=room, done=None, words=words, due=ctx.app.wakes)
    _decide(ctx)  # what these runs have brought about
    return exits.of_several([code, ran])


def _decide(ctx: Context) -> None:
    """Decide all that is stored and open, a few hundred at a time: those that are told something are due, too."""
    while ctx.app.events.decide():
        pass


def _look_at_schedules(ctx: Context) -> None:
    """Begin what schedules have for now: its threads are due, too."""
    from uwf.cli.unattended.schedule import came_of

    for one in ctx.app.schedules.tick_through().news:
        ctx.out.note(f"schedule {one.schedule}: {' '.join((came_of(one), *one.threads[:3]))}")


def _moment_ms(ctx: Context, at: str | None, in_: str | None, typed: str) -> int:
    """The moment that was asked for, by default now."""
    now_ms = ctx.app.now_ms()
    if at is None and in_ is None:
        return now_ms
    if in_ is not None:
        from uwf import quantities

        try:
            at_ms = now_ms + round(quantities.duration_s(in_) * 1000)
        except ValueError as error:
            raise InputError(f"--in: {error}", hint=f"{typed} --in 30m", code="usage") from None
    else:
        from uwf.cli.line.arguments import future_ms

        at_ms = future_ms(at or "", f"{typed} --at")
    if at_ms > now_ms + LATEST_MS:
        raise InputError(
            f"{in_ or at} is more than ten years ahead", hint=f"{typed} --in 30m", code="usage"
        )
    return at_ms


def _taken_in(ctx: Context) -> Callable[[str], bool]:
    """Take in what came from outside, where no daemon does; what says of a thread whether there is still something to
    run it for.
    """
    if ctx.app.daemon.leader() is not None:
        return lambda _: True
    from uwf.daemon.one_pass import OnePass

    one_pass = OnePass(ctx.app, ctx.out.note)
    one_pass.take_in()
    return one_pass.may_run


def _that_may_run(ctx: Context, found: DueThreads) -> list[str]:
    """The due threads that nobody runs, the most urgent first."""
    ids = []
    for each in found.threads:
        holder = ctx.app.wakes.holder(each.thread)
        if holder is None:
            ids.append(each.thread)
        elif ctx.json:
            ctx.out.warning(f"thread {each.thread} is left out: {holder.in_words} runs it")
        else:
            ctx.out.note(f"{each.thread}  is left out: {holder.in_words} runs it")
    return ids


def _say_unreadable(ctx: Context, found: DueThreads) -> int:
    """Name the threads whose timer cannot be read; the exit code that this makes."""
    for each in found.unreadable:
        ctx.out.error("bad_tag", each.why, each.hint, thread=each.thread)
    return exits.FAULT if found.unreadable else exits.DONE


def _remind(ctx: Context, now_ms: int) -> None:
    """Tell of those that wait for a person, each now and then."""
    found = ctx.app.wakes.reminders(now_ms)
    for each in found:
        ctx.out.note(
            f"{each.thread}  waits for a person since {ctx.times.clock(each.since)}: {each.message}"
        )
    if found:
        ctx.out.hint("uwf inbox")
        ctx.app.wakes.reminded(now_ms)


def _show(ctx: Context, found: DueThreads) -> None:
    """Answer `--dry-run`: a row a thread, in the order in which they would be run."""
    if ctx.json or ctx.quiet:
        for each in found.threads:
            ctx.out.line(_row(each), id=each.thread)
        return
    from uwf.cli.screen.cells import Cell
    from uwf.display import states

    ids = ctx.named(each.thread for each in found.threads)
    ctx.out.table(
        COLUMNS,
        [
            (
                ids[each.thread],
                Cell(each.status, states.of(each.status)),
                each.wake.kind,
                ctx.times.moment(each.wake.at_ms),
                each.wake.why,
            )
            for each in found.threads
        ],
        cut=("why",),
    )
    if not found.threads:
        ctx.out.note("no thread is due")


def _row(each: DueThread) -> dict[str, object]:
    wish = each.wake
    return {
        "thread": each.thread,
        "status": each.status,
        "wakeAt": wish.at_ms,
        "wakeKind": wish.kind,
        "wakeWhy": wish.why,
    }
