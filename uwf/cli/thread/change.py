"""`uwf thread stop`, `cancel`, `set`, `fork` and `undo`: what a person does to a thread."""

from __future__ import annotations

from functools import partial

from uwf.cli.command import THREAD, arg, command, opt
from uwf.cli.line.arguments import label_pair, text_arg
from uwf.cli.screen.cells import short
from uwf.cli.thread.selection import (
    DRY_RUN,
    JOBS,
    LABEL,
    OF_SEVERAL,
    THREADS,
    WHERE,
    Chosen,
)
from uwf.cli.thread.show import answer
from uwf.errors import InputError
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import ThreadView
    from uwf.cli.context import Context


@command(
    "thread stop",
    help="End what runs on a thread now; the thread stays as it is.",
    detail="The agent gets SIGTERM, limits.grace later SIGKILL. Its unfinished attempt is kept. What a killed run has "
    "left behind is ended as well. --where chooses among those that run. " + OF_SEVERAL,
    example="uwf thread stop @last",
    thread=THREADS,
    where=WHERE,
    label=LABEL,
    dry_run=DRY_RUN,
    jobs=JOBS,
)
def stop(
    ctx: Context,
    thread: tuple[str, ...] = (),
    *,
    where: tuple[str, ...] = (),
    label: tuple[str, ...] = (),
    dry_run: bool = False,
    jobs: int | None = None,
) -> int:
    chosen = Chosen(
        "stop", thread, where, dry_run, jobs, labels=label, statuses=("running",), done="stopped"
    )
    return chosen.each(ctx, partial(_stop, ctx))


def _stop(ctx: Context, id: str) -> None:
    done = ctx.app.stop(id)
    if done.ran is not None and done.is_silent:
        ctx.out.note(f"{done.ran.in_words} was not heard of: it does not have the thread any more")
    elif done.ran is not None:
        ctx.out.note(f"stopped {done.ran.in_words}")
    elif done.left_behind:
        pids = ", ".join(map(str, done.left_behind))
        ctx.out.note(f"stopped what a killed run had left behind ({pids})")
    elif not done.is_recorded:
        ctx.out.note("nothing was running")
    answer(ctx, done.thread)


@command(
    "thread cancel",
    help="End a thread for good. What runs is stopped first.",
    detail="--where chooses among those that have not ended. " + OF_SEVERAL,
    example="uwf thread cancel @last --reason 'the issue was closed'",
    thread=THREADS,
    where=WHERE,
    label=LABEL,
    dry_run=DRY_RUN,
    jobs=JOBS,
    reason=opt("--reason", metavar="TEXT", help="Why; kept with the thread."),
)
def cancel(
    ctx: Context,
    thread: tuple[str, ...] = (),
    *,
    where: tuple[str, ...] = (),
    label: tuple[str, ...] = (),
    dry_run: bool = False,
    jobs: int | None = None,
    reason: str | None = None,
) -> int:
    chosen = Chosen(
        "cancel", thread, where, dry_run, jobs, labels=label, statuses="active", done="cancelled"
    )
    why = None if reason is None else text_arg(reason).strip()

    def end(id: str) -> None:
        answer(ctx, ctx.app.cancel(id, why))

    return chosen.each(ctx, end, why)


@command(
    "thread set",
    help="Set labels, priority, place or title of a thread.",
    detail="An empty value takes a label, the place or the title away. `thread list` shows the title in place of "
    "the task.",
    example="uwf thread set @last --label pr=42 --priority 5 --title 'the slow parser'",
    thread=THREAD,
    label=opt("--label", metavar="K=V", help="A label to find it by; may be repeated."),
    priority=opt("--priority", help="Higher goes first when threads wait for a slot."),
    place=opt(
        "--place",
        metavar="PLACE",
        help="Where it may run, of many machines: host:NAME or label:NAME.",
    ),
    title=opt("--title", metavar="TEXT", help="What it is called."),
)
def set_(
    ctx: Context,
    thread: str,
    *,
    label: tuple[str, ...] = (),
    priority: int | None = None,
    place: str | None = None,
    title: str | None = None,
) -> None:
    if not label and priority is None and place is None and title is None:
        raise InputError(
            "nothing is to be set: say --label, --priority, --place or --title",
            hint=f"uwf thread set {thread} --label repo=shop",
            code="usage",
        )
    labels = dict(label_pair(word, f"uwf thread set {thread} --label ") for word in label)
    name = None if title is None else text_arg(title).strip()
    answer(ctx, ctx.app.mark(thread, labels=labels, priority=priority, title=name, place=place))


@command(
    "thread fork",
    help="Begin a new thread that shares all history up to a step.",
    detail="What waits to be told to a thread is told to a fork of its head as well. Of a thread with a worktree the "
    "fork gets one of its own, with the files as they were after that step.",
    example="uwf thread fork @last~2 -p 'try it without the cache'",
    step=arg("A step, or a thread, which stands for its head.", metavar="STEP", complete="step"),
    prompt=opt("-p", "--prompt", metavar="TEXT", help="What a person adds to the next prompt."),
    cwd=opt(
        "--cwd",
        metavar="DIR",
        complete="folders",
        help="Where its agents work. [default: as in the thread it comes from]",
    ),
)
def fork(ctx: Context, step: str, *, prompt: str | None = None, cwd: str | None = None) -> None:
    made = ctx.app.fork(step, None if prompt is None else text_arg(prompt), cwd=cwd)
    thread, origin = made.thread, made.thread.forked_from
    assert origin is not None and origin.step is not None
    ctx.out.answer(
        {
            "thread": thread.thread,
            "forkedFrom": origin,
            "head": thread.head,
            "status": thread.status,
            **({} if thread.worktree is None else {"worktree": thread.worktree}),
        },
        ids=[thread.thread],
        draw=f"{thread.thread}  {thread.status}, forked from {origin.thread} with "
        + counted(thread.steps or 0, "step"),
    )
    if thread.worktree is not None:
        ctx.out.note(f"worktree {thread.worktree.path} on branch {thread.worktree.branch}")
    _note_carried(ctx, thread, made.carried)
    verb = "exec" if thread.status == "idle" or thread.told else "resume"
    ctx.out.hint(f"uwf thread {verb} {thread.thread}")


@command(
    "thread undo",
    help="Move a thread's head back to where it was before.",
    detail="A cancelled thread becomes what it was. Undoing again goes back further. The steps that were left stay "
    "in the store: see `uwf ref log`. What a "
    "step was told waits for the one that is next then. What was used stays spent. With --tree the files in its "
    "worktree go back as well; as they were before, a ref keeps them.",
    example="uwf thread undo @last",
    thread=THREAD,
    tree=opt("--tree", help="Put the files of its worktree back, too."),
)
def undo(ctx: Context, thread: str, *, tree: bool = False) -> None:
    done = ctx.app.undo(thread, files=tree)
    if done.thread.worktree is not None and not tree:
        ctx.out.note("the files in its worktree stay as they are; --tree puts them back")
    _note_carried(ctx, done.thread, done.carried)
    answer(ctx, done.thread)


def _note_carried(ctx: Context, thread: ThreadView, carried: tuple[str, ...]) -> None:
    """What was said before, which the next step of a thread will be told."""
    if carried:
        words = short("; ".join(carried), 200)
        who = thread.current_role or "its next step"
        ctx.out.note(f"{who} will be told what was added before: {words}")
