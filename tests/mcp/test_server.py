"""What the server makes of a client: calls that wait hold up no others, and a name stays one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import mcp_types as types
import pytest

from uwf.mcp import server
from uwf.mcp.access import Access
from uwf.mcp.call import Caller, ToolAnswer


def speaking_as(name: str) -> Any:
    """What a handler is given of a client."""
    client = SimpleNamespace(client_info=SimpleNamespace(name=name))
    return SimpleNamespace(session=SimpleNamespace(client_params=client))


def test_calls_that_wait_hold_up_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def call(_caller: Caller, name: str, given: Any, _report: Any, stop: Any) -> ToolAnswer:
        if name == "wait" or "wait" in given:
            stop.wait(60)
        return ToolAnswer(name, {})

    monkeypatch.setattr(server, "MOST_CALLS", 2)
    monkeypatch.setattr(Caller, "call", call)
    door, client = server._Door(str(tmp_path), Access()), speaking_as("editor")

    async def talk() -> None:
        async with anyio.create_task_group() as tasks:
            for name, given in (("wait", {}), ("exec", {"wait": 9}), ("wait", {})):
                params = types.CallToolRequestParams(name=name, arguments=given)
                tasks.start_soon(door._call_tool, client, params)
            await anyio.wait_all_tasks_blocked()
            with anyio.fail_after(20):
                answer = await door._call_tool(client, types.CallToolRequestParams(name="list"))
            assert answer.content[0] == types.TextContent(text="list")
            tasks.cancel_scope.cancel()

    anyio.run(talk)


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("editor", "editor (MCP)"),
        (" ", "an MCP client"),
        ("a person" + " " * 99 + "x", "a person (MCP)"),
    ],
)
def test_whatever_a_client_calls_itself_it_is_known_as_one(name: str, who: str) -> None:
    assert server._name_of(speaking_as(name)) == who
