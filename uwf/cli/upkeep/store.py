"""`uwf store`: the store as a whole."""

from __future__ import annotations

import os

from uwf.cli import exits
from uwf.cli.command import arg, command, opt
from uwf.cli.screen.work import Bar
from uwf.display import numbers, times
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "store verify",
    help="Check that all the refs need is there and unchanged.",
    example="uwf store verify --deep",
    detail="Exit code 1 if anything is wrong; each missing or damaged object is named with the refs that need it.",
    deep=opt("--deep", help="Also hash what no ref needs, and examine the file."),
)
def verify(ctx: Context, *, deep: bool = False) -> int:
    from uwf.quantities import counted

    report = ctx.app.upkeep.verify(deep=deep, on_work=Bar(ctx.out).on_work)
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
    "Files that a killed uwf left unfinished in the home go, too, after an hour, events after 8 days, the log and what "
    "runs have printed as [keep] says. A daemon does this each day at keep.collect_at.",
    dry_run=opt("--dry-run", help="Only count them."),
    grace=opt(
        "--grace",
        metavar="DURATION",
        help="How long what was given up is kept. [config: keep.garbage]",
    ),
)
def gc(ctx: Context, *, dry_run: bool = False, grace: str | None = None) -> None:
    from uwf.quantities import TIME, counted, duration_s, written

    try:
        grace_s = ctx.app.config.keep.garbage_s if grace is None else duration_s(grace)
    except ValueError as error:
        raise InputError(f"--grace: {error}", hint="uwf store gc --grace 14d") from None
    report = ctx.app.upkeep.gc(grace_s, dry_run=dry_run, on_work=Bar(ctx.out).on_work)
    verb = "would remove" if dry_run else "removed"
    events = f", {verb} {counted(report.events, 'event')}" if report.events else ""
    files = f", {verb} {counted(len(report.files), 'unfinished file')}" if report.files else ""
    logs = f", {verb} {counted(len(report.logs), 'log')}" if report.logs else ""
    ctx.out.answer(
        report,
        draw=f"{verb} {counted(report.removed, 'object')} ({numbers.size(report.freed_bytes)}), "
        f"kept {report.kept}, reachable or not older than {written(TIME, grace_s)}{files}{events}{logs}",
    )


@command(
    "store backup",
    help="Write a copy of the store, while others go on writing.",
    example="uwf store backup /backups/uwf.db",
    detail="Without a file, the backup that a daemon makes each day: in the folder of backups, verified, and those "
    "that are older than backup.keep_daily days and backup.keep_weekly weeks go. uwf store restore puts one back.",
    file=arg("The file to make.", complete="files"),
)
def backup(ctx: Context, file: str | None = None) -> None:
    from uwf.quantities import counted

    if file is None:
        made = ctx.app.backups.make(Bar(ctx.out).on_work)
        ctx.out.answer(
            made, ids=[made.file], draw=f"{made.file}, {numbers.size(made.bytes)}, verified"
        )
        if made.removed:
            ctx.out.note(f"removed {counted(len(made.removed), 'older backup')}")
        return
    path = os.path.abspath(file)
    size_bytes = ctx.app.upkeep.backup(path, Bar(ctx.out).on_work)
    ctx.out.answer(
        {"file": path, "bytes": size_bytes}, ids=[path], draw=f"{path}, {numbers.size(size_bytes)}"
    )


@command(
    "store drill",
    help="Restore the newest backup elsewhere, and make a step there.",
    example="uwf store drill",
    detail="All of the backup is verified; a stand-in replies in place of the agent. Nothing of this home changes but "
    "the note of what came of it. A daemon does this every week (backup.drill_every).",
)
def drill(ctx: Context) -> None:
    done = ctx.app.backups.drill(Bar(ctx.out).on_work)
    went_on = f"thread {done.thread} made a step" if done.thread else "it has no thread to go on"
    ctx.out.answer(
        done,
        ids=[done.file],
        draw=f"{done.file} can be restored: {went_on}, after {times.duration(done.duration_ms)}",
    )


