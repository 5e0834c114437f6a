"""What a run of Claude Code has used: live by its messages, at its end by its own count.

The stream of an answer begins with what went into it and ends with what came out, so that what a run has used that is
killed is known up to the last whole answer. Claude Code says money at its end alone; before that it is what `prices` of
the model say that its messages name, and not known where they do not.
"""

from __future__ import annotations

from uwf.agent.clients.client import TOKENS, USD, clean, number
from uwf.agent.protocol import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

COUNTED = {
    "input": "inputTokens",
    "output": "outputTokens",
    "cache_read": "cacheReadInputTokens",
    "cache_write": "cacheCreationInputTokens",
}
"""What is counted of a session, and how its client calls it in `modelUsage`."""
_IN_MESSAGES = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_creation_input_tokens",
}


class Count:
    """What is counted of one run, whose session had used `before` by the client's own count."""

    def __init__(
        self, before: Mapping[str, float], prices: Mapping[str, Mapping[str, float]]
    ) -> None:
        self._before = before
        self._prices = prices
        self._messages: dict[str, dict[str, float]] = {}
        self._streamed: dict[Any, tuple[str, str]] = {}
        """Id and model of the message that streams, by the tool it is of: those of a helper come between others."""
        self._used: dict[str, float] = dict.fromkeys(COUNTED, 0)
        self._usd: float | None = 0 if prices else None

    def message(self, message: Mapping[str, Any]) -> Usage | None:
        """What is used with this message, or a part of it; None where nothing is new."""
        id, model = clean(message.get("id")), clean(message.get("model"))
        return self._take(id, model, message.get("usage"))

    def streams(self, said: Mapping[str, Any]) -> Usage | None:
        """Likewise with this event in the stream of a message."""
        event, of = said.get("event"), clean(said.get("parent_tool_use_id"))
        if not isinstance(event, dict):
            return None
        kind, message = event.get("type"), event.get("message")
        if kind == "message_start" and isinstance(message, dict):
            self._streamed[of] = clean(message.get("id")), clean(message.get("model"))
            return self.message(message)
        if kind == "message_delta" and of in self._streamed:
            return self._take(*self._streamed[of], event.get("usage"))
        return None

    def ends(self, said: Mapping[str, Any]) -> Usage:
        """What the client has counted, for this run or for all runs of its session: the nearer to what its messages
        have shown to go in.
        """
        models = said.get("modelUsage")
        counted: dict[str, float] = dict.fromkeys(COUNTED, 0)
        for used in models.values() if isinstance(models, dict) else ():
            for name, given in COUNTED.items() if isinstance(used, dict) else ():
                counted[name] += number(used.get(given))
        if not any(counted.values()) and any(self._used.values()):
            return self._usage(self._used, self._cost_so_far)  # it has not counted
        counted[USD] = round(number(said.get("total_cost_usd")), 9)
        before = {name: number(self._before.get(name)) for name in counted}
        own = _taken_in(self._used)
        since = {name: counted[name] - before[name] for name in counted}
        is_of_session = any(before.values()) and min(since.values()) > -1e-9
        if is_of_session and abs(_taken_in(since) - own) < abs(_taken_in(counted) - own):
            counted = {name: round(max(0, amount), 9) for name, amount in since.items()}
        return self._usage(counted, counted[USD])

    def _take(self, id: str, model: str, used: Any) -> Usage | None:
        """Each part of a message says no less than the one before it."""
        if not isinstance(used, dict):
            return None
        known = self._messages.get(id) or dict.fromkeys(COUNTED, 0.0)
        counts = {
            name: max(known[name], number(used.get(given))) for name, given in _IN_MESSAGES.items()
        }
        if counts == known:
            return None
        self._messages[id] = counts
        more = {name: amount - known[name] for name, amount in counts.items()}
        for name, amount in more.items():
            self._used[name] += amount
        cost = self._cost(model, more)
        self._usd = None if self._usd is None or cost is None else self._usd + cost
        return self._usage(self._used, self._cost_so_far)

    @property
    def _cost_so_far(self) -> float | None:
        return None if self._usd is None else round(self._usd, 9)

    def _cost(self, model: str, used: Mapping[str, float]) -> float | None:
        prices = self._prices.get(model, {})
        if any(amount and name not in prices for name, amount in used.items()):
            return None
        return sum(amount * prices[name] for name, amount in used.items() if amount) / 1e6

    def _usage(self, counts: Mapping[str, float], usd: float | None) -> Usage:
        amounts = {TOKENS: sum(counts[name] for name in COUNTED)}
        if usd is not None:
            amounts[USD] = usd
        session = {name: number(self._before.get(name)) + counts[name] for name in COUNTED}
        session[USD] = number(self._before.get(USD)) + amounts.get(USD, 0)
        return Usage(amounts, session)


def _taken_in(counts: Mapping[str, float]) -> float:
    """The tokens that went in, which the messages of a run tell exactly."""
    return counts["input"] + counts["cache_read"] + counts["cache_write"]
