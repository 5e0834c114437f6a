"""How the services behind the clients put it: a text or the use of a tool, as what each of them streams."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

IN, CACHED, OUT = 100, 20, 7
"""The tokens of each answer: those that went in afresh, those from a cache, and those that came out."""

Event = tuple[str, dict[str, Any]]


class Said(NamedTuple):
    """An answer: as events, or `whole` where no stream was asked for. `usage` is what it says it has used."""

    events: list[Event]
    usage: dict[str, int]
    whole: dict[str, Any] | None = None


class Wire:
    """One service. Its tools are those that a request offers."""

    shells: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()

    def is_work(self, body: Mapping[str, Any]) -> bool:
        """Whether it is a step that asks, and not its client for itself."""
        return bool(self.names(body))

    def names(self, body: Mapping[str, Any]) -> list[str]:
        """The tools that it offers."""
        raise NotImplementedError

    def tool(self, body: Mapping[str, Any], kind: str, argument: str) -> tuple[str, dict[str, Any]]:
        """Name and arguments of the tool of this client that runs a command line, or writes a file. Any other has its
        name.
        """
        if kind not in ("shell", "write"):
            return kind, json.loads(argument)
        offered = self.names(body)
        known = self.shells if kind == "shell" else self.writes
        name = next(name for name in known if name in offered)
        if kind == "write":
            return name, {"file_path": argument, "content": "written\n"}
        return name, {"cmd" if name == "exec_command" else "command": argument}

    def error(self, status: int) -> dict[str, Any]:
        """What it says with this status."""
        kinds = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}
        kinds |= {404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}
        kind = kinds.get(status, "api_error")
        told = {"type": kind, "code": kind, "message": f"a {status}, as was asked for"}
        return {"type": "error", "error": told}

    def say(self, body: Mapping[str, Any], text: str) -> Said:
        raise NotImplementedError

    def use(self, body: Mapping[str, Any], name: str, given: dict[str, Any], id: str) -> Said:
        raise NotImplementedError


class Messages(Wire):
    """Anthropic's."""

    shells, writes = ("Bash",), ("Write",)

    def names(self, body: Mapping[str, Any]) -> list[str]:
        return [tool.get("name", "") for tool in body.get("tools") or []]

    def say(self, body: Mapping[str, Any], text: str) -> Said:
        deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(text)]
        block = {"type": "text", "text": ""}
        return self._said(body, block, deltas, {"type": "text", "text": text}, "end_turn")

    def use(self, body: Mapping[str, Any], name: str, given: dict[str, Any], id: str) -> Said:
        block = {"type": "tool_use", "id": id, "name": name, "input": {}}
        if name == "Bash":
            given = {**given, "description": "work"}
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(given)}]
        return self._said(body, block, deltas, {**block, "input": given}, "tool_use")

    def _said(
        self,
        body: Mapping[str, Any],
        begun: dict[str, Any],
        deltas: list[dict[str, Any]],
        whole: dict[str, Any],
        reason: str,
    ) -> Said:
        used = {"input_tokens": IN, "cache_read_input_tokens": CACHED}
        used |= {"cache_creation_input_tokens": 0, "output_tokens": OUT}
        head: dict[str, Any] = {
            "id": f"msg_{time.time_ns()}",
            "type": "message",
            "role": "assistant",
        }
        head |= {"model": body.get("model"), "stop_sequence": None}
        start = {**head, "content": [], "stop_reason": None, "usage": {**used, "output_tokens": 1}}
        end = {"delta": {"stop_reason": reason, "stop_sequence": None}}
        documents: list[dict[str, Any]] = [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": begun},
            *({"type": "content_block_delta", "index": 0, "delta": one} for one in deltas),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", **end, "usage": {"output_tokens": OUT}},
            {"type": "message_stop"},
        ]
        whole = {**head, "content": [whole], "stop_reason": reason, "usage": used}
        events = [(one["type"], one) for one in documents]
        tokens = {"tokens": IN + CACHED + OUT}
        return Said(events, tokens, None if body.get("stream") else whole)


