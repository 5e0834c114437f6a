"""Codex, run as `codex exec --json` with its stream of JSON lines. Seen with 0.171.0.

It names its session in its first line, and goes on counting what a session has used over its runs and forks: what it
had used before is subtracted. It says its count at the end of a run alone; what it keeps of the session in a file says
it with each answer, also of a run that was killed. It knows no money, which `prices` say. What its sandbox denies is
told by the output of a command that went on all the same; one that failed by it, and a patch, are told by nothing.

While its service cannot be reached it waits without end, and says so again and again: after `MOST_WAIT_S` it is ended,
and its network has failed. npm installs it behind a program for node, which is passed by: what would survive that
cannot begin.
"""

from __future__ import annotations

import glob
import os
import re

from uwf.agent.clients import client, inspection
from uwf.agent.clients.client import TOKENS, USD, clean, number, rows
from uwf.agent.clients.inspection import Inspection
from uwf.agent.clients.prices import prices, usd
from uwf.agent.clients.rollout import COUNTED, Rollout, counts_of, folder
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
_NO_ARGUMENTS = ("id", "type", "status", "aggregated_output", "exit_code", "result", "error")


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
        if request.session is not None and request.conversation is not None:
            folder(request.env, request.cwd).put(request.session, request.conversation)
        prices = self.options.prices.get(request.model or "", {})
        reader = _Said(self.name, on_event, request, prices)
        argv = (*_direct(self.argv, request), *_words(request))
        return client.run(
            self.name, argv, request, reader, stop=stop, on_start=on_start, on_tick=reader.look
        )


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


class _Said(client.Reader):
    """What Codex says in one run for `request`, and what its session has used by its own count."""

    def __init__(
        self,
        name: str,
        on_event: Callable[[AgentEvent], None],
        request: AgentRequest,
        prices: Mapping[str, float],
    ) -> None:
        super().__init__(name, on_event)
        self._env, self._cwd = request.env, request.cwd
        self._model = request.model
        self._is_free = request.permissions == _FREE
        self._before = _used_before(request)
        self._counted = dict(self._before)
        self._rollout: Rollout | None = None
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
            self._ends_turn(counts_of(said.get("usage")))
            self.tools.clear()
            self.text = self._message
        elif kind == "turn.failed":
            error = said.get("error")
            self.tools.clear()
            self.failed = self._why(clean(error.get("message") if isinstance(error, dict) else ""))
        elif kind in ("item.started", "item.completed") and isinstance(item, dict):
            self._item(item, is_whole=kind == "item.completed")

    def look(self) -> None:
        """Take what stands in its file by now."""
        counts = None if self._rollout is None else self._rollout.counts()
        if counts is not None:
            self._count(counts)

    def ends(self) -> None:
        """See `uwf.agent.clients.client.Reader`."""
        self.look()
        if self._rollout is not None and self._rollout.file is not None:
            self.on_event(self._rollout.file)

    def _starts(self, session: Any) -> None:
        """What the session had used before is known from now on, so that it is not counted if this run is killed."""
        self.on_event(Usage({}, self._before))
        if self.names(session):
            self._rollout = Rollout(self._env, self._cwd, session)
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

    def _ends_turn(self, said: Mapping[str, float]) -> None:
        """The client says what it has counted itself, which is this run alone where that is less than before."""
        self.look()
        has_less = any(said[name] < amount for name, amount in self._before.items())
        if has_less and (self._rollout is None or self._rollout.counts() is None):
            self._before, self._counted = dict.fromkeys(COUNTED, 0), dict.fromkeys(COUNTED, 0)
        self._count(said)

    def _count(self, said: Mapping[str, float]) -> None:
        """Take what is counted of the session: its file or its client says more, and nothing is taken back."""
        counted = {name: max(said[name], amount) for name, amount in self._counted.items()}
        if counted == self._counted:
            return
        self._counted = counted
        used = {name: amount - self._before[name] for name, amount in counted.items()}
        amounts = {TOKENS: used["input"] + used["output"]}
        cost = usd(used, self._prices)
        if cost is not None:
            amounts[USD] = cost
        self.usage = amounts
        self.on_event(Usage(amounts, dict(counted)))


def _used_before(request: AgentRequest) -> dict[str, float]:
    """What the session of `request` had used when it was counted last.

    What its file says beyond that was used by a run that was killed, and is counted with this one; but for a session
    that is forked, where another may have used it. A file that says less was written anew.
    """
    counted = request.counted
    known = None if counted is None else {name: number(counted.get(name)) for name in COUNTED}
    session, found = request.session, None
    if session is not None:
        found = Rollout(request.env, request.cwd, session).counts()
    if found is None:
        return known or dict.fromkeys(COUNTED, 0)
    if known is None or request.forks_session:
        return found
    return {name: min(known[name], amount) for name, amount in found.items()}


def _result_text(result: Any) -> str:
    """The text of what a tool of a server has given back."""
    content = result.get("content") if isinstance(result, dict) else None
    return "\n".join(clean(part.get("text")) for part in rows(content))
