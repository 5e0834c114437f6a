"""One call of a tool: its arguments checked, run on an app of its own, its answer in words and as a document.

Nothing here speaks the protocol.
"""

from __future__ import annotations

from uwf import error_report
from uwf.app import App
from uwf.app.thread.detached import RunRefused
from uwf.errors import InputError, UwfError
from uwf.jsontext import dumps
from uwf.mcp import bounds
from uwf.mcp.follower import Follower
from uwf.mcp.tools.table import TOOLS
from uwf.mcp.tools.tool import ClientCall, Tool
from uwf.nearest import or_meant
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from typing import Any

    from uwf.mcp.access import Access
    from uwf.mcp.follower import Report


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
            given = _checked(tool, given, tool.schema(self.access))
            with App.open(self.home, warn=warnings.append) as app:
                app.doing, app.client = f"mcp {name}", self.client
                own = self.access.thread_for(name)
                found = tool.run(
                    ClientCall(app, self.access, own, given, Follower(report, stop).follow)
                )
        except RunRefused as error:
            return _failed(failure(self.home, error.report))
        except Exception as error:
            return _failed(failure(self.home, error_report.of(error)))
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


def failure(home: str, error: error_report.ErrorReport) -> dict[str, Any]:
    """What went wrong, as a document. It may quote what a client has sent: it is cut to size and has no secrets."""
    try:
        with App.open(home) as app:
            said = app.redactor.value(error.document)
    except UwfError as unreadable:  # the config: which values are secret is not known
        said = error_report.of(unreadable).document
    return bounds.document({"error": said})


def _checked(tool: Tool, given: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """`given`, with whole numbers as such. Raise `InputError` for arguments that the tool does not take."""
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
    whole = {name for name, about in tool.takes.items() if about.get("type") == "integer"}
    # To JSON 1.0 is an integer, too.
    return {name: int(value) if name in whole else value for name, value in given.items()}


def _words(found: Mapping[str, Any]) -> str:
    """The answer for a model: a text as it is, with how to read on; all else as JSON."""
    if "markdown" not in found:
        return dumps(dict(found))
    return bounds.said(found, f"read on with offset {found['next']}")


def _failed(document: Mapping[str, Any]) -> ToolAnswer:
    error = document["error"]
    hint = f"\nhint: {error['hint']}" if error["hint"] else ""
    return ToolAnswer(f"error: {error['message']}{hint}", document, is_error=True)
