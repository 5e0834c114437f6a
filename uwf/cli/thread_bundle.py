"""`uwf thread export` and `import`: a thread, whole, in one file."""

from __future__ import annotations

import sys

from uwf import clock
from uwf.cli import wiring
from uwf.cli.command import arg, command, opt
from uwf.engine.chain.tags import ATTEMPTS, STATUSES, THREADS
from uwf.errors import InputError
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    from uwf.cli.context import Context
    from uwf.store.bundle import Contents
    from uwf.store.protocols import Store


@command(
    "thread export",
    help="Write a thread with all its history into one file.",
    example="uwf thread export @last -o thread.uwf",
    thread=arg("A ULID, 4+ characters of it, or @last.", complete="thread"),
    output=opt("-o", "--output", metavar="FILE", complete="files", help="- for stdout."),
)
def export(ctx: Context, thread: str, *, output: str = "-") -> None:
    from io import BytesIO

    from uwf.engine.chain.attempt import read_attempt
    from uwf.store import bundle

    ref = wiring.thread_ref(ctx, thread)
    store = ctx.store()
    id = ref.name.removeprefix(THREADS)
    attempt = read_attempt(store, id)
    names = [ref.name]
    if attempt is not None and attempt.running is None:
        names.append(ATTEMPTS + id)
    if output == "-":
        if ctx.json or ctx.quiet or ctx.out.on_terminal:
            raise InputError(
                "an export is bytes: it goes into a file",
                hint=f"uwf thread export {thread} -o thread.uwf",
                code="usage",
            )
        page = BytesIO()
        bundle.export_bundle(store, names, page)
        ctx.out.data(page.getvalue())
        return
    contents = _write_new(store, names, output, id)
    ctx.out.answer(
        {"thread": id, "file": output, "objects": contents.objects},
        ids=[id],
        draw=f"{id}  {counted(contents.objects, 'object')} in {output}",
    )


def _write_new(store: Store, names: list[str], path: str, thread: str) -> Contents:
    """Export into a new file that appears whole or not at all."""
    from uwf.store import bundle, files

    draft = files.start_new(path)
    try:
        with open(draft, "wb") as file:
            contents = bundle.export_bundle(store, names, file)
    except BaseException:
        files.discard(draft)
        raise
    if not files.publish_new(draft, path):
        raise InputError(
            f"{path} is there already",
            hint=f"uwf thread export {thread} -o {files.another_name(path)}",
        )
    return contents


@command(
    "thread import",
    help="Take in a thread from a file that `thread export` wrote.",
    detail="Everything is checked before anything is written. A thread that is here already and differs is refused, "
    "and so is a file that would bring anything but threads.",
    example="uwf thread import thread.uwf",
    file=arg("The file, or - for stdin.", metavar="FILE", complete="files"),
)
def import_(ctx: Context, file: str) -> None:
    store = ctx.store(create=True)
    if file == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise InputError("standard input is no export", hint="uwf thread import FILE")
        contents = _import(store, sys.stdin.buffer, "standard input", ctx.home)
    else:
        try:
            stream = open(file, "rb")  # noqa: SIM115  # only opening it is guarded here
        except OSError as error:
            raise InputError(f"cannot read the file {file}: {error.strerror}") from None
        with stream:
            contents = _import(store, stream, file, ctx.home)
    names = [name for name in contents.refs if name.startswith(THREADS)]
    threads = [name.removeprefix(THREADS) for name in names]
    news = ["was here already" if name in contents.known else "imported" for name in names]
    ctx.out.answer(
        {"threads": threads, "objects": contents.objects},
        ids=threads,
        draw="\n".join(f"{thread}  {word}" for thread, word in zip(threads, news, strict=True)),
    )


def _import(store: Store, stream: IO[bytes], name: str, home: str) -> Contents:
    """The bundle in `stream`, which a person calls `name`."""
    from uwf.store import bundle

    try:
        return bundle.import_bundle(store, stream, allow=_only_threads, folder=home)
    except InputError as error:
        if error.code != "bad_bundle":
            raise
        message = f"cannot import {name}: {error.message}"
        raise InputError(
            message, hint="uwf thread export THREAD -o FILE", code=error.code
        ) from None


def _only_threads(refs: Mapping[str, Mapping[str, str]]) -> None:
    """Raise `InputError` for a ref that is no thread, nor the try of one that comes along.

    A name from a stranger must not become a workflow's, or anything else that is asked for by its name.
    """
    for name, tags in refs.items():
        prefix = ATTEMPTS if name.startswith(ATTEMPTS) else THREADS
        id = name.removeprefix(prefix)
        if not name.startswith(prefix):
            why = "which is no thread"
        elif not clock.is_ulid(id):
            why = "whose id no thread can have"
        elif prefix == ATTEMPTS and THREADS + id not in refs:
            why = "but not its thread"
        elif prefix == THREADS and tags.get("status") not in STATUSES:
            why = f"with the status {tags.get('status', '')!r:.80}, which no thread can have"
        else:
            continue
        raise InputError(f"it brings {name}, {why}", code="bad_bundle")
