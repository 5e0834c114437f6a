"""A model that is asked over HTTP: chat completions or responses, of OpenAI or whoever speaks like it.

It has no process, no tools and no session: each prompt is whole, also that which asks again after a bad reply. What
such a service says is read in `uwf/agent/clients/model_api.py`.
"""

from __future__ import annotations

import json
import select

from uwf import __version__, clock
from uwf.agent import failure
from uwf.agent.clients import client
from uwf.agent.clients.inspection import Inspection
from uwf.agent.clients.prices import prices
from uwf.agent.process.pump import PAUSE_S
from uwf.agent.protocol import AgentFailure, AgentResult, ProcessFacts
from uwf.agent.words.failure_signs import AUTHENTICATION
from uwf.config_table import Table, each, key, one_of, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from uwf.agent.clients.http_post import Post
    from uwf.agent.clients.inspection import Ask
    from uwf.agent.clients.model_api import Heard
    from uwf.agent.protocol import AgentEvent, AgentRequest, Ended
    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner

_APIS = ("chat", "responses")
_FOREVER = float("inf")


def _address(value: Any) -> str:
    from urllib.parse import urlsplit

    there = urlsplit(text(value))
    if there.scheme not in ("http", "https") or not there.hostname:
        raise ValueError(f"{value!r} is not an address that begins with https:// or http://")
    if there.username or there.password:
        raise ValueError("a key stands in the variable that key_env names, not in the address")
    there.port  # noqa: B018  # ValueError for one that is no number
    return str(value).rstrip("/")


def _parameter(value: Any) -> Any:
    if not isinstance(value, (str, int, float, bool)):
        raise ValueError(f"{value!r} is not a number, a text, true or false")
    return value


class OpenAIOptions(Table, at="agents.*"):
    """Where the model is asked, in which words; the environment variable with the key; what else is to stand in each
    request, such as `temperature`; what its models cost.
    """

    base_url: str | None = key(_address)
    api: str = key(one_of(_APIS), unset="chat")
    key_env: str | None = key(text)
    parameters: Mapping[str, Any] = each(_parameter)
    prices: Mapping[str, Mapping[str, float]] = prices()


class OpenAIAgent:
    """Asks a model for a reply."""

    Options = OpenAIOptions
    streams = True
    own_variables = None

    def __init__(self, name: str, argv: Sequence[str], options: OpenAIOptions) -> None:
        self.name = name
        self.options = options

    def unavailable(self, cwd: str, path: str) -> str | None:
        """See `uwf.agent.protocol.Agent`."""
        if self.options.base_url is None:
            return f"agents.{self.name}.base_url is not set"
        return None

    def inspect(self, ask: Ask, env: Mapping[str, str], model: str | None) -> Inspection:
        """See `uwf.agent.clients.inspection`: its service is asked for the models that it has."""
        from uwf.agent.clients.model_list import inspect

        options = self.options
        if model is None:
            return Inspection(problem=f"agents.{self.name}.model is not set")
        if options.base_url is None:
            return Inspection()
        secret = "" if options.key_env is None else env.get(options.key_env, "").strip()
        if options.key_env is not None and not secret:
            return Inspection(is_logged_in=False, problem=f"{options.key_env} is not set")
        return inspect(options.base_url, secret, model)

    def run(
        self,
        request: AgentRequest,
        *,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> AgentResult:
        """Ask once, and hear the answer as it comes."""
        from uwf.agent.clients.http_post import Post
        from uwf.agent.clients.model_api import APIS

        on_start(None)
        options = self.options
        api = APIS[options.api]
        heard = api(self.name, on_event, options.prices.get(request.model or "", {}))
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
            "User-Agent": f"uwf/{__version__}",
        }
        if options.key_env is not None:
            secret = request.env.get(options.key_env, "").strip()
            if not secret:
                return self._failed(
                    f"agent {self.name}: {options.key_env}, which key_env names, is not set",
                    AUTHENTICATION,
                )
            headers["Authorization"] = f"Bearer {secret}"
        if options.base_url is None or request.model is None:
            missing = "base_url" if options.base_url is None else "model"
            return self._failed(f"agents.{self.name}.{missing} is not set")
        if stop.count:
            return self._result(heard, "stopped")
        body = {**api.body(request.model, client.clean(request.prompt)), **options.parameters}
        try:
            post = Post(f"{options.base_url}{api.PATH}", headers, json.dumps(body).encode())
        except (OSError, RuntimeError) as error:
            message = f"this shell or its machine has no room for agent {self.name}: {error}"
            return AgentResult("", failure=AgentFailure(failure.MACHINE, failure.MACHINE, message))
        try:
            request.meanwhile()
            ended = _listen(post, heard, request, stop)
        finally:
            post.close()
        return self._result(heard, ended)

    def _result(self, heard: Heard, ended: Ended) -> AgentResult:
        heard.thoughts.flush()
        facts = ProcessFacts(ended, exit_code=0)
        why = failure.of_process(self.name, facts, stdout="", stderr="", error="")
        return AgentResult(
            heard.said,
            heard.texts.rest(),
            usage=heard.usage,
            failure=why or heard.failed,
        )

    def _failed(self, message: str, failure_class: str = failure.SPAWN_FAILED) -> AgentResult:
        why = AgentFailure(failure.SPAWN_FAILED, failure_class, message, is_hopeless=True)
        return AgentResult("", failure=why)


def _listen(post: Post, heard: Heard, request: AgentRequest, stop: Stop) -> Ended:
    """Hear the answer to its end, or to the first reason to hear no more of it."""
    from uwf.agent.clients.http_post import End, Head

    poll = select.poll()
    for waker in (post.fileno(), stop.fileno()):
        poll.register(waker, select.POLLIN)
    last_s = clock.monotonic_s()
    timeout_s = _FOREVER if request.timeout_s is None else last_s + request.timeout_s
    silence_s = _FOREVER if request.stall_timeout_s is None else request.stall_timeout_s
    while not heard.is_over:
        now_s = clock.monotonic_s()
        if stop.count:
            return "stopped"
        if now_s >= timeout_s:
            return "timeout"
        if now_s >= last_s + silence_s:
            return "stall"
        if heard.is_too_long or heard.size_bytes > request.output_limit_bytes:
            return "output_limit"
        until_s = min(timeout_s, last_s + silence_s)
        if heard.texts or heard.thoughts:
            until_s = min(until_s, last_s + PAUSE_S)
            if now_s >= last_s + PAUSE_S:
                heard.flush()
                continue
        came = poll.poll(None if until_s == _FOREVER else max(0.0, until_s - now_s) * 1000)
        if any(descriptor == post.fileno() for descriptor, _event in came):
            last_s = clock.monotonic_s()
            for part in post.taken():
                if isinstance(part, Head):
                    heard.begin(part)
                elif isinstance(part, End):
                    heard.finish(part.error)
                else:
                    heard.add(part)
    return "exit"
