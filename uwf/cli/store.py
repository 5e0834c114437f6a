"""`uwf store`: the store as a whole."""

from __future__ import annotations

import os

from uwf.cli import exits
from uwf.cli.command import arg, command, opt
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "store verify",
    help="Check that everything the refs need is there and is what it was.",
    example="uwf store verify --deep",
    detail="Exit code 1 if anything is wrong; each missing or damaged object is named with the refs that need it.",
    deep=opt("--deep", help="Also hash what no ref needs, and examine the file."),
)
def verify(ctx: Context, *, deep: bool = False) -> int:
    from uwf.quantities import counted
    from uwf.store import check

    report = check.verify(ctx.store(), deep)
    lines = [
        f"{problem.kind}: {problem.detail}"
        + (f"; needed by {', '.join(problem.needed_by)}" if problem.needed_by else "")
        for problem in report.problems
    ]
    kind = "object" if deep else "reachable object"
    found = (
        f"{counted(report.objects, kind)} sound, {counted(report.refs, 'ref')}, "
        f"{counted(len(lines), 'problem')}"
    )
    ctx.out.answer(
        {
            "objects": report.objects,
            "refs": report.refs,
            "problems": [
                {
                    "kind": problem.kind,
                    "id": problem.id or None,
                    "neededBy": list(problem.needed_by),
                    "detail": problem.detail,
                }
                for problem in report.problems
            ],
        },
        ids=(problem.id for problem in report.problems if problem.id),
        draw="\n".join([*lines, found]),
    )
    return exits.FAULT if report.problems else exits.DONE


@command(
    "store gc",
    help="Remove the objects that nothing needs any more.",
    example="uwf store gc --dry-run",
    detail="Kept is what a ref reaches, what a ref reached within the grace period, and what was stored within it. "
    "Files that a killed uwf left unfinished in the home go, too, after an hour.",
    dry_run=opt("--dry-run", help="Only count them."),
    grace=opt("--grace", metavar="DURATION", help="How long what was given up is kept."),
)
def gc(ctx: Context, *, dry_run: bool = False, grace: str = "14d") -> None:
    from uwf.engine.upkeep import stale_files
    from uwf.quantities import counted, duration_s
    from uwf.store.gc import collect

    try:
        grace_ms = round(duration_s(grace) * 1000)
    except ValueError as error:
        raise InputError(f"--grace: {error}", hint="uwf store gc --grace 14d") from None
    report = collect(ctx.store(), grace_ms, dry_run)
    files = [path for path in stale_files.find(ctx.home) if dry_run or stale_files.remove(path)]
    verb = "would remove" if dry_run else "removed"
    unfinished = f", {verb} {counted(len(files), 'unfinished file')}" if files else ""
    ctx.out.answer(
        {
            "kept": report.kept,
            "removed": report.removed,
            "freedBytes": report.freed_bytes,
            "files": files,
            "dryRun": dry_run,
        },
        draw=f"{verb} {counted(report.removed, 'object')} ({report.freed_bytes} bytes), "
        f"kept {report.kept}, reachable or not older than {grace}{unfinished}",
    )


@command(
    "store backup",
    help="Write a consistent copy of the store to a new file, while others go on writing.",
    example="uwf store backup /backups/uwf.db",
    detail="To restore, move the damaged store file and the files beside it away and put the copy in its place.",
    file=arg("The file to make.", complete="files"),
)
def backup(ctx: Context, file: str) -> None:
    from uwf.store import backup as copying

    path = os.path.abspath(file)
    size_bytes = copying.backup(ctx.store(), path)
    ctx.out.answer(
        {"file": path, "bytes": size_bytes}, ids=[path], draw=f"{path}, {size_bytes} bytes"
    )


@command(
    "store stats",
    help="Print what the store holds and the room it takes.",
    example="uwf store stats",
)
def stats(ctx: Context) -> None:
    store = ctx.store()
    found = store.stats()
    document = {
        "path": store.path,
        "objects": found.objects,
        "bytes": found.size_bytes,
        "storedBytes": found.stored_bytes,
        "refs": found.refs,
        "moves": found.moves,
        "fileBytes": sum(map(_size, (store.path, f"{store.path}-wal"))),
    }
    shown = {name: str(value) for name, value in document.items()}
    ctx.out.answer(document, draw=lambda: ctx.out.fields(shown))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
