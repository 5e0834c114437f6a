"""`uwf help` and `uwf prompt`: the guides for a person, and the same knowledge written for an agent."""

from __future__ import annotations

from uwf.app import guides
from uwf.cli import index
from uwf.cli.command import NO_PAGER, arg, command
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "help",
    help="List the guides, or read one.",
    detail="What a command takes is said by its own --help.",
    example="uwf help workflow",
    topic=arg("What it is about; without it, the guides there are.", complete="topic"),
    no_pager=NO_PAGER,
)
def help_(ctx: Context, topic: str | None = None, *, no_pager: bool = False) -> None:
    if topic is None:
        _list(ctx)
        return
    try:
        found = guides.guide(topic)
    except InputError as error:
        if topic in index.GROUPS or topic in index.MODULES:
            error.hint = f"uwf {topic} --help"
        raise
    ctx.out.answer(
        found,
        ids=[found.topic],
        draw=lambda: ctx.out.markdown(found.text),
        paged=not no_pager,
    )


@command(
    "prompt",
    help="Print what an agent needs to know to work with uwf.",
    detail="Short and exact, for its prompt: usage (to run threads), workflow (to write a workflow file), adapter (to "
    "be an agent that runs a role).",
    example="uwf prompt workflow",
    topic=arg("What it is to do.", choices=("usage", "workflow", "adapter")),
)
def prompt(ctx: Context, topic: str) -> None:
    found = guides.prompt(topic)
    ctx.out.answer(found, ids=[found.topic], draw=found.text)


def _list(ctx: Context) -> None:
    found = guides.guides()
    ctx.out.answer(
        [{"topic": each.topic, "title": each.title} for each in found],
        ids=[each.topic for each in found],
        draw=lambda: ctx.out.table(
            ("topic", "what it is about"), [[each.topic, each.title] for each in found]
        ),
    )
    ctx.out.hint(f"uwf help {found[0].topic}")
