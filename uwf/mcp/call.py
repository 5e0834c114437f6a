"""One call of a tool: its arguments checked, run on an app of its own, its answer in words and as a document.

Nothing here speaks the protocol.
"""

from __future__ import annotations

import threading
import time

from uwf import error_report
from uwf.app import App
from uwf.errors import InputError
from uwf.jsontext import dumps
from uwf.mcp.tools.acts import RunRefused
from uwf.mcp.tools.table import TOOLS
from uwf.mcp.tools.tool import ClientCall, Tool
from uwf.nearest import or_meant
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.app.values import Following, Glance
    from uwf.mcp.access import Access

    Report = Callable[[int, str], None]
    """Told how many things have happened so far, and the newest in words."""

LOOK_S, SILENT_S = 0.2, 15.0
"""Between two looks at a thread; and after how long something is said, though nothing has happened."""
WORDS_CHARS = 200
MOST_TOLD = 5
"""Of what is new at one look."""


class ToolAnswer(Record):
    """What a client is given: `text` for its model, and the same as a document."""

    text: str
    document: Mapping[str, Any]
    is_error: bool = False


class Caller:
    """Whoever calls tools of this home: `client` is what it calls itself."""

    def __init__(self, home: str, access: Access, client: str) -> None:
        self.home = home
        self.access = access
        self.client = client

    def call(
        self, name: str, given: Mapping[str, Any], report: Report, stop: threading.Event
    ) -> ToolAnswer:
        """Run the tool `name`. Raises nothing: what went wrong is an answer, too. `stop` ends its waiting."""
        warnings: list[str] = []
        try:
            tool = self._tool(name)
            _check(tool, given, tool.schema(self.access))
            with App.open(self.home, warn=warnings.append) as app:
                app.doing, app.client = f"mcp {name}", self.client
                own = self.access.thread_for(name)
                found = tool.run(
                    ClientCall(app, self.access, own, given, Follower(report, stop).follow)
                )
        except RunRefused as error:
            return _failed(error.report)
        except Exception as error:
            return _failed(error_report.of(error))
        if warnings:
            found = {**found, "warnings": warnings}
        return ToolAnswer(_words(found), found)

    def _tool(self, name: str) -> Tool:
        if name not in TOOLS:
            known = [tool for tool in TOOLS if self.access.has(tool)]
            raise InputError(
                f"there is no tool {name[:60]!r}{or_meant(name, known)}", code="no_such_tool"
            )
        if not self.access.has(name):
            self.access.check(name)
        return TOOLS[name]


class Follower:
    """Waits for a thread, and tells what its agent does. `stop` ends the waiting."""

    def __init__(self, report: Report, stop: threading.Event) -> None:
        self._report = report
        self._stop = stop
        self._count = 0

    def follow(self, following: Following, seconds: float) -> None:
        began_s = said_s = time.monotonic()
        while True:
            glance = following.look()
            now_s = time.monotonic()
            if glance is not None:
                self._tell(glance)
                said_s = now_s
            elif now_s - said_s >= SILENT_S:
                self._say(f"nothing new for {now_s - said_s:.0f} s")
                said_s = now_s
            left_s = began_s + seconds - now_s
            if following.is_over or left_s <= 0 or self._stop.wait(min(LOOK_S, left_s)):
                return

    def _tell(self, glance: Glance) -> None:
        running = glance.thread.running
        role = None if running is None else running.role
        happened = [f"{role or 'agent'}, {turn.kind}: {turn.text}" for turn in glance.turns]
        happened += [f"step {step.index}: {step.role} → {step.status}" for step in glance.steps]
        if not happened:
            happened = [glance.thread.status if role is None else f"{role} works"]
        self._count += max(0, len(happened) - MOST_TOLD)
        for words in happened[-MOST_TOLD:]:
            self._say(words)

    def _say(self, words: str) -> None:
        self._count += 1
        self._report(self._count, " ".join(words.split())[:WORDS_CHARS])


def _check(tool: Tool, given: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Raise `InputError` for arguments that the tool does not take."""
    import jsonschema_rs

    for name in given:
        if name not in tool.takes:
            raise InputError(
                f"{tool.name} takes no {name[:60]!r}{or_meant(name, tool.takes)}", code="usage"
            )
    for problem in jsonschema_rs.iter_errors(dict(schema), dict(given)):
        where = ".".join(map(str, problem.instance_path))
        raise InputError(
            f"{tool.name}: {where + ': ' if where else ''}{problem.message[:300]}", code="usage"
        )


def _words(found: Mapping[str, Any]) -> str:
    """The answer for a model: a text as it is, with how to read on; all else as JSON."""
    if "markdown" not in found:
        return dumps(dict(found))
    text = str(found["markdown"])
    if found["next"] is None:
        return text
    return f"{text}\n\n(… {found['chars'] - found['next']} more characters: read on with offset {found['next']})"


def _failed(error: error_report.ErrorReport) -> ToolAnswer:
    hint = f"\nhint: {error.hint}" if error.hint else ""
    document = {"code": error.code, "message": error.message, "hint": error.hint, **error.more}
    return ToolAnswer(f"error: {error.message}{hint}", {"error": document}, is_error=True)
