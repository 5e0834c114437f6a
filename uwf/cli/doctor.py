"""`uwf doctor`: what dead processes left behind, what cannot be read any more, and putting it right."""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import command, opt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "doctor",
    help="Look for what dead processes left behind: attempts, agent processes, entries in the queue, files; for "
    "replies that could not be stored; and for counters that cannot be read.",
    detail="Exit 1 when something is found and not put right. A counter that is removed counts from "
    "nothing, and a switch is off then.",
    example="uwf doctor --repair",
    repair=opt(
        "--repair",
        help="End the processes, keep the attempts, take in the replies, free the slots, remove the files and the "
        "counters.",
    ),
)
def doctor(ctx: Context, *, repair: bool = False) -> int:
    findings = ctx.app.upkeep.doctor(repair=repair)
    ctx.out.answer(
        findings,
        ids=[one.thread for one in findings if one.thread],
        draw=lambda: ctx.out.table(
            ("thread", "repaired", "what"),
            [[one.thread or "", "yes" if one.repaired else "no", one.what] for one in findings],
        ),
    )
    if not findings:
        ctx.out.note("nothing is left behind")
        return exits.DONE
    if all(one.repaired for one in findings):
        return exits.DONE
    for hint in dict.fromkeys(
        one.hint or "uwf doctor --repair" for one in findings if not one.repaired
    ):
        ctx.out.hint(hint)
    return exits.FAULT
