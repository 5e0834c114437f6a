"""`uwf doctor`: what is wrong with a home, and putting it right."""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import command, opt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import Finding
    from uwf.cli.context import Context


@command(
    "doctor",
    help="Look for what is wrong with a home; --repair mends it.",
    detail="What dead processes left behind (attempts, agent processes, entries in the queue, files), replies that "
    "could not be stored, counters and objects that cannot be read, the disk, the WAL, the configuration, agents that "
    "fail, jumps of the clock, clocks that are not that of a shared store. A daemon makes the same checks all the "
    "time. Objects are read some at a time. Exit 1 when something is found and not put right, but for notes, which "
    "heal by themselves. A counter that is removed counts from nothing, and a switch is off then. Where the "
    "configuration is not valid, the checks that need none are made all the same.",
    example="uwf doctor --repair",
    repair=opt(
        "--repair",
        help="End the processes, keep the attempts, take in the replies, free the slots, remove the files and the "
        "counters, and look again. Each repair is in the log.",
    ),
    only=opt("--only", metavar="NAME", help="Only this check: attempt, store, disk, ..."),
)
def doctor(ctx: Context, *, repair: bool = False, only: tuple[str, ...] = ()) -> int:
    findings = ctx.app.health.examine(only, repair=repair)
    ctx.out.answer(
        findings,
        ids=[one.thread for one in findings if one.thread],
        draw=lambda: ctx.out.table(
            ("check", "thread", "repaired", "what"),
            [
                [one.kind, ctx.in_short(one.thread or ""), _repaired(one), ctx.in_short(one.what)]
                for one in findings
            ],
        ),
    )
    if not findings:
        ctx.out.note("nothing is wrong")
        return exits.DONE
    left = [one for one in findings if not (one.repaired or one.is_note)]
    for hint in dict.fromkeys(one.hint or "uwf doctor --repair" for one in left):
        ctx.out.hint(hint)
    return exits.FAULT if left else exits.DONE


def _repaired(one: Finding) -> str:
    return "yes" if one.repaired else "note" if one.is_note else "no"
