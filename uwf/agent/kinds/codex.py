"""Codex, run as `codex exec --json` with its stream of JSON lines. Seen with 0.171.0.

It names its session in its first line, and goes on counting what a session has used over its runs and forks: what it
had used before is subtracted. It knows no money, which `prices` say. What its sandbox denies is told by the output of a
command that went on all the same; one that failed by it, and a patch, are told by nothing at all.

While its service cannot be reached it waits without end, and says so again and again: after `MOST_WAIT_S` it is ended,
and its network has failed. npm installs it behind a program for node, which is passed by: what would survive that
cannot begin.
"""

from __future__ import annotations

import glob
import json
import os
import re

from uwf.agent.clients import client, inspection
from uwf.agent.clients.client import TOKENS, USD, clean, number, rows
from uwf.agent.clients.inspection import Inspection
from uwf.agent.clients.prices import prices, usd
from uwf.agent.process import program
from uwf.agent.protocol import (
    Denied,
    Model,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from uwf.config_table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from uwf.agent.clients.inspection import Ask
    from uwf.agent.protocol import AgentEvent, AgentFailure, AgentRequest, AgentResult
    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner

MOST_WAIT_S = 120.0
"""How long it may wait for its network: longer a thread waits better without a process."""
_NO_SESSION = "no rollout found for thread id"
_WAITS = "Reconnecting..."
_DENIED = r"(?m)^.*: Read-only file system$"
"""How a program ends its line where the sandbox keeps it from writing, in the words of Linux."""
_FREE = "danger-full-access"
_STATUS = r"^(?:unexpected|exceeded retry limit, last) status:? (\d{3})\b"
_COUNTED = {
    "input": "input_tokens",
    "cached": "cached_input_tokens",
    "output": "output_tokens",
}
"""What is counted of a session, and how its client calls it. What was cached is part of the input."""
_NO_ARGUMENTS = ("id", "type", "status", "aggregated_output", "exit_code", "result", "error")
_ROLLOUT_BYTES = 256 << 10


class CodexOptions(Table, at="agents.*"):
    """What its models cost."""

    prices: Mapping[str, Mapping[str, float]] = prices()


class CodexAgent(client.ClientAgent):
    """Runs Codex without a person."""

    Options = CodexOptions
    options: CodexOptions
    streams = True
    own_variables = ("OPENAI_", "CODEX_")

    def inspect(self, ask: Ask, env: Mapping[str, str], model: str | None) -> Inspection:
        """See `uwf.agent.clients.inspection`. A login at another provider, of its config, is none to it."""
        said = ask((*self.argv, "login", "status"), b"")
        lines = (said.err or said.out).decode(errors="replace").splitlines()
        words = next((line for line in lines if line and not line.startswith("WARNING")), None)
        is_logged_in = True if said.code == 0 else False if words == "Not logged in" else None
        return Inspection(
            inspection.version(ask((*self.argv, "--version"), b"")), is_logged_in, words
        )

    def run(
        self,
        request: AgentRequest,
        *,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> AgentResult:
        """Ask it once; once more in a new session, where it does not know the one it should go on in."""
        came = self._ask(request, stop, on_start, on_event)
        if request.session is not None and came.session is None and _NO_SESSION in came.stderr:
            anew = client.in_new_session(request)
            came = self._ask(anew, stop, on_start, on_event)
        return came

    def _ask(
        self,
        request: AgentRequest,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> AgentResult:
        before = request.counted or {}
        if request.session is not None and request.forks_session:
            before = _counted_in(request.env, request.session) or before
        prices = self.options.prices.get(request.model or "", {})
        reader = _Said(self.name, on_event, request, before, prices)
        argv = (*_direct(self.argv, request), *_words(request))
        return client.run(self.name, argv, request, reader, stop=stop, on_start=on_start)


def _words(request: AgentRequest) -> list[str]:
    words = ["exec", "--json", "--skip-git-repo-check"]
    if request.model is not None:
        words += ["--model", request.model]
    if request.permissions is not None:
        words += ["--sandbox", request.permissions]
    words += request.args
    if request.session is not None:
        words += ["fork" if request.forks_session else "resume", request.session]
    return [*words, "-"]


def _direct(argv: Sequence[str], request: AgentRequest) -> tuple[str, ...]:
    """`argv` with the program itself in the place of the one for node that npm has put before it."""
    try:
        found = program.find_program(argv, request.cwd, request.env.get("PATH", ""))
    except program.SpawnFailed:
        return tuple(argv)  # which is told where it is started
    package = os.path.dirname(os.path.dirname(os.path.realpath(found)))
    if os.path.basename(package) != "codex":
        return tuple(argv)
    inside = os.path.join("vendor", "*", "bin", "codex")
    places = (
        os.path.join(glob.escape(os.path.dirname(package)), "codex-*", inside),
        os.path.join(glob.escape(package), "node_modules", "@openai", "codex-*", inside),
    )
    natives = [file for place in places for file in glob.glob(place) if os.access(file, os.X_OK)]
    return (natives[0], *argv[1:]) if len(natives) == 1 else tuple(argv)


def _counted_in(env: Mapping[str, str], session: str) -> dict[str, float] | None:
    """What a session has used by now, which may be more than when it was named; None where its file is not found."""
    home = env.get("CODEX_HOME") or os.path.join(env.get("HOME", ""), ".codex")
    name = f"rollout-*-{glob.escape(session)}.jsonl"
    files = glob.glob(os.path.join(glob.escape(home), "sessions", "*", "*", "*", name))
    for path in files[:1]:
        try:
            with open(path, "rb") as file:
                file.seek(max(0, os.path.getsize(path) - _ROLLOUT_BYTES))
                lines = file.read().splitlines()
        except OSError:
            return None
        for line in reversed(lines):
            if b'"total_token_usage"' in line:
                try:
                    return _counts(json.loads(line)["payload"]["info"]["total_token_usage"])
                except (ValueError, LookupError, TypeError):
                    return None
    return None


def _counts(used: Any) -> dict[str, float]:
    given = used if isinstance(used, dict) else {}
    return {name: number(given.get(word)) for name, word in _COUNTED.items()}


class _Said(client.Reader):
    """What Codex says in one run for `request`, whose session had used `before` by its own count."""

    def __init__(
        self,
        name: str,
        on_event: Callable[[AgentEvent], None],
        request: AgentRequest,
        before: Mapping[str, float],
        prices: Mapping[str, float],
    ) -> None:
        super().__init__(name, on_event)
        self._model = request.model
        self._is_free = request.permissions == _FREE
        self._before = {word: number(before.get(word)) for word in _COUNTED}
        self._prices = prices
        self._wait_s = min(MOST_WAIT_S, request.stall_timeout_s or MOST_WAIT_S)
        self._message = ""

    def take(self, said: Mapping[str, Any]) -> None:
        """One line of the stream."""
        kind, item = said.get("type"), said.get("item")
        words = clean(said.get("message"))
        if kind == "error" and words.startswith(_WAITS):
            self.waits(words, self._wait_s)
            return
        self.goes_on()
        if kind == "thread.started":
            self._starts(said.get("thread_id"))
        elif kind == "turn.completed":
            self._count(_counts(said.get("usage")))
            self.tools.clear()
            self.text = self._message
        elif kind == "turn.failed":
            error = said.get("error")
            self.tools.clear()
            self.failed = self._why(clean(error.get("message") if isinstance(error, dict) else ""))
        elif kind in ("item.started", "item.completed") and isinstance(item, dict):
            self._item(item, is_whole=kind == "item.completed")

    def _starts(self, session: Any) -> None:
        """What the session had used before is known from now on, so that it is not counted if this run is killed."""
        self.on_event(Usage({}, self._before))
        self.names(session)
        if self._model is not None:
            self.on_event(Model(self._model))

    def _item(self, item: Mapping[str, Any], *, is_whole: bool) -> None:
        kind, id, found = item.get("type"), clean(item.get("id")), clean(item.get("text"))
        if kind == "agent_message":
            if is_whole:
                self._message = found
                self.on_event(Text(f"{found}\n"))
        elif kind == "reasoning":
            if is_whole:
                self.on_event(Thinking(found))
        elif kind not in ("error", "todo_list"):
            self._tool(id, clean(kind), item, is_whole=is_whole)

    def _tool(self, id: str, name: str, item: Mapping[str, Any], *, is_whole: bool) -> None:
        arguments = {word: value for word, value in item.items() if word not in _NO_ARGUMENTS}
        if id not in self.tools:
            self.tools.add(id)
            self.on_event(ToolCall(id, name, arguments))
        if not is_whole:
            return
        self.tools.discard(id)
        error = item.get("error")
        came = clean(item.get("aggregated_output")) or _result_text(item.get("result"))
        if isinstance(error, dict):
            came = came or clean(error.get("message"))
        status = item.get("status")
        self.on_event(ToolResult(id, came, status in ("failed", "declined")))
        if status == "declined" or (not self._is_free and re.search(_DENIED, came)):
            self.on_event(Denied(name, arguments))

    def _why(self, words: str) -> AgentFailure:
        status = re.match(_STATUS, words)
        known = int(status[1]) if status else None
        return client.told(self.name, words, status=known)

    def _count(self, counted: Mapping[str, float]) -> None:
        """Take what the client has counted of its session; of one that counts from zero again that is this run."""
        since = {name: counted[name] - self._before[name] for name in counted}
        used = since if min(since.values()) >= 0 else counted
        amounts = {TOKENS: used["input"] + used["output"]}
        cost = usd(used, self._prices)
        if cost is not None:
            amounts[USD] = cost
        self.usage = amounts
        self.on_event(Usage(amounts, dict(counted)))


def _result_text(result: Any) -> str:
    """The text of what a tool of a server has given back."""
    content = result.get("content") if isinstance(result, dict) else None
    return "\n".join(clean(part.get("text")) for part in rows(content))