class Responses(Wire):
    """OpenAI's."""

    shells, writes = ("exec_command", "shell_command", "shell"), ()

    def names(self, body: Mapping[str, Any]) -> list[str]:
        return [tool.get("name") or tool.get("type", "") for tool in body.get("tools") or []]

    def say(self, body: Mapping[str, Any], text: str) -> Said:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        item: dict[str, Any] = {"type": "message", "role": "assistant", "content": content}
        pieces = [("response.output_text.delta", piece) for piece in _pieces(text)]
        return self._said({**item, "id": f"msg_{time.time_ns()}", "status": "completed"}, pieces)

    def use(self, body: Mapping[str, Any], name: str, given: dict[str, Any], id: str) -> Said:
        if name == "shell":
            given = {"command": ["bash", "-lc", given["command"]]}
        item = {"type": "function_call", "call_id": id, "name": name, "id": f"fc_{id}"}
        return self._said({**item, "arguments": json.dumps(given), "status": "completed"}, [])

    def _said(self, item: dict[str, Any], pieces: list[tuple[str, str]]) -> Said:
        used = {"input_tokens": IN + CACHED, "input_tokens_details": {"cached_tokens": CACHED}}
        used |= {"output_tokens": OUT, "output_tokens_details": {"reasoning_tokens": 2}}
        used["total_tokens"] = IN + CACHED + OUT
        whole: dict[str, Any] = {
            "id": f"resp_{time.time_ns()}",
            "object": "response",
            "created_at": 0,
        }
        whole |= {"status": "completed", "output": [item], "usage": used}
        begun = {**whole, "status": "in_progress", "output": [], "usage": None}
        is_text = item["type"] == "message"
        empty: dict[str, Any] = {"content": []} if is_text else {"arguments": ""}
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        events: list[Event] = [
            ("response.created", {"response": begun}),
            ("response.output_item.added", {"output_index": 0, "item": {**item, **empty}}),
            *((name, {**place, "delta": piece}) for name, piece in pieces),
            ("response.output_item.done", {"output_index": 0, "item": item}),
            ("response.completed", {"response": whole}),
        ]
        typed = [(name, {"type": name, **document}) for name, document in events]
        return Said(typed, {"tokens": IN + CACHED + OUT})


class Generate(Wire):
    """Google's."""

    shells, writes = ("run_shell_command",), ("write_file",)

    def error(self, status: int) -> dict[str, Any]:
        kinds = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
        kinds |= {404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
        told = {"code": status, "message": f"a {status}, as was asked for"}
        return {"error": {**told, "status": kinds.get(status, "UNAVAILABLE")}}

    def names(self, body: Mapping[str, Any]) -> list[str]:
        several = (tool.get("functionDeclarations") or [] for tool in body.get("tools") or [])
        return [one["name"] for each in several for one in each]

    def say(self, body: Mapping[str, Any], text: str) -> Said:
        return self._said([{"text": piece} for piece in _pieces(text)])

    def use(self, body: Mapping[str, Any], name: str, given: dict[str, Any], id: str) -> Said:
        return self._said([{"functionCall": {"name": name, "args": given}}])

    def _said(self, parts: list[dict[str, Any]]) -> Said:
        candidates: list[dict[str, Any]] = [
            {"content": {"role": "model", "parts": [part]}, "index": 0} for part in parts
        ]
        candidates[-1]["finishReason"] = "STOP"
        documents: list[dict[str, Any]] = [{"candidates": [one]} for one in candidates]
        documents[-1]["usageMetadata"] = {
            **{"promptTokenCount": IN + CACHED, "cachedContentTokenCount": CACHED},
            **{"candidatesTokenCount": OUT, "totalTokenCount": IN + CACHED + OUT},
        }
        return Said([("", one) for one in documents], {"tokens": IN + CACHED + OUT})


def of(path: str) -> Wire | None:
    """Who speaks at this path of a request; None for a question beside."""
    if path.endswith("/messages"):
        return Messages()
    if path.endswith("/responses"):
        return Responses()
    return Generate() if "enerateContent" in path else None


def limits(resets_s: int | None) -> dict[str, str]:
    """The headers of a limit that is reached until then, in seconds since 1970."""
    if resets_s is None:
        return {}
    name = "anthropic-ratelimit-unified"
    claim = {f"{name}-status": "rejected", f"{name}-reset": str(resets_s)}
    return {**claim, f"{name}-representative-claim": "five_hour"}


def _pieces(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text) if len(text) < 1 << 16 else _large(text)


def _large(text: str) -> list[str]:
    return [text[at : at + 65536] for at in range(0, len(text), 65536)]
