"""A client by the official SDK of 1.x: `mcp_older.py HOME PROGRAM WORKFLOW` prints what it saw.

It is run by a Python of its own, which has that SDK, and knows nothing of uwf.
"""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main(home, program, workflow):
    words = ["mcp", "--home", home, "--allow", "start,exec"]
    told = []

    async def heard(progress, total, message):
        told.append([progress, message])

    async with (
        stdio_client(StdioServerParameters(command=program, args=words)) as streams,
        ClientSession(*streams) as client,
    ):
        begun = await client.initialize()
        tools = await client.list_tools()
        made = await client.call_tool("start", {"workflow": workflow, "task": "Paint it."})
        thread = made.structuredContent["thread"]
        ran = await client.call_tool(
            "exec", {"thread": thread, "wait": 60}, progress_callback=heard
        )
        wrong = await client.call_tool("show", {"thread": "ZZZZ"})
        listed = await client.list_resources()
        page = await client.read_resource(f"uwf://thread/{thread}")
    return {
        "version": begun.protocolVersion,
        "tools": [tool.name for tool in tools.tools],
        "ran": ran.structuredContent,
        "text": ran.content[0].text,
        "told": told,
        "wrong": [wrong.isError, wrong.content[0].text],
        "listed": [str(one.uri) for one in listed.resources],
        "page": page.contents[0].text,
    }


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
