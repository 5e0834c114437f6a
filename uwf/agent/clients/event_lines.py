"""What a wrapper writes into `$UWF_EVENTS` while it runs: lines of JSON, as the events that other agents have.

    {"type": "text", "text": …}                  {"type": "session", "session": …}
    {"type": "thinking", "text": …}              {"type": "model", "model": …}
    {"type": "tool", "name": …, "arguments": {…}, "id": …}
    {"type": "tool_result", "text": …, "isError": false, "id": …}
    {"type": "usage", "tokens": …, "usd": …}     the run in all, until now
    {"type": "denied", "tool": …, "arguments": {…}}
    {"type": "rate_limit", "reached": true, "resetsAt": …}
    {"type": "failed", "class": …, "message": …, "status": …, "resetsAt": …}

`resetsAt` is in epoch seconds. What is no such line is passed over, and so is a field of another type than it has here.
"""

from __future__ import annotations

from uwf.agent import failure
from uwf.agent.clients import client
from uwf.agent.clients.client import clean, moment_ms, number
from uwf.agent.protocol import (
    Denied,
    Model,
    RateLimit,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from uwf.agent.words.failure_signs import AUTHENTICATION, NETWORK, OUT_OF_MEMORY, QUOTA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.agent.protocol import AgentEvent, AgentFailure

TYPES = (
    *("text", "thinking", "tool", "tool_result", "usage", "session", "model"),
    *("denied", "rate_limit", "failed"),
)
CLASSES = (QUOTA, AUTHENTICATION, NETWORK, OUT_OF_MEMORY, failure.EXIT_CODE)
"""What a wrapper may say that a failure is a case of."""


class EventLines(client.Reader):
    """What one run of a wrapper has written. `has_text`: it says live what it says."""

    def __init__(self, name: str, on_event: Callable[[AgentEvent], None]) -> None:
        super().__init__(name, on_event)
        self.has_text = False
        self._failed: Mapping[str, Any] | None = None

    def take(self, said: Mapping[str, Any]) -> None:
        """One line."""
        kind, text = said.get("type"), clean(said.get("text"))
        if kind == "text" and text:
            self.has_text = True
            self.on_event(Text(text))
        elif kind == "thinking" and text:
            self.on_event(Thinking(text))
        elif kind == "tool":
            self._tool(said)
        elif kind == "tool_result":
            id = clean(said.get("id"))
            self.tools.discard(id)
            self.on_event(ToolResult(id, text, said.get("isError") is True))
        elif kind == "usage":
            self._usage(said)
        elif kind == "session":
            self.names(said.get("session"))
        elif kind == "model" and clean(said.get("model")):
            self.on_event(Model(clean(said["model"])))
        elif kind == "denied" and clean(said.get("tool")):
            self.on_event(Denied(clean(said["tool"]), _object(said.get("arguments"))))
        elif kind == "rate_limit":
            self.on_event(RateLimit(said.get("reached") is True, moment_ms(said.get("resetsAt"))))
        elif kind == "failed":
            self._failed = said

    def why(self, found: AgentFailure | None) -> AgentFailure | None:
        """Why there is no reply: `found` by how its process has ended, or what it has said of that itself."""
        said = self._failed
        if said is None or found is None or found.code != failure.EXIT_CODE:
            return found
        word, status = said.get("class"), said.get("status")
        return client.told(
            self.name,
            clean(said.get("message")) or found.said,
            status=status if isinstance(status, int) else None,
            resets_ms=moment_ms(said.get("resetsAt")),
            failure_class=word if word in CLASSES else None,
        )

    def _tool(self, said: Mapping[str, Any]) -> None:
        id, name = clean(said.get("id")), clean(said.get("name"))
        if name:
            if id:
                self.tools.add(id)
            self.on_event(ToolCall(id, name, _object(said.get("arguments"))))

    def _usage(self, said: Mapping[str, Any]) -> None:
        amounts = {
            clean(name): number(value)
            for name, value in said.items()
            if name != "type" and number(value) == value and value is not True
        }
        if amounts:
            self.usage = amounts
            self.on_event(Usage(amounts))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
