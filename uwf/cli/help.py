"""`uwf help` and `uwf prompt`: the guides for a person and the help of a command, and what an agent has to know."""

from __future__ import annotations

from uwf.app import guides
from uwf.cli import index
from uwf.cli.command import NO_PAGER, arg, command
from uwf.errors import InputError
from uwf.nearest import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "help",
    help="List the guides, or read one; or the help of a command.",
    detail="What a command takes is said by its own --help as well.",
    example="uwf help workflow",
    topic=arg(
        "A guide, or the words of a command; without them, the guides there are.", complete="topic"
    ),
    no_pager=NO_PAGER,
)
def help_(ctx: Context, topic: tuple[str, ...] = (), *, no_pager: bool = False) -> None:
    name = " ".join(topic)
    if not topic:
        _list(ctx)
    elif name in (*index.GROUPS, *index.MODULES) and not guides.is_one(name):
        _of_command(ctx, name)
    elif len(topic) > 1:
        raise _no_command(name)
    else:
        found = guides.guide(name)
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


def _of_command(ctx: Context, name: str) -> None:
    """What `--help` says of a command, or of a group."""
    from uwf.cli.line import help_page
    from uwf.cli.line.parse import read
    from uwf.cli.screen.terminal import columns

    parts = help_page.page(read(name.split()), columns())
    text = "\n".join(f"{title}\n{text}" if title else text for title, text in parts)
    page = guides.Guide(name, index.about(name), text)
    ctx.out.answer(page, ids=[name], draw=lambda: ctx.out.help(parts, asked=True))


def _no_command(name: str) -> InputError:
    near = nearest(name, [*index.GROUPS, *index.MODULES])
    meant, hint = "", "uwf --help"
    if near is not None:
        meant, hint = f"; did you mean {near}?", f"uwf help {near}"
    return InputError(f"there is no command {name!r}{meant}", hint=hint, code="no_such_topic")


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