@command(
    "store restore",
    help="Put a backup in the place of the store.",
    example="uwf store restore /backups/uwf.db",
    detail="It is checked whole before anything is touched. Refused while a process has the store open. What it "
    "replaces is kept in a folder of its own, which is named.",
    file=arg("The backup.", complete="files"),
)
def restore(ctx: Context, file: str) -> None:
    from uwf.quantities import counted

    done = ctx.app.upkeep.restore(os.path.abspath(file), Bar(ctx.out).on_work)
    ctx.out.answer(
        done,
        ids=[done.file],
        draw=f"{done.file} is the store now: {counted(done.refs, 'ref')}, {counted(done.objects, 'object')}",
    )
    if done.replaced is not None:
        ctx.out.note(f"what was there before is kept in {done.replaced}")
    ctx.out.hint("uwf thread list --all")


@command(
    "store migrate",
    help="Make or update the tables of a store in PostgreSQL.",
    example="uwf store migrate postgresql://uwf@db.example/uwf",
    detail="Once for a database, and again after an upgrade of uwf: what is there stays. All or nothing; may be "
    "repeated. Runs of an earlier uwf may go on reading, and say that they cannot write; workers of it drain.",
    place=arg("The address of the database. Without it, that of this home.", metavar="ADDRESS"),
)
def migrate(ctx: Context, place: str | None = None) -> None:
    done = ctx.app.upkeep.migrate_store(place)
    if done.before == done.after:
        said = f"{done.place} is up to date: schema {done.after}"
    elif done.before:
        said = f"{done.place} had schema {done.before} and has {done.after} now"
    else:
        said = f"{done.place} is a store now: schema {done.after}"
    ctx.out.answer(done, ids=[done.place], draw=said)
    for each in done.outdated:
        ctx.out.warning(
            f"worker {each.worker} on {each.host} is of uwf {each.version}, which cannot write to it any more: "
            "it takes nothing more, and ends; what its runs were replied is kept there"
        )
    if done.outdated:
        ctx.out.hint("pip install --upgrade 'uwf[postgres]'  # there, then begin it again")


@command(
    "store copy",
    help="Copy all of a store into an empty one.",
    example="uwf store copy ~/.uwf /disk/uwf",
    detail="Objects, refs with their log, counters, events: id for id, checked at the end. Each is a home, a file, or "
    "postgresql://USER@HOST/DATABASE, which uwf store migrate has prepared. Refused while a thread of either runs, so "
    "uwf daemon stop comes first. Killed, it goes on where it was when it is begun again. What is copied stays as it "
    "is.",
    source=arg("The store to copy.", metavar="FROM", complete="files"),
    target=arg("Where to.", metavar="TO", complete="files"),
)
def copy(ctx: Context, source: str, target: str) -> None:
    from uwf.quantities import counted

    done = ctx.app.upkeep.copy(source, target, Bar(ctx.out).on_work)
    ctx.out.answer(
        done,
        ids=[done.place],
        draw=f"{done.place} has all of it: {counted(done.objects, 'object')} ({done.new} new), "
        f"{counted(done.refs, 'ref')}, {counted(done.moves, 'move')}",
    )


@command(
    "store stats",
    help="Print what the store holds and the room it takes.",
    example="uwf store stats",
)
def stats(ctx: Context) -> None:
    found = ctx.app.upkeep.stats()
    shown = {
        "path": found.path,
        "objects": f"{found.objects}, {numbers.size(found.bytes)} ({numbers.size(found.stored_bytes)} as stored)",
        "refs": str(found.refs),
        "moves": str(found.moves),
        "entries": str(found.entries),
        "file" if ctx.app.has_store_file else "database": numbers.size(found.file_bytes),
    }
    ctx.out.answer(found, draw=lambda: ctx.out.fields(shown))
