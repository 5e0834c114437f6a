"""Waiting for a run, which is a process of its own, and telling meanwhile what its agent does."""

from __future__ import annotations

from uwf.jsontext import document
from uwf.mcp import bounds
from uwf.mcp.tools.tool import THREAD, Tool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.mcp.tools.tool import ClientCall

WAIT_S = 50
"""Where nothing is said: clients give up a call after a minute, unless they are told that it goes on."""
MOST_S = 86_400


def waited(call: ClientCall, thread: str, seconds: float) -> dict[str, Any]:
    """The thread as it is once nobody runs it, or once that time is up."""
    call.follow(call.app.following(thread), seconds)
    return bounds.document(document(call.app.show(thread)), "the tool read")


def is_waiting(tool: str, given: Mapping[str, Any]) -> bool:
    """Whether this call may last until a run has ended."""
    return tool == WAIT.name or bool(given.get("wait"))


def _wait(call: ClientCall) -> dict[str, Any]:
    return waited(call, call.thread, call.get("seconds", WAIT_S))


SECONDS = {"type": "number", "minimum": 0, "maximum": MOST_S}

WAIT = Tool(
    "wait",
    "Wait until nobody runs a thread any more, and show it then; what its agent does is reported as progress. "
    "`running` says whether it still goes on: call it again.",
    _wait,
    {
        "thread": THREAD,
        "seconds": {
            **SECONDS,
            "description": f"No longer than this; {WAIT_S} where it is left out.",
        },
    },
    needs=("thread",),
)
