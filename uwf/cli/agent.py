"""`uwf agent`: the agents of this home, and whether they can run."""

from __future__ import annotations

from uwf import config as settings
from uwf.cli import exits, wiring
from uwf.cli.command import arg, command
from uwf.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.cli.context import Context


@command(
    "agent list",
    help="List the configured agents.",
    example="uwf agent list",
)
def list_(ctx: Context) -> None:
    rows = [_row(ctx, name) for name in sorted(ctx.config.agents)]
    ctx.out.answer(
        rows,
        ids=[row["name"] for row in rows],
        draw=lambda: (
            ctx.out.table(
                ("name", "kind", "default", "command"),
                [
                    [
                        row["name"],
                        row["kind"],
                        "yes" if row["default"] else "",
                        " ".join(row["command"]),
                    ]
                    for row in rows
                ],
                cut=("command",),
                spare=("kind",),
            )
            if rows
            else None
        ),
    )
    if not rows:
        ctx.out.hint("uwf config set agents.mine.command 'COMMAND'")


@command(
    "agent check",
    help="Say whether agents can be started: all configured ones, or one.",
    detail="The agent is not run. Exit 75 when one cannot be started.",
    example="uwf agent check mine",
    name=arg("A configured agent, or a command line in quotes.", complete="agent"),
)
def check(ctx: Context, name: str | None = None) -> int:
    from uwf.agent.kinds.command import available
    from uwf.engine.run.invocation import words_of

    names = sorted(ctx.config.agents) if name is None else [name]
    if not names:
        raise NotFound(
            "no agent is configured",
            hint="uwf config set agents.mine.command 'COMMAND'",
            code="no_agent",
        )
    path = settings.environment().get("PATH", "")
    rows: list[dict[str, Any]] = []
    for word in names:
        known = ctx.config.agents.get(word)
        argv = known.command if known else words_of(word)
        reason = available(argv, wiring.folder(None), path)
        rows.append({"name": word, "command": list(argv), "ok": reason is None, "reason": reason})
    ctx.out.answer(
        rows,
        ids=[row["name"] for row in rows if row["ok"]],
        draw=lambda: ctx.out.table(
            ("name", "can run", "why not"),
            [[row["name"], "yes" if row["ok"] else "no", row["reason"] or ""] for row in rows],
        ),
    )
    return exits.DONE if all(row["ok"] for row in rows) else exits.NOT_NOW


def _row(ctx: Context, name: str) -> dict[str, Any]:
    agent = ctx.config.agents[name]
    return {
        "name": name,
        "kind": agent.kind,
        "command": list(agent.command),
        "default": name == ctx.config.default_agent,
    }
