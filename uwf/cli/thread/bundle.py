"""`uwf thread export` and `import`: a thread, whole, in one file."""

from __future__ import annotations

import sys

from uwf.cli.command import THREAD, arg, command, opt
from uwf.cli.screen.work import Bar
from uwf.errors import InputError
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "thread export",
    help="Write a thread with all its history into one file.",
    example="uwf thread export @last -o thread.uwf",
    thread=THREAD,
    output=opt("-o", "--output", metavar="FILE", complete="files", help="- for stdout."),
    worktree=opt("--worktree", help="And the code in its worktree into FILE.git, a bundle of git."),
)
def export(ctx: Context, thread: str, *, output: str = "-", worktree: bool = False) -> None:
    id = ctx.app.thread_id(thread)
    if output == "-" and worktree:
        raise InputError(
            "a thread with its code is two files, and goes to no pipe",
            hint=f"uwf thread export {thread} --worktree -o thread.uwf",
            code="usage",
        )
    if output == "-":
        if ctx.json or ctx.quiet or ctx.out.on_terminal:
            raise InputError(
                "an export is bytes: it goes into a file",
                hint=f"uwf thread export {thread} -o thread.uwf",
                code="usage",
            )
        from io import BytesIO

        page = BytesIO()
        ctx.app.export(id, page)
        ctx.out.data(page.getvalue())
        return
    code = f"{output}.git" if worktree else None
    objects = ctx.app.export_to(id, output, code=code)
    if code is not None:
        ctx.out.note(f"its code is in {code}")
    ctx.out.answer(
        {"thread": id, "file": output, "objects": objects, **({"code": code} if code else {})},
        ids=[id],
        draw=f"{id}  {counted(objects, 'object')} in {output}",
    )


@command(
    "thread import",
    help="Take in a thread from a file that `thread export` wrote.",
    detail="Everything is checked before anything is written. A thread that is here already and differs is refused, "
    "and so is a file that would bring anything but threads. With --worktree what `thread export --worktree` wrote is "
    "taken into the repository that one is in: a clone of the one it comes from.",
    example="uwf thread import thread.uwf",
    file=arg("The file, or - for stdin.", metavar="FILE", complete="files"),
    cwd=opt(
        "--cwd",
        metavar="DIR",
        complete="folders",
        help="Where its agents work here. [default: the folder it had where it comes from]",
    ),
    worktree=opt(
        "--worktree", help="In a worktree of the repository here, with the code in FILE.git."
    ),
)
def import_(ctx: Context, file: str, *, cwd: str | None = None, worktree: bool = False) -> None:
    if file == "-" and worktree:
        raise InputError(
            "the code of a thread is in a file beside its own: name that",
            hint="uwf thread import FILE --worktree",
            code="usage",
        )
    code = f"{file}.git" if worktree else None
    if file == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise InputError("standard input is no export", hint="uwf thread import FILE")
        found = ctx.app.import_threads(
            sys.stdin.buffer, "standard input", cwd=cwd, on_work=Bar(ctx.out).on_work
        )
    else:
        try:
            stream = open(file, "rb")  # noqa: SIM115  # only opening it is guarded here
        except OSError as error:
            raise InputError(f"cannot read the file {file}: {error.strerror}") from None
        with stream:
            found = ctx.app.import_threads(
                stream, file, cwd=cwd, code=code, on_work=Bar(ctx.out).on_work
            )
    news = ["was here already" if each in found.known else "imported" for each in found.threads]
    ctx.out.answer(
        {"threads": found.threads, "objects": found.objects},
        ids=found.threads,
        draw="\n".join(f"{each}  {word}" for each, word in zip(found.threads, news, strict=True)),
    )
