"""`uwf agent`: the agents of this home, and whether they can run."""

from __future__ import annotations

import shlex

from uwf.cli import exits
from uwf.cli.command import arg, command, opt
from uwf.cli.screen.cells import named_numbers, seconds, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import Trial
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
    never = exits.refusal("no_agent", None)
    ctx.out.error("no_agent", f"cannot be started: {names}{why}", "uwf agent list", **never)
    return exits.WRONG_STATE


@command(
    "agent try",
    help="Ask an agent one real prompt: whether it starts, answers in the form of a reply, and may write here.",
    detail="Nothing of it is stored, and what it costs counts in no budget. Exit 5 when it cannot start, 6 when it "
    "fails or its reply has no front matter.",
    example="uwf agent try mine --cwd .",
    name=arg("A configured agent, or a command line in quotes.", complete="agent"),
    cwd=opt("--cwd", metavar="DIR", complete="folders", help="Where it works. [default: here]"),
)
def try_(ctx: Context, name: str, *, cwd: str | None = None) -> int:
    from uwf.app.progress import Stop
    from uwf.cli.screen.live import Live, signals_to

    stop = Stop()
    with signals_to(stop), Live(ctx.out) as live:
        trial = ctx.app.agents.try_(name, cwd, stop, live.on_progress)
    ctx.out.answer(
        trial, ids=[trial.agent] if trial.fits else [], draw=lambda: ctx.out.fields(_tried(trial))
    )
    if trial.fits:
        if not trial.writes:
            ctx.out.warning(
                f"{trial.agent} has not written the file that it was told to, in {trial.cwd}"
            )
        return exits.DONE
    assert trial.error is not None, "it has failed"
    hint = None if trial.starts else f"uwf agent check {shlex.quote(name)}"
    more = {} if trial.starts else exits.refusal(trial.error.code, None)
    ctx.out.error(trial.error.code, trial.error.message, hint, **more)
    return exits.AGENT_FAILED if trial.starts else exits.WRONG_STATE


def _tried(trial: Trial) -> dict[str, str]:
    no = "no" if trial.error is None else f"no, {trial.error.code}"
    asked = f", asked {trial.asks} times" if trial.asks > 1 else ""
    return {
        "agent": trial.agent,
        "starts": "yes" if trial.starts else no,
        "answers": "yes" if trial.answers else no if trial.starts else "no",
        "fits": f"yes, as {trial.status}{asked}" if trial.fits else no if trial.answers else "no",
        "writes": f"{'yes' if trial.writes else 'no'}, in {trial.cwd}",
        "cost": named_numbers(trial.usage) or "not said",
        "took": f"{seconds(trial.duration_ms)} s",
        "said": short(trial.body, 200),
    }
