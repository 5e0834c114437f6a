"""`uwf mcp`: the same home for programs, by the Model Context Protocol."""

from __future__ import annotations

from uwf.cli.command import command, opt
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context

INSTALL = "pip install 'uwf[mcp]'"


@command(
    "mcp",
    help="Serve this home to an editor or an agent (MCP).",
    detail="By the Model Context Protocol, over stdin and stdout: see `uwf help mcp`. A client starts it, and it ends "
    "with the client; runs go on. A client may look at everything, and do what --allow names: start, exec, tell, "
    "answer, cancel. An agent inside of a step may besides leave words for its own thread. What it says is never a "
    "person's.",
    example="uwf mcp --allow start,exec,tell",
    allow=opt("--allow", metavar="VERB[,VERB...]", help="What may be done; may be repeated."),
)
def mcp(ctx: Context, *, allow: tuple[str, ...] = ()) -> None:
    from uwf.mcp.access import Access, verbs_of

    access = Access(verbs_of(allow), ctx.app.own_thread())
    try:
        import mcp_types  # noqa: F401  # which the library has from 2.0 on
    except ModuleNotFoundError as error:
        if error.name != "mcp_types":
            raise
        raise InputError(
            "uwf mcp needs the library mcp, 2.3 or newer, which is not installed here",
            hint=INSTALL,
            code="no_extra",
        ) from None
    if _is_typed():
        ctx.out.note(
            "a program is to start this, which speaks the protocol: claude mcp add uwf -- uwf mcp"
        )
    ctx.app.close()
    from uwf.mcp import server

    server.run(ctx.home, access)


def _is_typed() -> bool:
    import sys

    from uwf.cli.screen import terminal

    return terminal.is_terminal(sys.stdin)
