"""`uwf migrate`: bring an older store up to today's layout."""

from __future__ import annotations

from uwf.cli.command import command, opt
from uwf.cli.screen.work import Bar
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "migrate history",
    help="Move completed threads to where all threads are, once.",
    detail="One transaction. A thread that is in both places keeps its newer entry; the older one is "
    "reported and stays where it is; so is what has the name of no thread. A thread of the older layout without a "
    "status becomes idle or suspended.",
    example="uwf migrate history --dry-run",
    dry_run=opt("--dry-run", help="Only say what would be moved."),
)
def history(ctx: Context, *, dry_run: bool = False) -> None:
    report = ctx.app.upkeep.migrate_history(dry_run=dry_run, on_work=Bar(ctx.out).on_work)
    document = {
        "moved": report.moved,
        "skipped": report.skipped,
        "conflicts": report.conflicts,
        "dryRun": dry_run,
    }
    if report.unnamed:
        document["unnamed"] = report.unnamed
    if report.stated:
        document["stated"] = report.stated
    would = "would have " if dry_run else ""
    lines = [f"{'would move' if dry_run else 'moved'} {report.moved}, skipped {report.skipped}"]
    if report.stated:
        lines.append(f"{counted(report.stated, 'thread')} without a status {would}got one")
    lines += [
        f"skipped: {name} has the name of no thread, and stays there" for name in report.unnamed
    ]
    lines += [
        f"conflict: thread {clash.thread} keeps {clash.kept[:12]}; "
        f"the older entry {clash.dropped[:12]} stays at {clash.ref}"
        for clash in report.conflicts
    ]
    ctx.out.answer(document, draw="\n".join(lines))
    if report.conflicts:
        ctx.out.hint(f"uwf ref delete {report.conflicts[0].ref}")
