"""`uwf migrate`: bring an older store up to today's layout."""

from __future__ import annotations

from uwf.cli.command import command, opt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "migrate history",
    help="Move completed threads from the older place to where all threads are, once.",
    detail="One transaction. A thread that is in both places keeps its newer entry; the older one is "
    "reported and stays where it is.",
    example="uwf migrate history --dry-run",
    dry_run=opt("--dry-run", help="Only say what would be moved."),
)
def history(ctx: Context, *, dry_run: bool = False) -> None:
    from uwf.engine.upkeep import migrate as old

    report = old.migrate(ctx.reader(), dry_run=dry_run)
    conflicts = [
        {"thread": clash.thread, "kept": clash.kept, "dropped": clash.dropped}
        for clash in report.conflicts
    ]
    document = {
        "moved": report.moved,
        "skipped": report.skipped,
        "conflicts": conflicts,
        "dryRun": dry_run,
    }
    lines = [f"{'would move' if dry_run else 'moved'} {report.moved}, skipped {report.skipped}"]
    lines += [
        f"conflict: thread {clash['thread']} keeps {clash['kept'][:12]}; "
        f"the older entry {clash['dropped'][:12]} stays at {old.HISTORY}{clash['thread']}"
        for clash in conflicts
    ]
    ctx.out.answer(document, draw="\n".join(lines))
    if conflicts:
        ctx.out.hint(f"uwf ref delete {old.HISTORY}{conflicts[0]['thread']}")
