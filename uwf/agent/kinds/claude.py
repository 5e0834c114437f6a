"""Claude Code, run as `claude -p` with streams of JSON lines in and out, so that it can be told more while it works.
Seen with 2.1.197; what 2.1.329 counts differently is told by its numbers. It streams its messages piece by piece, so
that a long one is no silence; a turn is a whole one.

Its session has a name of our choosing before it has said anything. An API failure ends with `subtype: success` and
`is_error`; a tool that was not permitted with a success in which `permission_denials` alone tells of it. The session is
looked for by folder: a name that is not known there any more begins a new one, with the same prompt. What it is told
while it works is read with the next result of a tool, or after its end, as another turn: it says when it has.
"""

from __future__ import annotations

import json
import os
import re
import uuid

from uwf.agent import failure
from uwf.agent.clients import client, inspection
from uwf.agent.clients.claude_count import COUNTED, Count
from uwf.agent.clients.client import clean, moment_ms, number, rows
from uwf.agent.clients.inspection import Inspection
from uwf.agent.clients.prices import prices
from uwf.agent.clients.session_files import SessionFolder
from uwf.agent.process.pump import Stdin
from uwf.agent.protocol import (
    Denied,
    Model,
    NewsHeard,
    RateLimit,
    Session,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from uwf.agent.words.failure_signs import AUTHENTICATION, NETWORK, QUOTA
from uwf.config_table import Table, count, key, names, text
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.agent.clients.inspection import Ask
    from uwf.agent.protocol import AgentEvent, AgentFailure, AgentRequest, AgentResult
    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner

NO_SESSION = "No conversation found with session ID"
_PIECE = b'{"type":"stream_event"'
_ERRORS = {
    "authentication_failed": AUTHENTICATION,
    "rate_limit": QUOTA,
    "server_error": NETWORK,
    "overloaded": NETWORK,
}
"""Its own word for what failed, where it names no status."""


class ClaudeOptions(Table, at="agents.*"):
    """How hard it thinks, the tools it may use unasked, after how many turns it ends, its settings: a file, or JSON;
    what its models cost.
    """

    effort: str | None = key(text)
    tools: tuple[str, ...] = key(names, unset=())
    max_turns: int | None = key(count)
    settings: str | None = key(text)
    prices: Mapping[str, Mapping[str, float]] = prices(*COUNTED)


class ClaudeAgent(client.ClientAgent):
    """Runs Claude Code without a person."""

    Options = ClaudeOptions
    options: ClaudeOptions
    streams = True
    own_variables = ("ANTHROPIC_", "CLAUDE_")

    def inspect(self, ask: Ask, env: Mapping[str, str], model: str | None) -> Inspection:
        """See `uwf.agent.clients.inspection`."""
        said = inspection.document(ask((*self.argv, "auth", "status"), b"").out)
        is_logged_in, how = said.get("loggedIn"), clean(said.get("authMethod"))
        return Inspection(
            inspection.version(ask((*self.argv, "--version"), b"")),
            is_logged_in if isinstance(is_logged_in, bool) else None,
            clean(said.get("apiKeySource")) or (how if is_logged_in is True else "") or None,
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
        came, reader = self._ask(request, stop, on_start, on_event)
        if request.session is not None and reader.knows_no_session:
            anew = client.in_new_session(request)
            came, _reader = self._ask(anew, stop, on_start, on_event)
        return came

    def _ask(
        self,
        request: AgentRequest,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> tuple[AgentResult, _Said]:
        is_resumed = request.session is not None and not request.forks_session
        session = request.session if is_resumed else str(uuid.uuid4())
        assert session is not None, "it is resumed, or has a new name"
        kept = session_folder(request.env, request.cwd)
        if request.session is not None and request.conversation is not None:
            kept.put(request.session, request.conversation)
        count = Count(request.counted or {}, self.options.prices)
        reader = _Said(self.name, on_event, session, count)

        def started(process: Owner | None) -> None:
            on_start(process)
            if not is_resumed:
                on_event(Session(session))

        def listen() -> None:
            """Hand on what was said meanwhile. Only once it has taken that in, more is asked for."""
            if reader.stdin.is_open and not reader.is_told:
                news = request.news()
                if news is not None:
                    reader.stdin.write(_message(news))
                    reader.is_told = True

        reader.stdin.write(_message(request.prompt))
        argv = (*self.argv, *self._words(request, session), *request.args)
        came = client.run(
            self.name,
            argv,
            request,
            reader,
            stop=stop,
            on_start=started,
            stdin=reader.stdin,
            on_tick=listen,
        )
        file = kept.find(session)
        if file is not None:
            on_event(file)
        return came, reader

    def _words(self, request: AgentRequest, session: str) -> list[str]:
        options = self.options
        words = ["-p", "--input-format", "stream-json", "--replay-user-messages"]
        words += ["--output-format", "stream-json", "--verbose", "--include-partial-messages"]
        if request.session is None:
            words += ["--session-id", session]
        elif request.forks_session:
            words += ["--resume", request.session, "--fork-session", "--session-id", session]
        else:
            words += ["--resume", request.session]
        for flag, value in (
            ("--model", request.model),
            ("--permission-mode", request.permissions),
            ("--effort", options.effort),
            ("--allowedTools", ",".join(options.tools) or None),
            ("--max-turns", options.max_turns),
            ("--max-budget-usd", request.usd_left),
            ("--settings", options.settings),
        ):
            if value is not None:
                words += [flag, str(value)]
        return words


class _Said(client.Reader):
    """What Claude Code says in one run of `session`."""

    def __init__(
        self,
        name: str,
        on_event: Callable[[AgentEvent], None],
        session: str,
        count: Count,
    ) -> None:
        super().__init__(name, on_event)
        self.session = session
        self.stdin = Stdin()
        self.knows_no_session = False
        self.is_told = False
        """Whether something was said to it that it has not taken in yet."""
        self._count = count
        self._has_prompt = False
        self._error = ""
        self._resets_ms: int | None = None

    def line(self, data: bytes) -> None:
        """Of the pieces of a message, which come again as a whole, only its beginning and its end are read."""
        if not data.startswith(_PIECE) or b'"message_' in data:
            super().line(data)

    def take(self, said: Mapping[str, Any]) -> None:
        """One line of the stream."""
        kind = said.get("type")
        if kind == "system" and said.get("subtype") == "init":
            self.on_event(Model(clean(said.get("model"))))
        elif kind == "assistant":
            self._assistant(said)
        elif kind == "user":
            self._user(said)
        elif kind == "stream_event":
            self._uses(self._count.streams(said))
        elif kind == "rate_limit_event":
            self._limit(said.get("rate_limit_info"))
        elif kind == "result":
            self._result(said)

    def _assistant(self, said: Mapping[str, Any]) -> None:
        message = said.get("message")
        if not isinstance(message, dict):
            return
        self._error = clean(said.get("error")) or self._error
        if said.get("error") is not None:
            return  # its text is the client's word on an error, and comes again with the result
        is_helper = said.get("parent_tool_use_id") is not None
        for block in rows(message.get("content")):
            if block.get("type") == "text":
                found = clean(block.get("text"))
                self.on_event(Thinking(found) if is_helper else Text(f"{found}\n"))
            elif block.get("type") == "thinking":
                self.on_event(Thinking(clean(block.get("thinking"))))
            elif block.get("type") == "tool_use":
                id, given = clean(block.get("id")), block.get("input")
                self.tools.add(id)
                arguments = given if isinstance(given, dict) else {}
                self.on_event(ToolCall(id, clean(block.get("name")), arguments))
        self._uses(self._count.message(message))

    def _uses(self, used: Usage | None) -> None:
        if used is not None:
            self.usage = used.amounts
            self.on_event(used)

    def _user(self, said: Mapping[str, Any]) -> None:
        if said.get("isReplay") is True:
            self._takes_in()
            return
        message = said.get("message")
        for block in rows(message.get("content") if isinstance(message, dict) else None):
            if block.get("type") == "tool_result":
                id, given = clean(block.get("tool_use_id")), block.get("content")
                self.tools.discard(id)
                parts = "\n".join(clean(part.get("text")) for part in rows(given))
                is_error = block.get("is_error") is True
                self.on_event(ToolResult(id, clean(given) or parts, is_error))

    def _takes_in(self) -> None:
        """It has read a message from its stdin: first the prompt. One that comes after its end begins another turn."""
        if self._has_prompt and self.is_told:
            self.is_told, self.text = False, None
            self.on_event(NewsHeard())
        self._has_prompt = True

    def _limit(self, info: Any) -> None:
        if not isinstance(info, dict):
            return
        is_reached, resets_ms = info.get("status") == "rejected", moment_ms(info.get("resetsAt"))
        self._resets_ms = resets_ms if is_reached else None
        self.on_event(RateLimit(is_reached, resets_ms))

    def _result(self, said: Mapping[str, Any]) -> None:
        self.stdin.close()  # what it was told and has not read yet, it answers now
        self.tools.clear()
        self._uses(self._count.ends(said))
        for denied in rows(said.get("permission_denials")):
            given = denied.get("tool_input")
            arguments = given if isinstance(given, dict) else {}
            self.on_event(Denied(clean(denied.get("tool_name")), arguments))
        errors = said.get("errors")
        words = clean(said.get("result")) or "; ".join(
            clean(error) for error in (errors if isinstance(errors, list) else [])
        )
        if said.get("is_error") is False and said.get("subtype") == "success":
            self.text = words
            return
        self.knows_no_session = NO_SESSION in words and not number(said.get("num_turns"))
        self.failed = self._why(said, words)

    def _why(self, said: Mapping[str, Any], words: str) -> AgentFailure:
        name, subtype = self.name, clean(said.get("subtype"))
        if subtype == "error_max_turns":
            ended = client.hopeless(f"agent {name} ended after its most turns (max_turns)", words)
            return replace(ended, failure_class=failure.MAX_TURNS)
        if subtype == "error_max_budget_usd":
            ended = client.failed(f"agent {name} ended at what its run may cost", words)
            return replace(ended, code=failure.BUDGET)
        status = said.get("api_error_status")
        known = status if isinstance(status, int) else None
        if known is not None and known < 400:
            known = None
        return client.told(
            name,
            words,
            status=known,
            resets_ms=self._resets_ms,
            failure_class=None if known else _ERRORS.get(self._error),
        )


def session_folder(env: Mapping[str, str], cwd: str) -> SessionFolder:
    """Where it keeps the sessions of the folder `cwd`; of a path that is too long for a name it knows another way."""
    home = env.get("CLAUDE_CONFIG_DIR") or os.path.join(env.get("HOME", ""), ".claude")
    name = re.sub("[^a-zA-Z0-9]", "-", os.path.realpath(cwd))
    return SessionFolder(os.path.join(cwd, home, "projects", name), "{}.jsonl")


def _message(text: str) -> bytes:
    """A message of a person, as a line on its stdin."""
    said = {"type": "user", "message": {"role": "user", "content": text}}
    return json.dumps(said).encode() + b"\n"
