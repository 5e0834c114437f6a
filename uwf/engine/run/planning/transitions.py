"""The transition table: from a thread's state and a command to a plan, an end, or a refusal. Only reads.

`for_exec`, `for_resume` and `for_poke` are the commands; `after` says where a thread stands once a step is in. What a
command asks for beside that (another workflow, a budget, an agent) is in `plan`.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf.engine.chain.nodes import Plan, Position, Start, Step, unpack_text
from uwf.engine.chain.tags import (
    AGENT,
    CANCELLED,
    COMPLETED,
    CWD,
    IDLE,
    SUSPEND_MESSAGE,
    SUSPENDED,
    SUSPENDED_ROLE,
    ThreadState,
)
from uwf.engine.chain.word import A_PERSON, in_order, said_by
from uwf.errors import InputError, StateError
from uwf.record import replace
from uwf.workflow import route
from uwf.workflow.model import END, SUSPEND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.word import Speaker
    from uwf.workflow.model import Workflow


NOT_FAILED = "not_failed"


def for_exec(
    nodes: Nodes, thread: Thread, workflow: Workflow, *, is_told: bool
) -> Plan | ThreadState:
    """The plan of `thread exec`. A `ThreadState` when the graph has already ended: there is nothing to run.

    `is_told`: something was said that no attempt was told yet, which is the explicit word to go on.
    """
    if thread.status == IDLE:
        return go_on(nodes, thread, workflow)
    if is_told:
        return for_resume(nodes, thread, workflow)
    refuse_cancelled(thread)
    why = f": {thread.tags[SUSPEND_MESSAGE]}" if thread.tags.get(SUSPEND_MESSAGE) else ""
    raise StateError(
        f"thread {thread.id} is {thread.status}{why}", hint=way_on(thread), code=thread.status
    )


def for_resume(nodes: Nodes, thread: Thread, workflow: Workflow) -> Plan | ThreadState:
    """The plan of `thread resume`: only a suspended or a completed thread can be resumed.

    And one whose resumed step waits for its next try, so that a script may type again what has ended in "not now".
    """
    refuse_cancelled(thread)
    if thread.status == COMPLETED:
        return _re_enter(nodes, thread, workflow)
    if thread.status == SUSPENDED or waits(thread):
        return go_on(nodes, thread, workflow)
    raise StateError(
        f"thread {thread.id} is idle: it waits for its next step, there is nothing to resume",
        hint=typed("exec", thread),
        code="idle",
    )


def waits(thread: Thread) -> bool:
    """Whether the step that is next has failed, and is tried again without a person."""
    return thread.pending is not None and thread.pending.is_retried


def typed(verb: str, thread: Thread) -> str:
    """`uwf thread VERB`, as a person types it so that the agent stays the one that the last command has named: what is
    typed without `--agent` is for those of the config.
    """
    words = ["uwf", "thread", verb, thread.id]
    agent = thread.tags.get(AGENT)
    if not agent:
        return " ".join(words)
    import shlex  # few threads have one

    return shlex.join([*words, "--agent", agent])


def way_on(thread: Thread) -> str:
    """The command that lets a thread go on for which no words wait, when it is not for lack of budget."""
    if thread.status == IDLE:
        return typed("exec", thread)
    pending = thread.pending
    if pending is not None and pending.question is not None and thread.status == SUSPENDED:
        from uwf.engine.run.attempt import approval  # few threads have a question

        return f"uwf answer {thread.id} '{approval.yes_to(pending.question)}'"
    has_failed = pending is not None and pending.has_failed
    supplement = "" if thread.status == SUSPENDED and has_failed else " --supplement TEXT"
    return f"{typed('resume', thread)}{supplement}"


def for_poke(nodes: Nodes, thread: Thread, remark: str, speaker: Speaker) -> Plan:
    """The plan of `thread poke`: the head step again, with what it was told then and a remark. One of `speaker` who is
    no person is a word like any other.
    """
    refuse_cancelled(thread)
    if thread.position.kind != "step":
        raise StateError(
            f"thread {thread.id} has no step at its head to run again",
            hint=typed("exec", thread),
            code="no_step",
        )
    step, pending = Step.read(nodes, thread.head), thread.plan
    said, told = step.remark, step.told
    if pending is not None and pending.is_poke:
        said, told = pending.remark, pending.told
    elif pending is not None:
        said = both(said, pending.remark)
    if speaker == A_PERSON:
        is_again = waits(thread) and said is not None and said.endswith(remark)
        said = said if is_again else both(said, remark)  # again: after it has ended in "not now"
    elif not any(word.is_same(remark, speaker) for word in told):
        told = in_order(told, (said_by(speaker, remark, clock.now_ms()),))
    return Plan(
        role=step.role,
        round=step.round,
        instruction=step.instruction,
        cwd=step.cwd,
        base=step.prev,
        expect=thread.head,
        workflow=thread.position.workflow,
        remark=said,
        told=told,
    )


def after(workflow: Workflow, role: str, status: str, output: Mapping[str, Any]) -> ThreadState:
    """Where a thread stands after `role` replied with `status`. Raises `RouteError`: nothing can follow.

    `output` has the Markdown as `_body`.
    """
    if status == SUSPEND:
        return ThreadState(
            SUSPENDED, role, _words(output.get("reason")) or f"{role} asks for a person"
        )
    found = route.route(workflow, role, status, output)
    if isinstance(found, route.ToRole):
        return ThreadState(IDLE, found.role)
    if isinstance(found, route.ToSuspend):
        return ThreadState(SUSPENDED, role, found.message)
    return ThreadState(COMPLETED)


def go_on(nodes: Nodes, thread: Thread, workflow: Workflow) -> Plan | ThreadState:
    """Idle or suspended: the attempt that is still pending, else the role that asked again, else the graph."""
    if thread.plan is not None:
        return replace(thread.plan, workflow=thread.position.workflow)
    position = thread.position
    if position.step is None or position.role is None or position.status is None:
        return enter(nodes, thread, workflow, 1)
    if has_asked(position, workflow):
        step = Step.read(nodes, position.step)
        return _plan(thread, position.role, position.round, step.instruction, step.cwd)
    found = route.route(workflow, position.role, position.status, variables(nodes, position))
    if not isinstance(found, route.ToRole):
        return ThreadState(COMPLETED)
    cwd = _cwd(nodes, thread, found.location)
    return _plan(thread, found.role, position.round, found.prompt, cwd)


def has_asked(position: Position, workflow: Workflow) -> bool:
    """Whether the last role asked for a person, or its status leads to one: it is the next to run, told the same."""
    if position.role is None or position.status is None:
        return False
    return position.status == SUSPEND or target_at(position, workflow) == SUSPEND


def target_at(position: Position, workflow: Workflow) -> str:
    """Where the last status leads: a role, `$END` or `$SUSPEND`. Raises `RouteError`: nowhere."""
    assert position.role is not None and position.status is not None, "there was a step"
    return route.target(workflow, position.role, position.status)


def enter(nodes: Nodes, thread: Thread, workflow: Workflow, round: int) -> Plan:
    """Into the graph at `$START`."""
    start = Start.read(nodes, thread.position.start)
    seen = {**task_variables(start.task), **variables(nodes, thread.position), "_body": start.task}
    found = route.entry(workflow, round, seen)
    if not isinstance(found, route.ToRole):
        raise route.RouteError(f"workflow {workflow.name} leads from $START to no role")
    cwd = _cwd(nodes, thread, found.location)
    return _plan(thread, found.role, round, found.prompt, cwd)


def next_role(thread: Thread, workflow: Workflow) -> str | None:
    """The role that would run next: None when there is none.

    There is none either where `workflow` knows no way on, as in a fork at a rebind whose workflow has no edge for
    the last status: what was tried there went on without one, and is not part of the fork.
    """
    if thread.status in (CANCELLED, COMPLETED):
        return None
    if thread.plan is not None:
        return thread.plan.role
    if thread.status == SUSPENDED and thread.tags.get(SUSPENDED_ROLE):
        return thread.tags[SUSPENDED_ROLE]
    try:
        return _next_at(thread.position, workflow)
    except route.RouteError:
        return None


def re_entry_role(thread: Thread, workflow: Workflow) -> str | None:
    """The role with which the next round of a completed thread begins; None where the graph knows none."""
    try:
        return route.entry_target(workflow, thread.position.round + 1)
    except route.RouteError:
        return None


def _next_at(position: Position, workflow: Workflow) -> str | None:
    if position.role is None or position.status is None:
        return route.entry_target(workflow, round=1)
    if has_asked(position, workflow):
        return position.role
    target = target_at(position, workflow)
    return None if target == END else target


def variables(nodes: Nodes, position: Position) -> dict[str, Any]:
    """What a template sees at `position`: the last step's output, with its Markdown as `_body`."""
    if position.step is None:
        return {}
    payload = nodes.get(position.step).payload
    return {**payload["output"], "_body": unpack_text(nodes, payload["body"])}


