"""Tools that look. Each client has them, and they change nothing."""

from __future__ import annotations

from itertools import islice

from uwf.errors import InputError
from uwf.jsontext import document
from uwf.mcp import bounds
from uwf.mcp.tools.tool import LIMIT, MOST, OFFSET, STEP, THREAD, Tool, documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from uwf.mcp.tools.tool import ClientCall

ROWS = 20


def _list(call: ClientCall) -> dict[str, Any]:
    offset, limit = _page(call)
    found = call.app.threads(
        _statuses(call.get("status", "active")),
        workflow=call.get("workflow"),
        labels=call.get("labels"),
        limit=limit + 1,
        offset=offset,
    )
    return bounds.rows("threads", documents(found.threads), offset, limit, "the tool show")


def _statuses(word: str) -> str | tuple[str, ...]:
    return word if word in ("active", "history", "all") else tuple(word.split(","))


def _show(call: ClientCall) -> dict[str, Any]:
    step = _step(call)
    if step is None:
        return bounds.document(document(call.app.show(call.thread)), "the tool read")
    found = document(call.app.steps.show(step))
    return bounds.document(found, "the tools read and turns, with this step")


def _step(call: ClientCall) -> str | None:
    """The step that is meant, None for a whole thread."""
    step: str | None = call.get("step")
    if step is not None and call.get("thread") is not None:
        raise InputError("a step names its thread: give one of both", code="usage")
    return step


def _steps(call: ClientCall) -> dict[str, Any]:
    return _rows(call, "steps", call.app.steps.all(call.thread), "the tool show, with the step")


def _turns(call: ClientCall) -> dict[str, Any]:
    found = call.app.steps.turns(call.thread, call.get("step"))
    newest = max(0, len(found) - _page(call)[1])
    return {**_rows(call, "turns", found, "uwf cas get TURN", newest), "total": len(found)}


def _read(call: ClientCall) -> dict[str, Any]:
    app, step = call.app, _step(call)
    page = app.steps.read(step) if step else app.read(call.thread, before=call.get("before"))
    offset, limit = call.get("offset", 0), call.get("limit", bounds.TEXT_CHARS)
    return {page.kind: page.id, **bounds.text(page.markdown, offset, limit)}


def _inbox(call: ClientCall) -> dict[str, Any]:
    return _rows(call, "waiting", call.app.inbox().waiting, "the tool show")


def _workflows(call: ClientCall) -> dict[str, Any]:
    return _rows(call, "workflows", call.app.workflows.all(), "")


def _events(call: ClientCall) -> dict[str, Any]:
    event = call.get("event")
    if event is not None:
        return bounds.document(document(call.app.events.show(event)), "uwf event show --json")
    offset, limit = _page(call)
    found = call.app.events.list(
        state=tuple(call.get("state", "").split(",")) if call.get("state") else (),
        name=call.get("name"),
        thread=call.get("thread"),
        limit=offset + limit + 1,
    )
    rows = documents(found.events[offset:])
    return bounds.rows("events", rows, offset, limit, "the tool events, with this event")


def _rows(
    call: ClientCall, name: str, found: Iterable[Any], reads_on: str, first: int = 0
) -> dict[str, Any]:
    """A page of `found`, which begins with the row `first` where no offset is given."""
    offset, limit = _page(call, first)
    rows = documents(islice(found, offset, offset + limit + 1))
    return bounds.rows(name, rows, offset, limit, reads_on)


def _page(call: ClientCall, first: int = 0) -> tuple[int, int]:
    return call.get("offset", first), call.get("limit", ROWS)


PAGE = {"limit": LIMIT, "offset": OFFSET}

LOOKS = (
    Tool(
        "list",
        "List threads, newest first, as `uwf thread list --json`.",
        _list,
        {
            "status": {
                "type": "string",
                "description": "active (the default), history, all; or statuses with commas between: idle, suspended, "
                "running, completed, cancelled.",
            },
            "workflow": {"type": "string", "description": "Only threads of this workflow."},
            "labels": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Only threads with these labels.",
            },
            **PAGE,
        },
    ),
    Tool(
        "show",
        "Show where a thread stands, as `uwf thread show --json`; or a step with prompt, reply and turns, as "
        "`uwf step show --json`.",
        _show,
        {"thread": THREAD, "step": STEP},
    ),
    Tool(
        "read",
        "Read a thread as Markdown: its task and its steps, the newest kept first; or one step with the prompt it got.",
        _read,
        {
            "thread": THREAD,
            "step": STEP,
            "before": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST,
                "description": "Of a thread only the steps before this index: the earlier ones.",
            },
            "offset": {
                "type": "integer",
                "minimum": 0,
                "maximum": MOST,
                "description": "Begin at this character: `next` of the answer before.",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": bounds.MOST_TEXT_CHARS,
                "description": f"At most this many characters; {bounds.TEXT_CHARS} where it is left out.",
            },
        },
    ),
    Tool(
        "steps",
        "List the steps of a thread, oldest first, as `uwf step list --json`.",
        _steps,
        {"thread": THREAD, **PAGE},
        needs=("thread",),
    ),
    Tool(
        "turns",
        "Show what the agents of a thread said and which tools they used, as `uwf step turns --json`: the newest, also "
        "of a step that runs.",
        _turns,
        {"thread": THREAD, "step": STEP, **PAGE},
        needs=("thread",),
    ),
    Tool(
        "inbox",
        "List what waits for a person: the question, since when, the choices, as `uwf inbox --json`.",
        _inbox,
        PAGE,
    ),
    Tool(
        "workflows",
        "List the workflows that a thread can be started of, as `uwf workflow list --json`.",
        _workflows,
        PAGE,
    ),
    Tool(
        "events",
        "List events, newest first, and what came of each, as `uwf event list --json`; or one, with all that was "
        "decided.",
        _events,
        {
            "event": {"type": "string", "description": "Only this one, whole."},
            "thread": {**THREAD, "description": "Only what is about this thread."},
            "name": {
                "type": "string",
                "description": "Only of this name; * at its end is anything.",
            },
            "state": {
                "type": "string",
                "description": "Only these, with commas between: new, asking, told, ignored, refused.",
            },
            **PAGE,
        },
    ),
)
