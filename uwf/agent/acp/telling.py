"""What an agent says while it answers a prompt, as events: `session/update` by `session/update`.

Pieces of a message may be a word each: they are joined until there is a pause. The last message is the reply.
"""

from __future__ import annotations

from uwf.agent.clients.bursts import Bursts
from uwf.agent.clients.client import clean, number, rows
from uwf.agent.protocol import Text, Thinking, ToolCall, ToolResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.agent.protocol import AgentEvent

_ENDED = ("completed", "failed")


class Telling:
    """`message` is the one that it says, "" for one of more than `most_bytes`. `tools` has the ids of those that it
    uses, `calls` all that was said of each; `usd` is what the process has cost, None: not told.
    """

    def __init__(
        self, on_event: Callable[[AgentEvent], None], tools: set[str], most_bytes: int
    ) -> None:
        self.calls: dict[str, dict[str, Any]] = {}
        self.usd: float | None = None
        self._on_event = on_event
        self._tools = tools
        self._told: set[str] = set()
        self._most_bytes = most_bytes
        self._message: list[str] = []
        self._message_bytes = 0
        self._message_id = ""
        self._has_said = False
        self._texts = Bursts(lambda text: on_event(Text(text)))
        self._thoughts = Bursts(lambda text: on_event(Thinking(text)))

    @property
    def message(self) -> str:
        return "".join(self._message)

    @property
    def is_too_long(self) -> bool:
        return self._message_bytes > self._most_bytes

    def take(self, update: Mapping[str, Any]) -> None:
        """One update. What is not understood is passed over."""
        kind = update.get("sessionUpdate")
        if kind == "agent_message_chunk":
            self._text(update)
        elif kind == "agent_thought_chunk":
            self._thought(text_of(update))
        elif kind in ("tool_call", "tool_call_update"):
            self._tool(update)
        elif kind == "usage_update":
            cost = objects(update.get("cost"))
            if cost.get("currency") == "USD":
                self.usd = number(cost.get("amount"))

    def flush(self) -> None:
        """There is a pause, or something else comes."""
        self._thoughts.flush()
        self._texts.flush()

    def call(self, id: str) -> None:
        """It uses a tool, which is known with what."""
        known = self.calls.get(id, {})
        if id not in self._told:
            self._told.add(id)
            given = known.get("rawInput")
            arguments = given if isinstance(given, dict) else {"title": clean(known.get("title"))}
            self._on_event(ToolCall(id, self.tool_name(id), arguments))

    def tool_name(self, id: str) -> str:
        known = self.calls.get(id, {})
        own = objects(objects(known.get("_meta")).get("claudeCode")).get("toolName")
        return clean(own) or clean(known.get("kind")) or "tool"

    def _text(self, update: Mapping[str, Any]) -> None:
        id, found = clean(update.get("messageId")), text_of(update)
        if id != self._message_id:
            self._begin()
            self._message_id = id
        if not found:
            return
        data = found.encode()
        if self._has_said and not self._message_bytes:
            self._texts.add(b"\n")
        self._has_said = True
        self._message_bytes += len(data)
        self._message.append(found)
        if self.is_too_long:
            self._message.clear()
        self._thoughts.flush()
        self._texts.add(data)

    def _begin(self) -> None:
        """What comes is another message."""
        self._message.clear()
        self._message_bytes = 0

    def _thought(self, found: str) -> None:
        self._texts.flush()
        self._thoughts.add(found.encode())

    def _tool(self, update: Mapping[str, Any]) -> None:
        self.flush()
        self._begin()
        id, status = clean(update.get("toolCallId")), update.get("status")
        known = self.calls.setdefault(id, {})
        known.update({name: value for name, value in update.items() if value not in (None, [], {})})
        if known.get("rawInput") or status in ("in_progress", *_ENDED):
            self.call(id)
        if status in _ENDED:
            self._tools.discard(id)
            self._on_event(ToolResult(id, _output(known), status == "failed"))
            self.calls[id] = {"status": status}  # what it gave back may be long
        elif known.get("status") not in _ENDED:
            self._tools.add(id)


def objects(value: Any) -> Mapping[str, Any]:
    """An object of JSON; an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def text_of(block: Mapping[str, Any]) -> str:
    """The text in the content of a block."""
    return clean(objects(block.get("content")).get("text"))


def _output(call: Mapping[str, Any]) -> str:
    came = clean(call.get("rawOutput"))
    return came or "\n".join(filter(None, map(text_of, rows(call.get("content")))))
