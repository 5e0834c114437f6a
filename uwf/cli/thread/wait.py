"""`uwf thread wait`: until nobody runs a thread any more."""

from __future__ import annotations

from uwf import clock
from uwf.cli import exits
from uwf.cli.command import command, opt
from uwf.cli.thread.fields import kept_reply
from uwf.cli.thread.selection import DRY_RUN, LABEL, THREADS, WHERE, Chosen
from uwf.cli.thread.show import print_thread
from uwf.errors import CROWDED_MS, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import ThreadView
    from uwf.cli.context import Context


@command(
    "thread wait",
    help="Wait until nobody runs a thread any more, then show it.",
    detail="One that is due is waited for, too, while a daemon leads. The exit code is that of the run: 0, 3 where it "
    "waits for a person, 6 where its agent failed; 5 where it is cancelled, or has ended otherwise than --until says; "
    "75 where time alone cures it, or the time is up. Of several threads, each is told as soon as it is there, and the "
    "exit code is that of the one that needs the most. --where chooses among those that have not ended.",
    example="uwf thread wait @last --timeout 600",
    thread=THREADS,
    where=WHERE,
    label=LABEL,
    dry_run=DRY_RUN,
    jobs=opt("--jobs", metavar="N", low=1, help="Wait for so many at a time. [default: all]"),
    until=opt(
        "--until",
        metavar="STATE[,STATE...]",
        complete="statuses",
        help="Wait until it is so, whoever runs it: suspended, completed, running, ...",
    ),
    timeout=opt(
        "--timeout",
        metavar="DURATION",
        low=0,
        is_time=True,
        help="Wait no longer than this; seconds, or as in 2h.",
    ),
)
def wait(
    ctx: Context,
    thread: tuple[str, ...] = (),
    *,
    where: tuple[str, ...] = (),
    label: tuple[str, ...] = (),
    dry_run: bool = False,
    jobs: int | None = None,
    until: str | None = None,
    timeout: float | None = None,
) -> int:
    wanted: tuple[str, ...] = ()
    if until is not None:
        from uwf.cli.line.arguments import statuses_of  # the usual waiting has no such word

        wanted = statuses_of(until, "--until")
    chosen = Chosen("wait", thread, where, dry_run, jobs, labels=label, statuses="active")
    ids = chosen.ids(ctx)
    if dry_run:
        chosen.show(ctx, ids)
        return exits.DONE
    codes = []
    for waited in ctx.app.wait(*ids, until=wanted, timeout_s=timeout, at_once=jobs):
        shown, id = waited.thread, waited.thread.thread
        if chosen.is_one:
            print_thread(ctx, shown)
        else:
            ctx.out.line(shown, id=id, draw=f"{id}  {shown.status}")
        if not waited.in_time:
            _say_late(ctx, shown)
            codes.append(exits.NOT_NOW)
            continue
        is_wanted = shown.status in wanted if wanted else shown.status != "cancelled"
        codes.append(exits.after_wait(shown, is_wanted=is_wanted))
        _say_why(ctx, shown, codes[-1])
    return exits.of_several(codes)


def _say_why(ctx: Context, thread: ThreadView, code: int) -> None:
    """Why the exit code is none of success, and what to type next."""
    id = thread.thread
    if code == exits.SUSPENDED:
        ctx.out.hint(ctx.app.way_on(id))
    elif code == exits.NOT_NOW:
        way_on = ctx.app.way_on(id)
        again = way_on if "--wait" in way_on else f"{way_on} --wait 2h"
        more = refusal("transient", thread.wake_at)
        ctx.out.error("transient", f"{id}: {thread.wake_why}", again, thread=id, **more)
    elif thread.kept_reply is not None:
        what = f"{id}: a reply that could not be stored is kept in {kept_reply(thread)}"
        more = {"thread": id, "kept": thread.kept_reply}
        ctx.out.error("reply_kept", what, "uwf doctor --repair", **more)
    elif code == exits.WRONG_STATE:
        what = f"thread {id} is {thread.status}"
        if thread.error is not None:
            what += f": {thread.error.message}"
        more = refusal(thread.status, None)
        ctx.out.error(thread.status, what, f"uwf thread show {id}", thread=id, **more)
    elif thread.error is not None:
        hint = ctx.app.way_on(id) if code == exits.AGENT_FAILED else f"uwf thread show {id}"
        ctx.out.error(thread.error.code, f"{id}: {thread.error.message}", hint, thread=id)


def _say_late(ctx: Context, thread: ThreadView) -> None:
    """That the time is up, and what to type to see more; when others are done nobody knows."""
    id = thread.thread
    more = refusal("timeout", clock.now_ms() + CROWDED_MS)
    what = f"thread {id} is {thread.status}, and the time to wait is up"
    ctx.out.error("timeout", what, f"uwf thread watch {id}", thread=id, **more)
