"""`uwf thread read`, `log` and `diff`: what has happened."""

from __future__ import annotations

from uwf.cli.command import HTML, NO_PAGER, THREAD, arg, command, opt
from uwf.errors import InputError, WorkspaceError
from uwf.jsontext import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import CodeDiff, Page
    from uwf.cli.context import Context


@command(
    "thread read",
    help="Read a thread as Markdown: its task and its steps.",
    detail="The newest steps are kept first within a quota. With --html it is one page that needs nothing else: the "
    "path taken, when its agents worked, what each role and model cost, and all its steps.",
    example="uwf thread read @last --html thread.html",
    times=True,
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
    typed = str if ctx.json else ctx.in_short
    page = ctx.app.read(thread, quota_chars=quota, before=before, when=ctx.when, typed=typed)
    answer_page(ctx, page, paged=not no_pager)


def _write_page(ctx: Context, thread: str, file: str, *, is_part: bool) -> None:
    if is_part:
        raise InputError(
            "a page has the whole thread: --quota and --before are for Markdown",
            hint=f"uwf thread read {thread} --html {file}",
            code="usage",
        )
    from uwf.cli import html_file
    from uwf.page import thread as pages

    id = ctx.app.thread_id(thread)
    text, typed = pages.page(ctx.app, id), f"uwf thread read {thread}"
    html_file.answer(ctx, file, text, {"thread": id}, [id], typed=typed)


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
                    ctx.times.sentence(move.why),
                    move.process,
                ]
                for move in moves
            ],
            cut=("why",),
            spare=("process", "version", "when"),
        ),
    )


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
