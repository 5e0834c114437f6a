"""`uwf thread read`, `log`, `wait` and `diff`: what happened, and waiting for more."""

from __future__ import annotations

from uwf import clock
from uwf.cli import exits
from uwf.cli.command import HTML, NO_PAGER, THREAD, arg, command, opt
from uwf.cli.thread.page import kept_reply
from uwf.cli.thread.selection import DRY_RUN, LABEL, THREADS, WHERE, Chosen
from uwf.cli.thread.show import print_thread
from uwf.errors import CROWDED_MS, InputError, WorkspaceError, refusal
from uwf.jsontext import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import CodeDiff, Page, ThreadView
    from uwf.cli.context import Context


@command(
    "thread read",
    help="Read a thread as Markdown: its task and its steps.",
    detail="The newest steps are kept first within a quota. With --html it is one page that needs nothing else: the "
    "path taken, when its agents worked, what each role and model cost, and all its steps.",
    example="uwf thread read @last --html thread.html",
    thread=THREAD,
    quota=opt("--quota", metavar="CHARS", low=1, help="About how much. [config: read.chars]"),
    before=opt("--before", metavar="N", low=1, help="Only steps before this one."),
    html=HTML,
    no_pager=NO_PAGER,
)
def read(
    ctx: Context,
    thread: str,
    *,
    quota: int | None = None,
    before: int | None = None,
    html: str | None = None,
    no_pager: bool = False,
) -> None:
    if html is not None:
        _write_page(ctx, thread, html, is_part=quota is not None or before is not None)
        return
    page = ctx.app.read(thread, quota_chars=quota, before=before)
    answer_page(ctx, page, paged=not no_pager)


def _write_page(ctx: Context, thread: str, file: str, *, is_part: bool) -> None:
    if is_part:
        raise InputError(
            "a page has the whole thread: --quota and --before are for Markdown",
            hint=f"uwf thread read {thread} --html {file}",
            code="usage",
        )
    from uwf.cli import page
    from uwf.page import thread as pages

    id = ctx.app.thread_id(thread)
    text, typed = pages.page(ctx.app, id), f"uwf thread read {thread}"
    page.answer(ctx, file, text, {"thread": id}, [id], typed=typed)


def answer_page(ctx: Context, page: Page, *, paged: bool) -> None:
    """Print a thread, a step or an attempt as Markdown."""
    text = page.markdown
    ctx.out.answer(
        {page.kind: page.id, "markdown": text},
        ids=[page.id],
        draw=lambda: ctx.out.markdown(text),
        paged=paged,
    )


@command(
    "thread log",
    help="Show every move of a thread: what changed, when and why.",
    example="uwf thread log @last",
    times=True,
    thread=THREAD,
)
def log(ctx: Context, thread: str) -> None:
    moves = ctx.app.moves(thread)
    ctx.out.answer(
        moves,
        ids=[move.new for move in moves if move.new],
        draw=lambda: ctx.out.table(
            ("version", "when", "status", "head", "why", "process"),
            [
                [
                    str(move.version),
                    ctx.times.moment(move.at),
                    move.status or "",
                    (move.new or "")[:12],
                    move.why,
                    move.process,
                ]
                for move in moves
            ],
            cut=("why",),
            spare=("process", "version", "when"),
        ),
    )


@command(
    "thread wait",
    help="Wait until nobody runs a thread any more, then show it.",
    detail="The exit code is that of the run: 0, 3 where it waits for a person, 6 where its agent failed; 5 where it "
    "is cancelled, or has ended otherwise than --until says; 75 where time alone cures it, or the time is up. Of "
    "several threads, each is told as soon as it is there, and the exit code is that of the one that needs the most. "
    "--where chooses among those that have not ended.",
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
        again = f"uwf thread exec {id} --wait 2h"
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


@command(
    "thread diff",
    help="Compare two threads, or what one has changed.",
    detail="The steps they share, where they part, and the files in their worktrees. Of one thread alone: what it "
    "has changed in its worktree since it began, up to its last step.",
    example="uwf thread diff 9YK4 @last",
    one=arg("A thread.", metavar="THREAD", complete="thread"),
    other=arg("The thread to compare it with.", metavar="THREAD", complete="thread"),
    no_pager=NO_PAGER,
)
def diff(ctx: Context, one: str, other: str | None = None, *, no_pager: bool = False) -> None:
    code = _code(ctx, one, other)
    if other is None:
        if code is None:
            raise InputError(
                "a thread without a worktree is compared with another one",
                hint=f"uwf thread diff {one} THREAD",
                code="usage",
            )
        ctx.out.answer(
            code,
            ids=[code.commit],
            draw=lambda: ctx.out.diff(code.text),
            paged=not no_pager,
        )
        return
    found = ctx.app.compare(one, other)
    more = "" if code is None or not code.text else f"\n\n{code.text}"
    ctx.out.answer(
        {**document(found), **({} if code is None else {"code": code.text})},
        ids=[step.step for step in (*found.left.steps, *found.right.steps)],
        draw=lambda: ctx.out.diff(ctx.app.comparison_text(found) + more),
        paged=not no_pager,
    )


def _code(ctx: Context, one: str, other: str | None) -> CodeDiff | None:
    """What differs in the worktrees. Where git cannot say it, the steps are compared all the same."""
    try:
        return ctx.app.code_diff(one, other)
    except WorkspaceError as error:
        if other is None:
            raise
        ctx.out.warning(error.message)
        return None
