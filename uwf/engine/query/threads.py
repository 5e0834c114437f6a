"""Threads and steps as the contract shows them: plain values for JSON, in its words.

Times are epoch milliseconds. *Running* comes from the lock; a thread whose head cannot be read is shown as
`corrupt` rather than hidden.
"""

from __future__ import annotations

from uwf import clock, quantities
from uwf.engine.chain import attempt as tries
from uwf.engine.chain import usage
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.nodes import Start, Step, previous, prompt_text, unpack_text
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import (
    COMPLETED,
    END_REASON,
    FORKED_STEP,
    FORKED_THREAD,
    THREADS,
    labels_of,
    number_of,
)
from uwf.engine.chain.thread import read, runner
from uwf.engine.events import GraphDone, StepDone, StepFailed
from uwf.engine.run import transitions
from uwf.errors import ObjectDamaged, StoreError, StoreUnreadable, UwfError
from uwf.workflow import model as workflow_model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.chain.nodes import Position, Reader
    from uwf.engine.chain.thread import Thread
    from uwf.engine.events import StepResult
    from uwf.engine.query.guard_status import QueuePositions
    from uwf.store.protocols import Ref
    from uwf.workflow.model import Workflow

RUNNING, CORRUPT = "running", "corrupt"

_WRONG_SHAPE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading a node raises that somebody made by hand."""

_BAD_REF = ("bad_status", "bad_tag")


class View:
    """Shows threads of one home. Keeps the workflows it has read, so that a long list reads each once."""

    def __init__(
        self,
        reader: Reader,
        home: str,
        limits: Mapping[str, float] | None = None,
        max_attempts: int | None = None,
    ) -> None:
        """`limits` is what config allows every thread, `max_attempts` how often in a row a step may fail."""
        self._limits = limits or {}
        self._max_attempts = max_attempts
        self._reader = reader
        self._home = home
        self._workflows: dict[str, Workflow] = {}
        self._queue: QueuePositions | None = None

    def state(self, thread: Thread) -> dict[str, Any]:
        """What every answer about a thread begins with."""
        workflow = self._workflow(thread.position.workflow)
        tags, plan = thread.tags, None if thread.status == COMPLETED else thread.plan
        return {
            "thread": thread.id,
            "workflow": thread.position.workflow,
            "workflowName": workflow.name,
            "head": thread.head,
            "status": thread.status,
            "currentRole": transitions.next_role(thread, workflow),
            "suspendedRole": tags.get("suspendedRole"),
            "suspendMessage": tags.get("suspendMessage"),
            "done": thread.status == COMPLETED,
            "round": thread.position.round if plan is None else plan.round,
            "usage": usage.reported(thread),
            "error": self._error(thread),
        }

    def result(self, result: StepResult) -> dict[str, Any]:
        """One line of `exec`, `resume` and `poke`."""
        line = self.state(result.thread)
        line |= {"role": None, "step": None, "stepStatus": None, "error": None}
        if isinstance(result, GraphDone):
            return line
        line["role"] = result.role
        if isinstance(result, StepDone):
            payload = self._reader.get(result.step).payload
            line |= {
                "step": result.step,
                "stepStatus": payload["status"],
                "usage": payload["usage"],
            }
        elif isinstance(result, StepFailed):
            line["usage"] = None
            line["error"] = {
                "code": result.failure.code,
                "message": result.failure.message,
                "attempt": result.attempt,
            }
        return line

    def thread(self, ref: Ref) -> dict[str, Any]:
        """The whole answer of `show`, and a row of `list`. Raises `StoreError` when the store cannot be asked now."""
        try:
            thread = read(self._reader, ref)
            _check_shape(thread.position)
            shown = self.state(thread)
            begun = Start.read(self._reader, thread.position.start)
            budget = self._budget(thread, shown["currentRole"])
            used = self._spent(thread, shown["currentRole"])
            priority, completed_ms = (
                number_of(ref.tags, "priority", thread.id),
                number_of(ref.tags, "completedAt", thread.id),
            )
        except (UwfError, *_WRONG_SHAPE) as error:
            if not _is_lasting(error):
                raise
            return self._corrupt(ref, error)
        running = self._running(thread.id)
        if running is not None:
            shown["status"] = RUNNING
        tags = ref.tags
        is_fork = FORKED_THREAD in tags and clock.is_ulid(thread.id)
        shown |= {
            "prompt": begun.task,
            "cwd": begun.cwd,
            "labels": labels_of(tags),
            "priority": priority or 0,
            "steps": thread.position.index,
            "rounds": shown["round"],
            "spent": used,
            "budget": budget,
            "startedAt": clock.ulid_ms(thread.id) if is_fork else begun.started_ms,
            "updatedAt": ref.updated_ms,
            "completedAt": completed_ms,
            "running": running,
            "waiting": self._waiting(thread.id, running),
        }
        if FORKED_THREAD in tags:
            shown["forkedFrom"] = {"thread": tags[FORKED_THREAD], "step": tags.get(FORKED_STEP)}
        if END_REASON in tags:
            shown["endReason"] = tags[END_REASON]
        return shown

    def steps(self, head: str) -> list[dict[str, Any]]:
        """`step list`: the steps up to `head`, oldest first."""
        rows = [step_row(step) for step in steps_back(self._reader, head)]
        rows.reverse()
        return rows

    def step(self, id: str) -> dict[str, Any]:
        """`step show`: one step with its prompt, its text and its turns."""
        step = Step.read(self._reader, id)
        return step_row(step) | {
            "thread": step.thread,
            "prompt": prompt_text(self._reader, step.prompt),
            "instruction": step.instruction,
            "supplement": step.supplement,
            "body": step.body,
            "cwd": step.cwd,
            "process": step.process,
            "turns": [turn | {"attempt": None} for turn in turns(self._reader, step.turns)],
            "failedAttempts": [attempt_row(self._reader, id) for id in step.attempts],
            "workflow": step.workflow,
            "replaces": step.replaces,
        }

    def agent(self, row: dict[str, Any]) -> str:
        """Who runs the thread of a row that `thread` gave, or ran it last; "" before its first step."""
        if row["running"] is not None:
            return row["running"]["agent"] or ""
        if row["spent"] is None:
            return ""
        at: str | None = row["head"]
        while at is not None:
            node = self._reader.get(at)
            if node.kind == "step":
                return str(node.payload["agent"])
            at = previous(self._reader, at)
        return ""

    def way_on(self, thread: Thread) -> str:
        """The command that lets a suspended thread go on."""
        more = self._more_budget(thread)
        if more is not None:
            return f"uwf thread resume {thread.id} --budget {more}"
        attempt, plan = thread.attempt, thread.plan
        if plan is not None and self._max_attempts is not None:
            failures = tries.failures_in_a_row(self._reader, attempt, plan.supplement)
            if failures >= self._max_attempts:  # no other try is made until somebody adds something
                return f"uwf thread resume {thread.id} --supplement TEXT"
        return transitions.way_on(thread)

    def _more_budget(self, thread: Thread) -> str | None:
        """What lets a thread go on that has used up what it may, as in `+usd=5,+steps=9`; None when it has not."""
        role = thread.tags.get("suspendedRole")
        limits, used = self._budget(thread, role), self._spent(thread, role)
        short = {name: limit for name, limit in limits.items() if used[name] >= limit}
        return "+" + quantities.format_budget(short).replace(",", ",+") if short else None

    def _budget(self, thread: Thread, role: str | None) -> dict[str, float]:
        workflow = self._workflow(thread.position.workflow)
        return usage.allowed(self._limits, workflow, role, thread.tags)

    def _spent(self, thread: Thread, role: str | None) -> dict[str, float]:
        used = usage.of_thread(self._reader, thread)
        visits = thread.position.visits.get(role or "", 0)
        used[quantities.VISITS] = visits
        return {name: quantities.tidy(name, used.get(name, 0)) for name in quantities.NAMES}

    def _workflow(self, id: str) -> Workflow:
        if id not in self._workflows:
            self._workflows[id] = workflow_model.from_payload(self._reader.get(id).payload)
        return self._workflows[id]

    def _error(self, thread: Thread) -> dict[str, Any] | None:
        attempt = thread.attempt
        if attempt is None or not attempt.has_failed or thread.plan is None:
            return None
        return {**self._reader.get(attempt.last).payload["error"], "attempt": attempt.last}

    def _running(self, id: str) -> dict[str, Any] | None:
        pid = runner(self._home, id)
        if pid is None:
            return None
        attempt = read_attempt(self._reader, id)
        if attempt is None or attempt.running is None or attempt.running.runner.pid != pid:
            return {"pid": pid, "role": None, "since": None, "agent": None}
        return {
            "pid": pid,
            "role": attempt.plan.role,
            "since": attempt.began_ms,
            "agent": attempt.agent,
        }

    def _waiting(self, id: str, running: dict[str, Any] | None) -> dict[str, Any] | None:
        """Since when a thread whose process runs nothing yet waits for a slot, and its position in the queue."""
        if running is None or running["role"] is not None:
            return None
        if self._queue is None:
            # Here, because looking at a thread rarely needs guards.
            from uwf.engine.query.guard_status import QueuePositions

            self._queue = QueuePositions(self._reader)
        return self._queue.of(id, running["pid"])

    def _corrupt(self, ref: Ref, error: Exception) -> dict[str, Any]:
        """A thread whose chain cannot be read. One whose head is intact but no chain keeps its status."""
        lacks = "a node lacks" if isinstance(error, KeyError) else "a node has a wrong shape:"
        message = error.message if isinstance(error, UwfError) else f"{lacks} {error}"
        code = error.code if isinstance(error, UwfError) else "bad_node"
        tags = ref.tags
        return {
            "thread": ref.name.removeprefix(THREADS),
            "workflow": None,
            "workflowName": tags.get("workflow"),
            "head": ref.id,
            "status": tags.get("status", CORRUPT) if code == "not_a_chain" else CORRUPT,
            "currentRole": None,
            "suspendedRole": tags.get("suspendedRole"),
            "suspendMessage": tags.get("suspendMessage"),
            "done": False,
            "round": None,
            "usage": None,
            "error": {"code": code, "message": message, "attempt": None},
            "prompt": None,
            "cwd": None,
            "labels": labels_of(tags),
            "priority": 0,
            "steps": None,
            "rounds": None,
            "spent": None,
            "budget": None,
            "startedAt": None,
            "updatedAt": ref.updated_ms,
            "completedAt": int(tags["completedAt"])
            if tags.get("completedAt", "").isdecimal()
            else None,
            "running": None,
            "waiting": None,
        }


def _check_shape(place: Position) -> None:
    """Raise `TypeError` where a step that somebody made by hand has no counts where they belong."""
    counts = (place.index, place.round, *place.visits.values())
    if not all(type(count) is int for count in counts):
        raise TypeError(f"object {place.id[:12]} counts with something that is no number")


def _is_lasting(error: Exception) -> bool:
    """Whether it is the thread that cannot be read. A busy store or a failing disk says nothing about a thread."""
    if not isinstance(error, StoreError) or error.code in _BAD_REF:
        return True
    return isinstance(error, (ObjectDamaged, StoreUnreadable))


def step_row(step: Step) -> dict[str, Any]:
    """One row of `step list`."""
    return {
        "step": step.id,
        "index": step.index,
        "round": step.round,
        "role": step.role,
        "status": step.status,
        "output": step.output,
        "agent": step.agent,
        "startedAt": step.started_ms,
        "durationMs": step.duration_ms,
        "usage": step.usage,
        "attempts": list(step.attempts),
    }


def turns(reader: Reader, last: str | None, after: str | None = None) -> list[dict[str, Any]]:
    """The turns of a try up to the turn node `last`, oldest first; those after `after`, where it is among them."""
    found: list[dict[str, Any]] = []
    while last is not None and last != after:
        payload = reader.get(last).payload
        found.append(
            {
                "turn": last,
                "from": payload["from"],
                "text": unpack_text(reader, payload["text"]),
                "at": payload["at"],
            }
        )
        last = payload["prev"]
    found.reverse()
    return found


def attempt_row(reader: Reader, ended: str) -> dict[str, Any]:
    """A try that failed or was interrupted, from the node of its end."""
    end = reader.get(ended).payload
    begun = reader.get(end["begun"]).payload
    return {
        "attempt": ended,
        "number": begun["number"],
        "role": begun["plan"]["role"],
        "agent": begun["agent"],
        "startedAt": begun["startedAt"],
        "durationMs": end["durationMs"],
        "error": end["error"],
        "process": end["process"],
        "stderr": unpack_text(reader, end["stderr"]),
        "turns": turns(reader, end["turns"]),
    }
