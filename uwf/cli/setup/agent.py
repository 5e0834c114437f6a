"""`uwf agent`: the agents of this home, and whether they can run."""

from __future__ import annotations

import shlex

from uwf.cli import exits
from uwf.cli.command import arg, command, opt
from uwf.cli.screen.cells import short
from uwf.display import numbers
from uwf.display.times import duration
from uwf.errors import refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.app.values import AgentCheck, FoundClient, Trial
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
    "agent detect",
    help="Look on PATH for clients that can be agents.",
    detail="They are proposed as config. None of them is run. At a terminal it asks whether to write that; --write "
    "writes it unasked. An agent that "
    "is configured is left as it is. Exit 5 when there is none on PATH.",
    example="uwf agent detect --write",
    write=opt("--write", help="Write what is proposed into the config."),
)
def detect(ctx: Context, *, write: bool = False) -> int:
    from uwf.cli.screen import asking

    found = ctx.app.agents.detect()
    new = [client for client in found if not client.agents and client.reason is None]
    if not ctx.json and not ctx.quiet and found:
        ctx.out.table(
            ("client", "agent", "kind", "where"),
            [[row.title, _agent_of(row), row.kind, row.path] for row in found],
            cut=("where",),
        )
    if new and not write and asking.may_ask(ctx.out):
        ctx.out.text("\n" + _proposed(new) + "\n")
        write = asking.is_yes(f"write this to {ctx.app.config_path}?")
    elif new and not write and not (ctx.json or ctx.quiet):
        ctx.out.text("\n" + _proposed(new))
    written = ctx.app.agents.add(new) if write else {}
    ctx.out.answer(
        {"found": found, "written": written}, ids=[row.name for row in new], draw=lambda: None
    )
    for key, text in written.items():
        ctx.out.note(f"{key} = {text}")
    for row in found:
        if row.reason is not None and not row.agents:
            ctx.out.warning(f"{row.title}: {row.reason}")
    if not found:
        names = ", ".join(ctx.app.agents.known_clients())
        ctx.out.error(
            "no_client",
            f"none of these is on PATH: {names}",
            "uwf config set agents.mine.command 'COMMAND'",
            **refusal("no_agent", None),
        )
        return exits.WRONG_STATE
    if new and not written:
        ctx.out.hint("uwf agent detect --write")
    return exits.DONE


@command(
    "agent check",
    help="Say whether agents can start, and who is logged in.",
    detail="All configured ones or one, with their versions. No prompt is sent; a plain command is not run at all. "
    "Warns of | and $X, which only a shell understands. "
    "Exit 5 when one cannot start.",
    example="uwf agent check mine",
    name=arg("A configured agent, or a command line in quotes.", complete="agent"),
)
def check(ctx: Context, name: str | None = None) -> int:
    rows = ctx.app.agents.check(name)
    ctx.out.answer(
        rows,
        ids=[row.name for row in rows if row.ok],
        draw=lambda: ctx.out.table(
            ("name", "can run", "version", "logged in", "model", "why not"),
            [
                [
                    row.name,
                    "yes" if row.ok else "no",
                    row.version or "",
                    _login(row),
                    row.model or "",
                    row.reason or row.problem or "",
                ]
                for row in rows
            ],
            spare=("model", "version"),
        ),
    )
    bad = [row for row in rows if not row.ok]
    if not bad:
        return exits.DONE
    names = ", ".join(row.name for row in bad)
    why = f": {bad[0].reason}" if len(bad) == 1 else ""
    never = refusal("no_agent", None)
    ctx.out.error("no_agent", f"cannot be started: {names}{why}", "uwf agent list", **never)
    return exits.WRONG_STATE


@command(
    "agent try",
    help="Ask an agent one real prompt, and say what came of it.",
    detail="Whether it starts, answers in the form of a reply, and what it may write. It is told to write a file "
    "here and one in a temporary folder, with the permissions that are set for it; "
    "both are removed. Nothing of it is stored, and what it costs counts in no budget. Exit 5 when it cannot start, 6 "
    "when it fails or its reply has no front matter.",
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
    more = {} if trial.starts else refusal(trial.error.code, None)
    ctx.out.error(trial.error.code, trial.error.message, hint, **more)
    return exits.AGENT_FAILED if trial.starts else exits.WRONG_STATE


def _agent_of(client: FoundClient) -> str:
    return ", ".join(client.agents) or f"{client.name} (new)"


def _login(row: AgentCheck) -> str:
    word = {True: "yes", False: "no", None: ""}[row.is_logged_in]
    return f"{word}, {row.login}" if word and row.login else word or row.login or ""


def _proposed(clients: Sequence[FoundClient]) -> str:
    """The tables that would be written."""
    tables = []
    for client in clients:
        lines = [f'{key} = "{text}"' for key, text in client.settings.items()]
        tables.append("\n".join([f"[agents.{client.name}]", *lines]))
    return "\n\n".join(tables)


def _tried(trial: Trial) -> dict[str, str]:
    no = "no" if trial.error is None else f"no, {trial.error.code}"
    asked = f", asked {trial.asks} times" if trial.asks > 1 else ""
    return {
        "agent": trial.agent,
        "starts": "yes" if trial.starts else no,
        "answers": "yes" if trial.answers else no if trial.starts else "no",
        "fits": f"yes, as {trial.status}{asked}" if trial.fits else no if trial.answers else "no",
        "writes": f"{'yes' if trial.writes else 'no'}, in {trial.cwd}; "
        f"{'yes' if trial.writes_elsewhere else 'no'}, in a temporary folder",
        **({"denied": "; ".join(short(tool, 60) for tool in trial.denied)} if trial.denied else {}),
        **({"model": trial.model} if trial.model else {}),
        "cost": numbers.amounts(trial.usage) or "not said",
        "took": duration(trial.duration_ms),
        "said": short(trial.body, 200),
    }
