"""`uwf worktree`, and `uwf thread merge`: the git worktrees of threads, and their work brought in."""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import THREAD, command, opt
from uwf.cli.screen.cells import Cell
from uwf.display import numbers, states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import Removal
    from uwf.cli.context import Context


@command(
    "worktree list",
    help="List the worktrees: whose, their branches, their sizes.",
    example="uwf worktree list",
)
def list_(ctx: Context) -> None:
    found = ctx.app.worktrees.all()
    ids = ctx.named(row.thread for row in found)
    cells = [
        [
            ids[row.thread],
            Cell(row.status, states.of(row.status)) if row.status else "",
            row.state,
            row.branch or "",
            numbers.size(row.bytes),
            row.path,
        ]
        for row in found
    ]
    ctx.out.answer(
        found,
        ids=[row.thread for row in found],
        draw=lambda: ctx.out.table(
            ("thread", "status", "state", "branch", "size", "path"), cells, spare=("size", "path")
        ),
    )
    if not found:
        ctx.out.note("no thread has a worktree here")


@command(
    "worktree prune",
    help="Remove the worktrees of threads that have ended.",
    detail="Only where all that was changed is committed. What is nowhere else stays: each that is kept is named "
    "with the reason. Files that git ignores go. A "
    "snapshot and the branch stay in the repository, and a thread that goes on all the same gets its worktree again; a "
    "branch that uwf has made goes as well, once all of it is brought in. A daemon does this once a day.",
    example="uwf worktree prune --dry-run",
    dry_run=opt("--dry-run", help="Remove nothing, only say what would be."),
)
def prune(ctx: Context, *, dry_run: bool = False) -> int:
    found = list(ctx.app.worktrees.prune(dry_run=dry_run))
    ids = ctx.named(row.thread for row in found)
    ctx.out.answer(
        found,
        ids=[row.thread for row in found if row.removed],
        draw=lambda: ctx.out.table(
            ("thread", "", "why"),
            [[ids[row.thread], _done(row), row.why] for row in found],
            cut=("why",),
        ),
    )
    if not found:
        ctx.out.note("there is nothing to remove")
    return exits.DONE


def _done(row: Removal) -> str:
    return "removed" if row.removed else "would go" if row.would_go else "kept"


@command(
    "thread merge",
    help="Bring a thread's worktree into the branch it began at.",
    detail="One at a time in a repository, on the newest commit of that branch: what is not committed is committed, "
    "both are merged in the worktree, workspace.check runs there, and the branch moves on. A checkout that has the "
    "branch goes along if it has no changes. Of a conflict, and of a check that fails, the thread is told; a daemon, "
    "or `thread run --due`, lets it go on with that.",
    example="uwf thread merge @last",
    thread=THREAD,
    onto=opt("--onto", metavar="BRANCH", complete="branches", help="Into another branch."),
    wait=opt(
        "--wait",
        metavar="DURATION",
        low=0,
        is_time=True,
        help="Wait so long for other merges, and for a run of the thread.",
    ),
)
def merge(ctx: Context, thread: str, *, onto: str | None = None, wait: float = 0.0) -> None:
    done = ctx.app.merge(thread, onto=onto, wait_s=wait)
    how = "was in" if done.was_in else "is in"
    ctx.out.answer(
        done,
        ids=[done.commit],
        draw=f"{done.thread}  its work {how} {done.onto} at {done.commit[:12]}",
    )
    if done.checkout is not None:
        ctx.out.note(f"the checkout {done.checkout} went along")
    if done.removal is not None and done.removal.removed:
        ctx.out.note(f"its worktree is removed: {done.removal.path}")
    elif done.removal is not None:
        ctx.out.warning(f"its worktree is still there: {done.removal.why}")
