"""One run of an agent that speaks the Agent Client Protocol: JSON-RPC on its stdin and stdout, one prompt.

    initialize -> session/new, resume, load or fork, as it can -> mode, model -> the prompt -> the end of its input

One that does not know its session any more begins a new one with the same prompt. What is asked of it is asked one by
one, and what it asks meanwhile is answered at once.
"""

from __future__ import annotations

import json

from uwf import clock
from uwf.agent import APPROVAL
from uwf.agent.acp import permission
from uwf.agent.acp.telling import Telling, objects
from uwf.agent.clients import client
from uwf.agent.clients.client import TOKENS, USD, clean, number, rows
from uwf.agent.process.pump import Stdin
from uwf.agent.protocol import (
    HASH_CHARS,
    AgentFailure,
    Asks,
    Denied,
    Model,
    Permitted,
    Usage,
)
from uwf.agent.words.failure_signs import AUTHENTICATION, NETWORK, QUOTA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.agent.acp.permission import Permission, Policy
    from uwf.agent.protocol import AgentEvent, AgentRequest

    Reply = Mapping[str, Any]

VERSION = 1
CANCEL_S = 5.0
"""How long an agent whose prompt is called off has to say so."""
_CAPABILITIES = {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
_AUTH_REQUIRED = -32000
_NOT_OFFERED = {"code": -32601, "message": "this client does not offer that"}
_WRONG_PARAMS = -32602
_ERRORS = {
    "authentication_failed": AUTHENTICATION,
    "rate_limit": QUOTA,
    "server_error": NETWORK,
    "overloaded": NETWORK,
}
"""Its own word for what failed (`data.errorKind`)."""
_HOPELESS = ("model_not_found", "invalid_request")
_USED = ("inputTokens", "outputTokens", "cachedReadTokens", "cachedWriteTokens")
_USED_BY_GEMINI = ("input_tokens", "output_tokens")


class Talk(client.Reader):
    """What is said from both sides for `request`. Its requests for permission are decided by `policy`."""

    counts_exit = False

    def __init__(
        self,
        name: str,
        on_event: Callable[[AgentEvent], None],
        request: AgentRequest,
        policy: Policy,
    ) -> None:
        super().__init__(name, on_event)
        self.stdin = Stdin()
        self._request = request
        self._policy = policy
        self._telling: Telling | None = None
        self._asked = 0
        self._then: Callable[[Reply], object] = bool
        self._else: Callable[[Reply], object] = bool
        hello = {"protocolVersion": VERSION, "clientCapabilities": _CAPABILITIES}
        self._ask("initialize", hello, self._initialized)

    @property
    def has_ended(self) -> bool:
        """Its input has ended: nothing more is asked."""
        return not self.stdin.is_open

    def take(self, said: Mapping[str, Any]) -> None:
        """One message of the agent: a note, a request, or the reply to what it was asked last."""
        method, id, params = said.get("method"), said.get("id"), said.get("params")
        if isinstance(method, str):
            if method == "session/update":
                self._noted(objects(objects(params).get("update")))
            elif method == "session/request_permission":
                self._permit(id, params)
            elif id is not None:
                self._write({"id": id, "error": _NOT_OFFERED})
        elif id == self._asked and not self.has_ended:
            error = said.get("error")
            if isinstance(error, dict):
                self._else(error)
            else:
                self._then(objects(said.get("result")))

    def pause(self) -> None:
        """What it has said until now is told."""
        if self._telling is not None:
            self._telling.flush()

    def _noted(self, update: Mapping[str, Any]) -> None:
        """What comes before the prompt is the story of an earlier one."""
        if self._telling is not None:
            self._telling.take(update)
            if update.get("sessionUpdate") == "usage_update":
                self._count({})

    def _ask(
        self,
        method: str,
        params: Mapping[str, Any],
        then: Callable[[Reply], None],
        otherwise: Callable[[Reply], None] | None = None,
    ) -> None:
        self._asked += 1
        self._then, self._else = then, otherwise or self._fails
        self._write({"id": self._asked, "method": method, "params": params})

    def _write(self, message: Mapping[str, Any]) -> None:
        self.stdin.write(f"{json.dumps({'jsonrpc': '2.0', **message})}\n".encode())

    # Its session.

    def _initialized(self, reply: Reply) -> None:
        version = reply.get("protocolVersion")
        if version != VERSION:
            self._ends(f"speaks version {version!r} of the protocol, not {VERSION}")
            return
        can = objects(reply.get("agentCapabilities"))
        own = objects(can.get("sessionCapabilities"))
        session, method = self._request.session, None
        if self._request.forks_session:
            method = "session/fork" if "fork" in own else None
        elif "resume" in own:
            method = "session/resume"
        elif can.get("loadSession") is True:
            method = "session/load"
        if session is None or method is None:
            self._begin()
            return
        self._ask(method, {"sessionId": session, **self._place()}, self._opened, self._lost)

    def _place(self) -> dict[str, Any]:
        return {"cwd": self._request.cwd, "mcpServers": []}

    def _begin(self) -> None:
        self._request = client.in_new_session(self._request)
        self._ask("session/new", self._place(), self._opened)

    def _lost(self, error: Reply) -> None:
        """It does not know its session any more, or must not tell."""
        if error.get("code") == _AUTH_REQUIRED:
            self._fails(error)
        else:
            self._begin()

    def _opened(self, reply: Reply) -> None:
        known = None if self._request.forks_session else self._request.session
        named = reply.get("sessionId") or known
        if named == known and known is not None:
            self.session = known
        elif not self.names(named):
            self._ends("has named no session that it could be handed back")
            return
        mode = self._request.permissions
        if mode is None:
            self._set_model(reply)
            return
        modes = rows(objects(reply.get("modes")).get("availableModes"))
        names = ", ".join(clean(one.get("id")) for one in modes) or "none"
        self._ask(
            "session/set_mode",
            {"sessionId": self.session, "modeId": mode},
            lambda _set: self._set_model(reply),
            lambda error: self._ends(f"takes no mode {mode!r}; it has {names}", error),
        )

    def _set_model(self, reply: Reply) -> None:
        options = rows(reply.get("configOptions"))
        found = next((one for one in options if one.get("category") == "model"), None)
        model = self._request.model
        if model is None:
            self._prompt("" if found is None else clean(found.get("currentValue")))
        elif found is None:
            self._ends(f"cannot be told a model, such as {model!r}")
        else:
            names = ", ".join(clean(one.get("value")) for one in rows(found.get("options")))
            self._ask(
                "session/set_config_option",
                {"sessionId": self.session, "configId": found.get("id"), "value": model},
                lambda _set: self._prompt(model),
                lambda error: self._ends(f"takes no model {model!r}; it has {names}", error),
            )

    # Its prompt.

    def _prompt(self, model: str) -> None:
        if model:
            self.on_event(Model(model))
        self._telling = Telling(self.on_event, self.tools, self._request.output_limit_bytes)
        text = {"type": "text", "text": self._request.prompt}
        self._ask("session/prompt", {"sessionId": self.session, "prompt": [text]}, self._replied)

    def _replied(self, reply: Reply) -> None:
        assert self._telling is not None, "it was prompted"
        self._telling.flush()
        tokens = _tokens(reply)
        self._count({TOKENS: tokens} if tokens else {})
        why = clean(reply.get("stopReason"))
        if self.failed is None and why != "end_turn":
            self._ends(f"ended its turn for another reason than its end: {why or 'none'}")
            return
        if self.failed is None and self._telling.is_too_long:
            self._ends(f"has said more than {self._request.output_limit_bytes} bytes")
            return
        if self.failed is None:
            self.text = self._telling.message
        self._close()

    def _count(self, amounts: dict[str, float]) -> None:
        if self._telling is not None and self._telling.usd is not None:
            amounts[USD] = round(self._telling.usd, 9)
        if amounts:
            self.usage = amounts
            self.on_event(Usage(amounts))

    def _fails(self, error: Reply) -> None:
        """It replies with an error. What is known of its kind says the class, else its words do."""
        self.pause()
        data = objects(error.get("data"))
        parts = (
            clean(error.get("message")).removeprefix("Internal error: "),
            clean(data.get("details")),
        )
        words, kind = ": ".join(filter(None, parts)), clean(data.get("errorKind"))
        if error.get("code") == _AUTH_REQUIRED:
            kind = "authentication_failed"
        if kind in _HOPELESS:
            found = client.hopeless(f"agent {self.name} failed", words)
        else:
            found = client.told(self.name, words, failure_class=_ERRORS.get(kind))
        self.failed = self.failed or found
        self._close()

    def _ends(self, why: str, error: Reply | None = None) -> None:
        """What was asked for cannot be had from it, this time or another."""
        said = "" if error is None else clean(objects(error.get("data")).get("details"))
        self.failed = self.failed or client.hopeless(f"agent {self.name} {why}", said)
        self._close()

    def _close(self) -> None:
        self.tools.clear()
        self.stdin.close()

    # What it wants to be permitted.

    def _permit(self, id: Any, params: Any) -> None:
        if self._telling is None:
            self._write({"id": id, "result": permission.selected(None)})
            return
        call = clean(objects(objects(params).get("toolCall")).get("toolCallId"))
        known = self._telling.calls.setdefault(call, {})
        try:
            asked = permission.read(params, known, self._request.cwd)
        except ValueError as error:
            first = clean(str(error).partition("\n")[0])
            self._write({"id": id, "error": {"code": _WRONG_PARAMS, "message": first}})
            return
        known.update(asked.what)
        self._telling.call(call)
        self._write({"id": id, "result": permission.selected(self._decided(asked))})

    def _decided(self, asked: Permission) -> str | None:
        """The id of the option that is taken. None: a person is asked, and the prompt called off."""
        decision = permission.ASK if self.failed is not None else self._policy.decides(asked)
        if decision == permission.ASK:
            self._to_a_person(asked)
            return None
        if decision == permission.USE:
            self.on_event(Permitted(asked.hash))
            self._policy.used()
        if decision != permission.DENY and asked.yes is not None:
            return asked.yes
        assert self._telling is not None, "it was prompted"
        self.on_event(Denied(self._telling.tool_name(asked.call), asked.arguments))
        return asked.no

    def _to_a_person(self, asked: Permission) -> None:
        if self.failed is not None:
            return
        words = f"agent {self.name} asks to be permitted {asked.hash[:HASH_CHARS]}"
        message = f"{words}: {asked.question}"
        self.failed = AgentFailure(APPROVAL, APPROVAL, message)
        self.on_event(Asks(asked.hash, round(self._policy.lasts_s * 1000)))
        self.gives_up_s = clock.monotonic_s() + CANCEL_S
        self._write({"method": "session/cancel", "params": {"sessionId": self.session}})


def _tokens(reply: Reply) -> float:
    """What the prompt has used, in the words of the protocol, else in those of Gemini CLI."""
    used = objects(reply.get("usage"))
    quota = objects(objects(reply.get("_meta")).get("quota"))
    own = objects(quota.get("token_count"))
    said = sum(number(used.get(name)) for name in _USED)
    return said or sum(number(own.get(name)) for name in _USED_BY_GEMINI)
