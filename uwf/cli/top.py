"""`uwf top`: the home on one screen. Without a terminal, or without Textual, it is the list of threads."""

from __future__ import annotations

import sys

from uwf import config
from uwf.cli import index
from uwf.cli.command import command
from uwf.cli.screen import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context

INSTALL = "pip install 'uwf[top]'"


@command(
    "top",
    help="Show the home on one screen, with keys to act on it.",
    detail="What waits for you, what runs and what its agents say, what wakes, the queue, guards and costs; ? shows "
    "the keys. Needs Textual: pip install 'uwf[top]'. Without it, and where there is no terminal, it is `thread list`.",
    example="uwf top",
)
def top(ctx: Context) -> int | None:
    if ctx.json or ctx.quiet or not _has_screen():
        return index.load("thread list").function(ctx)
    try:
        import textual  # noqa: F401  # whether it is there
    except ImportError:
        ctx.out.note("a screen that keeps itself up to date needs Textual, which is not installed")
        ctx.out.hint(INSTALL)
        return index.load("thread list").function(ctx)
    from uwf.top import begin

    begin.run(ctx.app, is_plain=terminal.is_plain(sys.stdout))
    return None


def _has_screen() -> bool:
    """Whether a person sits there, at a terminal that can be drawn on."""
    is_drawn_on = terminal.is_terminal(sys.stdout) and not config.is_dumb_terminal()
    return is_drawn_on and terminal.is_attended()
