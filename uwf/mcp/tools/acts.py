"""Tools that act. A client has those that `--allow` names."""

from __future__ import annotations

from uwf import quantities
from uwf.app.thread import detached
from uwf.jsontext import document
from uwf.mcp import bounds
from uwf.mcp.access import ANSWER, CANCEL, EXEC, START, TELL
from uwf.mcp.tools.tool import MOST, TEXT, THREAD, Tool
from uwf.mcp.tools.waiting import SECONDS, waited

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.mcp.tools.tool import ClientCall


def _start(call: ClientCall) -> dict[str, Any]:
    budget = call.get("budget")
    begun = call.app.start(
        call.given["workflow"],
        call.given["task"],
        cwd=call.get("cwd"),
        labels=call.get("labels"),
        priority=call.get("priority", 0),
        budget=quantities.parse_budget(budget) if budget else None,
        wakes=call.get("wake", False),
        worktree=call.get("worktree"),
    )
    found: dict[str, Any] = document(begun.begun)
    return found


def _exec(call: ClientCall) -> dict[str, Any]:
    id = call.thread
    far = "--until-done" if call.get("until_done") else f"--count={call.get('steps', 1)}"
    log = detached.begin(call.app.home, ("thread", "exec", id, far, "--detach"))["log"]
    wait_s = call.get("wait", 0)
    shown = waited(call, id, wait_s) if wait_s else _short(call.app.show(id))
    return {**shown, "log": log}


def _tell(call: ClientCall) -> dict[str, Any]:
    id = call.thread
    call.access.check(TELL, id)
    return _short(call.app.tell(id, call.given["text"]))


def _answer(call: ClientCall) -> dict[str, Any]:
    return _short(call.app.answer(call.thread, call.given["text"]))


def _cancel(call: ClientCall) -> dict[str, Any]:
    return _short(call.app.cancel(call.thread, call.get("reason")))


def _short(answer: Any) -> dict[str, Any]:
    return bounds.document(document(answer), "the tool show")


ACTS = (
    Tool(
        START,
        "Begin a thread: one run of a workflow, as `uwf thread start --json`. Nothing runs before exec.",
        _start,
        {
            "workflow": {
                "type": "string",
                "description": "A name, as the tool workflows has it, a path or an id.",
            },
            "task": {**TEXT, "description": "What is to be done: each role reads it."},
            "cwd": {
                "type": "string",
                "description": "The folder its agents work in; that of this server otherwise.",
            },
            "worktree": {
                "type": "string",
                "description": "Work on this branch in a git worktree of its own; an empty name is one made up.",
            },
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "priority": {
                "type": "integer",
                "minimum": -MOST,
                "maximum": MOST,
                "description": "Higher goes first where threads wait for a slot.",
            },
            "budget": {
                "type": "string",
                "description": "What it may use: tokens=2M,usd=5,steps=40,time=2h.",
            },
            "wake": {
                "type": "boolean",
                "description": "Let it be due at once: a daemon runs it, if one is there.",
            },
        },
        needs=("workflow", "task"),
    ),
    Tool(
        EXEC,
        "Run the next step of a thread, or more of them, in a process of its own that goes on whatever becomes of this "
        "client. Shows the thread, as `uwf thread show --json`; the tool wait waits for it.",
        _exec,
        {
            "thread": THREAD,
            "steps": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST,
                "description": "How many; 1 where it is left out.",
            },
            "until_done": {
                "type": "boolean",
                "description": "Go on until it completes, suspends or fails.",
            },
            "wait": {
                **SECONDS,
                "description": "Wait up to this long for its end, with progress; 0 otherwise.",
            },
        },
        needs=("thread",),
    ),
    Tool(
        TELL,
        "Leave words for a thread: its next step reads them, nothing runs. They are no person's.",
        _tell,
        {"thread": THREAD, "text": {**TEXT, "description": "What is said."}},
        needs=("thread", "text"),
    ),
    Tool(
        ANSWER,
        "Answer what a role of a suspended thread asks: it is told that, and is due at once. What only a person may "
        "permit stays open.",
        _answer,
        {"thread": THREAD, "text": {**TEXT, "description": "The answer."}},
        needs=("thread", "text"),
    ),
    Tool(
        CANCEL,
        "End a thread for good. What runs is stopped first.",
        _cancel,
        {"thread": THREAD, "reason": {**TEXT, "description": "Kept with the thread."}},
        needs=("thread",),
        is_final=True,
    ),
)
