"""`uwf thread tell`."""

from __future__ import annotations

from uwf.cli.command import THREAD, arg, command, opt
from uwf.cli.line.arguments import text_arg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "thread tell",
    help="Leave words for a thread's next step; nothing runs.",
    detail="At any time, also while it runs. One step reads all that waits, oldest first; `thread show` has it until "
    "then. A suspended or completed thread that was told something goes on with `thread exec`.",
    example="uwf thread tell @last 'dates are in ISO form' --from 'the product owner'",
    thread=THREAD,
    text=arg("What is said; @FILE or - (stdin) to read it."),
    from_=opt("--from", metavar="WHO", help="Who says it. [default: a person]"),
)
def tell(ctx: Context, thread: str, text: str, *, from_: str | None = None) -> None:
    told = ctx.app.tell(thread, text_arg(text), who=from_)
    ctx.out.answer(
        told, ids=[told.word], draw=f"{told.word[:12]}  told {told.thread}, {told.status}"
    )
    if told.status != "running":
        ctx.out.hint(f"uwf thread exec {told.thread}  # whose next step reads it")
