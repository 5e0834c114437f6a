"""`uwf source`: where events come from that are asked for, and whether they do."""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import arg, command
from uwf.errors import refusal
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import SourceView
    from uwf.cli.context import Context

NAME = arg("A source of the configuration.", metavar="NAME", complete="source")


@command(
    "source list",
    help="List the sources of events: when each was asked, its errors.",
    detail="Sources stand in the configuration as [[sources]]. Any program may also put an event into the folder "
    "events/ of the home, as a file of JSON that it renames to NAME.json.",
    example="uwf source list",
    times=True,
)
def list_(ctx: Context) -> None:
    from uwf.daemon.intake import spool

    rows = ctx.app.sources.all()
    columns = ("source", "kind", "state", "of", "last asked", "last event", "error")
    cells = [
        [
            row.source,
            row.kind,
            row.state,
            row.of,
            ctx.times.moment(row.polled),
            ctx.times.moment(row.seen),
            row.error or _watch(row),
        ]
        for row in rows
    ]
    ctx.out.answer(
        rows,
        ids=[row.source for row in rows],
        draw=lambda: ctx.out.table(
            columns, cells, cut=("error", "of"), spare=("kind", "last asked")
        ),
    )
    if not rows:
        ctx.out.note("no source is configured")
        ctx.out.hint(f"${{EDITOR:-vi}} {ctx.app.config_path}")
    for row in rows:
        if row.aged:
            ctx.out.note(
                f"{row.source} asks about these no more, quiet for 14 days: {', '.join(row.aged)}"
            )
    for each in spool.refused(ctx.app.home):
        ctx.out.warning(f"events/{each.name} was no event, and is in events/refused: {each.why}")


@command(
    "source test",
    help="Ask a source now, and see that an event of it arrives.",
    detail="NAME is a source of the configuration, or spool, or endpoint. What the source has to say is taken in. The "
    "event is called source.test, of a stranger, so that no trigger tells a thread of it. Exit 5 when it fails.",
    example="uwf source test shop",
    name=NAME,
)
def test(ctx: Context, name: str) -> int:
    from uwf.daemon.sources import trial

    found = trial.run(ctx.app, name)
    ctx.out.answer(
        found,
        ids=[] if found.event is None else [found.event],
        draw=lambda: ctx.out.table(
            ("", "step", "what came of it"),
            [["ok" if step.ok else "no", step.step, step.text] for step in found.steps],
            cut=("what came of it",),
        ),
    )
    bad = [step for step in found.steps if not step.ok]
    if not bad:
        return exits.DONE
    never = refusal("source", None)
    ctx.out.error("source", f"source {name}: {bad[0].step}: {bad[0].text}", found.hint, **never)
    return exits.WRONG_STATE


@command(
    "source pause",
    help="Ask a source no more, until it is resumed.",
    detail="What its webhooks deliver is taken in all the same.",
    example="uwf source pause shop",
    name=NAME,
)
def pause(ctx: Context, name: str) -> None:
    row = ctx.app.sources.pause(name)
    ctx.out.answer(row, ids=[name], draw=f"{name} is paused")


@command(
    "source resume",
    help="Ask a paused source again.",
    example="uwf source resume shop",
    name=NAME,
)
def resume(ctx: Context, name: str) -> None:
    was_paused = ctx.app.sources.resume(name)
    news = f"{name} is asked again" if was_paused else f"{name} was not paused"
    ctx.out.answer(ctx.app.sources.view(name), ids=[name], draw=news)


def _watch(row: SourceView) -> str:
    if not row.watching and not row.waiting:
        return ""
    more = f", {row.waiting} wait their turn" if row.waiting else ""
    return f"{counted(row.watching, 'pull request')}{more}"
