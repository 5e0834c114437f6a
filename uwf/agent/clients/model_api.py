"""What a model says that is asked over HTTP, in the words of OpenAI: chat completions, or responses.

The answer is a stream of events (`data: {…}`), or one JSON document of a server that does not stream. Reasoning is no
part of the standard for chat: some call it `reasoning_content`, others `reasoning`.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent import rate_limit_reset
from uwf.agent.clients import client
from uwf.agent.clients.bursts import Bursts
from uwf.agent.clients.client import TOKENS, USD, clean, number, rows
from uwf.agent.clients.prices import usd
from uwf.agent.protocol import Model, Text, Thinking, Usage
from uwf.agent.words import error_objects
from uwf.agent.words.failure_signs import NETWORK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.agent.clients.http_post import Head
    from uwf.agent.protocol import AgentEvent, AgentFailure

MOST_BYTES = 8 << 20
"""Of one event, or of a document."""
_DONE = b"[DONE]"
_STREAM, _DOCUMENT = "text/event-stream", "application/json"


class Heard(client.Reader):
    """One answer, as it comes. An API is a class below, which takes its events.

    `text` is the reply, None until it is whole; `said` what there is of it. `is_over`: nothing more is needed.
    """

    def __init__(
        self, name: str, on_event: Callable[[AgentEvent], None], prices: Mapping[str, float]
    ) -> None:
        super().__init__(name, on_event)
        self.texts = Bursts(lambda text: on_event(Text(text)))
        self.thoughts = Bursts(lambda text: on_event(Thinking(text)))
        self.is_over = False
        self.size_bytes = 0
        self._prices = prices
        self._parts: list[str] = []
        self._head: Head | None = None
        self._rest = bytearray()
        self._model = ""

    @property
    def said(self) -> str:
        return "".join(self._parts)

    @property
    def is_too_long(self) -> bool:
        return len(self._rest) > MOST_BYTES

    def begin(self, head: Head) -> None:
        """The answer begins."""
        self._head = head

    def add(self, chunk: bytes) -> None:
        """A piece of it."""
        self._rest += chunk
        if not self._streams or b"\n" not in chunk:
            return
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        for line in lines:
            self._data(line.strip())

    def finish(self, error: Exception | None) -> None:
        """Nothing more comes."""
        self.is_over = True
        head = self._head
        if head is not None and head.status != 200:
            self._refuse(head)
            return
        if self._streams:
            self._data(bytes(self._rest).strip())
        elif self._kind == _DOCUMENT:
            self.line(bytes(self._rest))
        elif head is not None:
            why = f"its service answers with {self._kind}, not with a stream of events"
            self.failed = client.hopeless(f"agent {self.name}: {why}", "")
        if self.text is None and self.failed is None:
            self.failed = self._cut(error)

    def _cut(self, error: Exception | None) -> AgentFailure:
        words = str(error or "").strip()
        if isinstance(error, ValueError):  # an address, or a certificate, that is none
            return client.hopeless(f"agent {self.name}: its service cannot be asked", words)
        why = "its service cannot be reached" if self._head is None else "its answer was cut"
        return client.failed(f"agent {self.name}: {why}", words, NETWORK)

    def flush(self) -> None:
        """What waits is a turn."""
        self.thoughts.flush()
        self.texts.flush()

    @property
    def _kind(self) -> str:
        """What the answer is made of, by its own word."""
        kind = "" if self._head is None else self._head.headers.get("content-type", _STREAM)
        return kind.partition(";")[0].strip().lower()

    @property
    def _streams(self) -> bool:
        return self._kind == _STREAM and self._head is not None and self._head.status == 200

    def _data(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return  # the name of an event, or a sign of life
        data = line[5:].strip()
        if data == _DONE:
            self.done()
        else:
            self.line(data)

    def done(self) -> None:
        """The reply is whole."""
        if self.failed is None:
            self.text = self.said
        self.is_over = True

    def fail(self, words: str, status: Any = None) -> None:
        """It says itself that there is no reply."""
        known = status if isinstance(status, int) else None
        self.failed = client.told(self.name, words, status=known)
        self.is_over = True

    def model(self, said: Mapping[str, Any]) -> None:
        name = clean(said.get("model"))
        if name and not self._model:
            self._model = name
            self.on_event(Model(name))

    def say(self, text: str) -> None:
        if text:
            self.thoughts.flush()
            self.size_bytes += len(text)
            self._parts.append(text)
            self.texts.add(text.encode())

    def think(self, text: str) -> None:
        if text:
            self.texts.flush()
            self.size_bytes += len(text)
            self.thoughts.add(text.encode())

    def use(self, read: float, cached: float, written: float, cost: Any = None) -> None:
        """What the run has used; `cost` is what the service itself says of money."""
        amounts = {TOKENS: read + written}
        by_price = usd({"input": read, "cached": cached, "output": written}, self._prices)
        money = by_price if by_price is not None else number(cost) or None
        if money is not None:
            amounts[USD] = money
        self.usage = amounts
        self.on_event(Usage(amounts))

    def _refuse(self, head: Head) -> None:
        body = clean(bytes(self._rest).decode(errors="replace")).strip()
        words = error_objects.in_words(body) or f"it gives no reason (status {head.status})"
        if 300 <= head.status < 400:
            there = head.headers.get("location", "another place")
            self.failed = client.hopeless(f"agent {self.name}: its service has moved", there)
            return
        resets_ms = _resets_ms(head.headers)
        self.failed = client.told(self.name, words, status=head.status, resets_ms=resets_ms)


class Chat(Heard):
    """`POST /chat/completions`."""

    PATH = "/chat/completions"
    _CUT = ("length", "content_filter")

    @staticmethod
    def body(model: str, prompt: str) -> dict[str, Any]:
        return {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    def take(self, said: Mapping[str, Any]) -> None:
        """One event, or the whole document."""
        if said.get("error") is not None:
            error = said["error"] if isinstance(said["error"], dict) else {"message": said["error"]}
            self.fail(clean(error.get("message")), error.get("code"))
            return
        self.model(said)
        for choice in rows(said.get("choices")):
            found = choice.get("delta") or choice.get("message")
            if isinstance(found, dict):
                thought = clean(found.get("reasoning_content")) or clean(found.get("reasoning"))
                self.think(thought)
                self.say(clean(found.get("content")))
            self._ends(choice.get("finish_reason"))
        used = said.get("usage")
        if isinstance(used, dict):
            details = used.get("prompt_tokens_details")
            cached = number(details.get("cached_tokens")) if isinstance(details, dict) else 0
            read, written = number(used.get("prompt_tokens")), number(used.get("completion_tokens"))
            self.use(read, cached, written, used.get("cost"))

    def _ends(self, reason: Any) -> None:
        """The reply ends. What it has used comes behind that."""
        if reason in self._CUT:
            words = f"the reply was cut (finish_reason {reason})"
            self.failed = client.failed(f"agent {self.name}: {words}", "")
        elif reason:
            self.text = self.said


class Responses(Heard):
    """`POST /responses`. Nothing is kept there: each prompt is whole."""

    PATH = "/responses"

    @staticmethod
    def body(model: str, prompt: str) -> dict[str, Any]:
        return {"model": model, "input": prompt, "stream": True, "store": False}

    def take(self, said: Mapping[str, Any]) -> None:
        """One event, or the whole document."""
        kind = clean(said.get("type"))
        whole = said.get("response") if kind else said
        if isinstance(whole, dict):
            self.model(whole)
        if kind == "response.output_text.delta":
            self.say(clean(said.get("delta")))
        elif kind in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
            self.think(clean(said.get("delta")))
        elif kind == "error":
            error = said.get("error")
            error = error if isinstance(error, dict) else said
            self.fail(clean(error.get("message")), error.get("code"))
        elif isinstance(whole, dict) and clean(whole.get("status")) in _ENDED:
            self._ends(whole)

    def _ends(self, whole: Mapping[str, Any]) -> None:
        if not self._parts:
            for item in rows(whole.get("output")):
                for part in rows(item.get("content")):
                    self.say(clean(part.get("text")) if part.get("type") == "output_text" else "")
        used = whole.get("usage")
        if isinstance(used, dict):
            details = used.get("input_tokens_details")
            cached = number(details.get("cached_tokens")) if isinstance(details, dict) else 0
            self.use(number(used.get("input_tokens")), cached, number(used.get("output_tokens")))
        if whole["status"] == "completed":
            self.done()
            return
        error, details = whole.get("error"), whole.get("incomplete_details")
        words = clean(error.get("message")) if isinstance(error, dict) else ""
        if isinstance(details, dict):
            words = words or f"the reply was cut ({clean(details.get('reason'))})"
        self.fail(words)


_ENDED = ("completed", "failed", "incomplete", "cancelled")

APIS: dict[str, type[Chat] | type[Responses]] = {"chat": Chat, "responses": Responses}


def _resets_ms(headers: Mapping[str, str]) -> int | None:
    """When a limit resets, by the headers of the answer that says that it was reached."""
    now_ms = clock.now_ms()
    for names in (("retry-after-ms",), ("retry-after",), _windows(headers)):
        lines = "\n".join(f"{name}: {headers[name]}" for name in names if name in headers)
        found = rate_limit_reset.resets_ms(lines, now_ms)
        if found is not None:
            return found
    return None


def _windows(headers: Mapping[str, str]) -> list[str]:
    """The headers that say when a limit resets: of those that are used up, where that is said."""
    found = [name for name in headers if "ratelimit-reset" in name]
    used_up = [name for name in found if headers.get(name.replace("reset", "remaining")) == "0"]
    return used_up or found
