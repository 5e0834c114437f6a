"""The protocol, by the official SDK: tools and resources of one home over stdin and stdout.

The SDK keeps stdout for the protocol: whatever else would be printed goes to stderr. Each call runs in a thread of its
own, on an app of its own, so that one that waits holds up no other.
"""

from __future__ import annotations

import os
import signal
import threading
from functools import partial

import anyio
import anyio.from_thread
import anyio.to_thread
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from uwf import __version__, error_report
from uwf.mcp import resources
from uwf.mcp.access import VERBS
from uwf.mcp.call import Caller, ToolAnswer, failure
from uwf.mcp.tools.table import TOOLS
from uwf.mcp.tools.waiting import is_waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mcp.server.context import ServerRequestContext

    from uwf.mcp.access import Access
    from uwf.mcp.tools.tool import Tool

MOST_CALLS = 200
"""At the same time, and as many that wait for a run; more wait for one of these."""
NAME_CHARS = 60
"""Of what a client calls itself."""
NAMELESS = "an MCP client"

INSTRUCTIONS = """\
uwf runs teams of agents as durable threads. A thread is one run of a workflow; each visit of a role is a step, which \
is kept with its prompt, its reply and its turns. A thread that is suspended asks something: see inbox. \
Long answers are cut: their field `cut`, or `next`, says how to read on."""
INSIDE = """
You work in a step of thread {own}: tools that take a thread mean that one where none is named. What you leave with \
tell is for the next role; your own reply ends your step."""


def run(home: str, access: Access) -> None:
    """Serve one client until it goes away. A signal ends the whole process, at once: there is nothing to tidy up, and
    the SDK, where an exception finds it at work, may take that for a failed call, or wait for a line of the client.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _frame: os._exit(128 + signum))
    try:
        anyio.run(_serve, home, access)
    except* (BrokenPipeError, anyio.BrokenResourceError):
        pass  # it has gone without a word


async def _serve(home: str, access: Access) -> None:
    server = _Door(home, access).server()
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


class _Door:
    """What the server answers, request by request."""

    def __init__(self, home: str, access: Access) -> None:
        self._home = home
        self._access = access
        self._limit = anyio.CapacityLimiter(MOST_CALLS)
        self._waiting = anyio.CapacityLimiter(MOST_CALLS)

    def server(self) -> Server[Any]:
        own = self._access.own
        return Server(
            "uwf",
            version=__version__,
            instructions=INSTRUCTIONS + ("" if own is None else INSIDE.format(own=own)),
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )

    async def _list_tools(
        self, _ctx: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        allowed = [tool for name, tool in TOOLS.items() if self._access.has(name)]
        return types.ListToolsResult(tools=[self._listed(tool) for tool in allowed])

    def _listed(self, tool: Tool) -> types.Tool:
        is_look = tool.name not in VERBS
        return types.Tool(
            name=tool.name,
            description=tool.help,
            input_schema=tool.schema(self._access),
            annotations=types.ToolAnnotations(
                read_only_hint=is_look, destructive_hint=None if is_look else tool.is_final
            ),
        )

    async def _call_tool(
        self, ctx: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        stop = threading.Event()

        def report(count: int, words: str) -> None:
            anyio.from_thread.run(ctx.session.report_progress, float(count), None, words)

        caller = Caller(self._home, self._access, _name_of(ctx))
        given = params.arguments or {}
        work = partial(caller.call, params.name, given, report, stop)
        limit = self._waiting if is_waiting(params.name, given) else self._limit
        try:
            answer = await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=limit)
        finally:
            stop.set()
        return _result(answer)

    async def _list_resources(
        self, _ctx: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        found = await self._looked(partial(resources.listed, self._home))
        return types.ListResourcesResult(
            resources=[
                types.Resource(
                    uri=each.uri,
                    name=each.name,
                    title=each.title or None,
                    description=each.description,
                    mime_type=resources.MARKDOWN,
                )
                for each in found
            ]
        )

    async def _list_templates(
        self, _ctx: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(
                    uri_template=each.uri,
                    name=each.name,
                    description=each.description,
                    mime_type=resources.MARKDOWN,
                )
                for each in resources.TEMPLATES
            ]
        )

    async def _read_resource(
        self, _ctx: ServerRequestContext[Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        text = await self._looked(partial(resources.read, self._home, params.uri))
        return types.ReadResourceResult(
            contents=[
                types.TextResourceContents(uri=params.uri, mime_type=resources.MARKDOWN, text=text)
            ]
        )

    async def _looked(self, look: Any) -> Any:
        """What `look` finds; what it raises is an error of the protocol, which has no other place for it here."""
        try:
            return await anyio.to_thread.run_sync(look, abandon_on_cancel=True, limiter=self._limit)
        except Exception as error:
            said = failure(self._home, error_report.of(error))["error"]
            hint = f"; {said['hint']}" if said["hint"] else ""
            raise MCPError(types.INVALID_PARAMS, f"{said['message']}{hint}", said) from None


def _name_of(ctx: ServerRequestContext[Any]) -> str:
    """What the client calls itself, as whoever speaks to threads."""
    client = ctx.session.client_params
    name = "" if client is None else client.client_info.name.strip()[:NAME_CHARS].strip()
    return f"{name} (MCP)" if name else NAMELESS


def _result(answer: ToolAnswer) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(text=answer.text)],
        structured_content=dict(answer.document),
        is_error=answer.is_error,
    )
