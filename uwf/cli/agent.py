"""`uwf agent`: the agents of this home, and whether they can run."""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import arg, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "agent list",
    help="List the configured agents.",
    example="uwf agent list",
)
def list_(ctx: Context) -> None:
    rows = ctx.app.agents.all()
    ctx.out.answer(
        rows,
        ids=[row.name for row in rows],
        draw=lambda: ctx.out.table(
            ("name", "kind", "default", "command"),
            [
                [row.name, row.kind, "yes" if row.default else "", " ".join(row.command)]
                for row in rows
            ],
            cut=("command",),
            spare=("kind",),
        ),
    )
    if not rows:
        ctx.out.hint("uwf config set agents.mine.command 'COMMAND'")


@command(
    "agent check",
    help="Say whether agents can be started: all configured ones, or one.",
    detail="The agent is not run. Warns of | and $X, which only a shell understands. Exit 5 when one cannot start.",
    example="uwf agent check mine",
    name=arg("A configured agent, or a command line in quotes.", complete="agent"),
)
def check(ctx: Context, name: str | None = None) -> int:
    rows = ctx.app.agents.check(name)
    ctx.out.answer(
        rows,
        ids=[row.name for row in rows if row.ok],
        draw=lambda: ctx.out.table(
            ("name", "can run", "why not"),
            [[row.name, "yes" if row.ok else "no", row.reason or ""] for row in rows],
        ),
    )
    bad = [row for row in rows if not row.ok]
    if not bad:
        return exits.DONE
    names = ", ".join(row.name for row in bad)
    why = f": {bad[0].reason}" if len(bad) == 1 else ""
    ctx.out.error("no_agent", f"cannot be started: {names}{why}", "uwf agent list")
    return exits.WRONG_STATE
