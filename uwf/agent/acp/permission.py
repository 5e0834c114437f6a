"""What an agent that speaks the Agent Client Protocol asks to be permitted, and what becomes of it.

A request is checked by the official SDK, and named by a hash of all that it says, so that a yes is one to exactly these
bytes. The SDK takes a second to load: it is loaded once something is asked, in the process of the step.
"""

from __future__ import annotations

import json

from uwf import clock
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.agent.protocol import Answered

ALLOW, DENY, ASK, USE = "allow", "deny", "ask", "use"
"""What may become of a request; to `use` is to allow it by the yes of a person. The first three are policies."""
INSTALL = "pip install 'uwf[acp]'"

_SAYS = ("kind", "title", "rawInput", "content", "locations")
"""What of a call of a tool says what it does. The rest is its name for this one time, and how far it is."""


class Permission(Record):
    """One request. `call` is the id of the tool's call, `what` all that says what it does. `once` is the id of the
    option that allows it this time, `yes` one that allows it, `no` one that does not; None: the agent offers none.
    """

    call: str
    what: Mapping[str, Any]
    hash: str
    once: str | None
    yes: str | None
    no: str | None

    @property
    def arguments(self) -> dict[str, Any]:
        """What the tool is to be given; all that is known of the call, where that is not said."""
        given = self.what.get("rawInput")
        return dict(given) if isinstance(given, dict) else dict(self.what)

    @property
    def question(self) -> str:
        """The whole of it, for a person."""
        words = " ".join(str(self.what[word]) for word in ("kind", "title") if word in self.what)
        given = {name: value for name, value in self.what.items() if name not in ("kind", "title")}
        shown = given["rawInput"] if given.keys() == {"rawInput"} else given
        return f"{_visible(words)}\n{_visible(json.dumps(shown, ensure_ascii=False))}"


class Policy:
    """What becomes of the requests of one run: `policy` for all, and the `answer` of a person for one of them, once.

    The yes of a person is good for `lasts_s`.
    """

    def __init__(self, policy: str, lasts_s: float, answer: Answered | None) -> None:
        self.lasts_s = lasts_s
        self._policy = policy
        self._answer = answer

    def decides(self, asked: Permission) -> str:
        """Where a person is to be asked, what is not the very thing that was answered is a new question, and so is
        what may be used no more, or could only be allowed for ever.
        """
        if self._policy != ASK:
            return self._policy
        answer = self._answer
        if answer is None or answer.hash != asked.hash:
            return ASK
        if answer.until_ms is None:
            return DENY
        return USE if clock.now_ms() <= answer.until_ms and asked.once is not None else ASK

    def used(self) -> None:
        """The answer of the person has been used."""
        self._answer = None


def _visible(text: str) -> str:
    """`text` on one line, with all that hides or moves on a screen as JSON names it: a person says yes to it."""
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def is_installed() -> bool:
    """Whether the SDK is there. It is not loaded."""
    from importlib.util import find_spec

    return find_spec("acp") is not None


def read(params: Any, known: Mapping[str, Any], cwd: str) -> Permission:
    """The request in `params`, for a call of which `known` was said before. Raises ValueError for what is none."""
    from acp import schema

    asked = schema.RequestPermissionRequest.model_validate(params)
    call = asked.tool_call.model_dump(mode="json", by_alias=True, exclude_none=True)
    what = {name: call.get(name, known.get(name)) for name in _SAYS}
    what = {name: value for name, value in what.items() if value not in (None, [], {})}
    options = {option.kind: option.option_id for option in reversed(asked.options)}
    once = options.get("allow_once")
    return Permission(
        asked.tool_call.tool_call_id,
        what,
        hash_of({"cwd": cwd, **what}),
        once,
        once or options.get("allow_always"),
        options.get("reject_once") or options.get("reject_always"),
    )


def hash_of(what: Any) -> str:
    """The hash of a value of JSON, in whatever order it names its fields."""
    from blake3 import blake3

    text = json.dumps(what, sort_keys=True, separators=(",", ":"))
    return blake3(text.encode()).hexdigest()


def selected(option: str | None) -> dict[str, Any]:
    """The reply that selects an option by its id; None: the question is called off."""
    from acp import schema

    outcome: Any = schema.DeniedOutcome(outcome="cancelled")
    if option is not None:
        outcome = schema.AllowedOutcome.model_validate({"outcome": "selected", "optionId": option})
    reply = schema.RequestPermissionResponse(outcome=outcome)
    return reply.model_dump(mode="json", by_alias=True, exclude_none=True)