def refuse_cancelled(thread: Thread) -> None:
    if thread.status == CANCELLED:
        raise is_cancelled(thread.id)


def is_cancelled(id: str) -> StateError:
    """The error for what needs a thread that may take a further step, which `id` may not."""
    return StateError(
        f"thread {id} is cancelled; a fork goes on from its last step in a new thread",
        hint=f"uwf thread fork {id}",
        code=CANCELLED,
    )


def refuse_unfailed(thread: Thread) -> None:
    """Raise `StateError` for a thread whose last attempt has not failed: a retry has nothing to try again."""
    refuse_cancelled(thread)
    if thread.pending is None or not thread.pending.has_failed:
        raise StateError(
            f"thread {thread.id} is {thread.status} and no step of it has failed: there is nothing to retry",
            hint=way_on(thread),
            code=NOT_FAILED,
        )


def _re_enter(nodes: Nodes, thread: Thread, workflow: Workflow) -> Plan:
    """The next round. What was said to it before is said; the graph says anew to which role, and its instruction."""
    plan = enter(nodes, thread, workflow, thread.position.round + 1)
    return plan if thread.plan is None else replace(plan, remark=thread.plan.remark)


def _plan(thread: Thread, role: str, round: int, instruction: str, cwd: str) -> Plan:
    return Plan(
        role=role,
        round=round,
        instruction=instruction,
        cwd=cwd,
        base=thread.head,
        expect=thread.head,
        workflow=thread.position.workflow,
    )


def task_variables(task: str) -> dict[str, Any]:
    """The fields of the front matter a task may begin with: what templates at `$START` can use."""
    if not task.startswith("---"):
        return {}
    from uwf import yaml12

    head, found, _ = task.removeprefix("---").partition("\n---")
    if not found:
        return {}
    try:
        value = yaml12.parse(head)
    except InputError:
        return {}
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def both(first: str | None, second: str | None) -> str | None:
    """Two remarks as one: what a person said before stays said."""
    if first is None or second is None or first == second:
        return second if first is None else first
    return f"{first}\n\n{second}"


def _cwd(nodes: Nodes, thread: Thread, location: str | None) -> str:
    base: str = thread.tags.get(CWD) or nodes.get(thread.position.start).payload["cwd"]
    return os.path.normpath(os.path.join(base, os.path.expanduser(location))) if location else base


def _words(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
