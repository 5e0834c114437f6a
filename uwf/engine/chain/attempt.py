"""Attempts as they are stored: how one starts, how it ends, and what those beside a head say. `recorder` writes one.

The nodes of an attempt: its start, with the plan and the process; once more for each time the agent was asked again;
its turns; its end, unless it became a step. All link to the start. The ref `@uwf/attempt/<thread>` points at the
newest of them while the attempt stands beside the head.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf.agent import APPROVAL
from uwf.engine.chain.nodes import ClientFacts, Plan, pack_text, shaped
from uwf.engine.chain.tags import ATTEMPTS
from uwf.engine.chain.word import Word, of_person
from uwf.record import Record
from uwf.store.codec import Link
from uwf.store.owner import Owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.chain.carried import Along
    from uwf.engine.chain.nodes import Nodes, Reader, Writer
    from uwf.store.protocols import Transaction

STOPPED, OVER_BUDGET, INTERRUPTED = "stopped", "budget_exhausted", "interrupted"
"""Codes of an attempt that a person stopped, that used up what it might, whose uwf died under it."""

SUPERSEDED = "superseded"
"""The code of one whose run had lost its thread to another run before it could be published."""

UNJUDGED = "reply_unjudged"
"""The code of one whose reply has come, and could not be judged by a fault of uwf."""

NO_FAILURES = (STOPPED, OVER_BUDGET, INTERRUPTED, SUPERSEDED, APPROVAL)
"""Codes of attempts that say nothing of their agent, nor that another one would fail."""


class Failure(Record):
    """Why an attempt did not become a step. `code` is a stable word, `message` a sentence for a person."""

    code: str
    message: str

    @property
    def is_question(self) -> bool:
        """Whether it has ended with a question to a person, which is no failure."""
        return self.code == APPROVAL


class Processes(Record):
    """The processes of an attempt that may be running: that of uwf, and the agent's, None for an agent without one."""

    runner: Owner
    agent: Owner | None


class AttemptStart(Record):
    """What an attempt starts with. `before` is the end of the attempt before it, when that failed too; `files` the
    snapshot of its thread's worktree, where there is one; `host` the machine, where the store is for several.
    """

    thread: str
    plan: Plan
    number: int
    agent: str
    mark: str
    before: str | None
    files: str | None = None
    host: str | None = None


class AttemptEnd(Record):
    """What is known of an attempt once its agent is gone; all but the failure may be unknown. `files` is the snapshot
    of its thread's worktree then, where that goes `along` to other machines.
    """

    failure: Failure
    duration_ms: int | None = None
    process: dict[str, Any] | None = None
    stderr: str = ""
    session: str | None = None
    usage: dict[str, Any] | None = None
    client: ClientFacts = ClientFacts()
    is_retried: bool = False
    files: str | None = None
    along: Along | None = None


class Attempt(Record):
    """What stands beside a head and has not become a step.

    `begun` is its start node, `last` its newest node, `turns` its newest turn, `before` the end of the attempt before
    it, when that failed too. `state` is its processes, which may be running, until it has ended, then why it failed;
    None while its plan is held and no agent was asked yet. `session` and `usage` are what its agent has said so far.
    One that `is_retried` has failed, and another one follows without a person. `files` is as in its start.
    """

    last: str
    begun: str
    turns: str | None
    plan: Plan
    number: int
    agent: str
    began_ms: int
    mark: str
    before: str | None
    state: Processes | Failure | None
    session: str | None = None
    usage: dict[str, Any] | None = None
    client: ClientFacts = ClientFacts()
    is_retried: bool = False
    files: str | None = None

    @property
    def words(self) -> tuple[Word, ...]:
        """All that its role was told, the remark of its plan as a word of the person who made it."""
        remark = self.plan.remark
        own = () if remark is None else (of_person(remark, self.began_ms),)
        return (*own, *self.plan.told)

    @property
    def running(self) -> Processes | None:
        """Its processes, until it has ended."""
        return self.state if isinstance(self.state, Processes) else None

    def is_run_by(self, owner: Owner) -> bool:
        """Whether it has not ended, and it is this process that asks its agent."""
        running = self.running
        if running is None:
            return False
        return (running.runner.pid, running.runner.host) == (owner.pid, owner.host)

    @property
    def failure(self) -> Failure | None:
        """Why it failed, once it has ended."""
        return self.state if isinstance(self.state, Failure) else None

    @property
    def has_failed(self) -> bool:
        """Whether it failed, and was not stopped, interrupted or out of budget, and asks nothing."""
        return self.failure is not None and self.failure.code not in NO_FAILURES

    @property
    def question(self) -> str | None:
        """The hash of what a person has to permit, where it has ended with that."""
        is_asked = self.failure is not None and self.failure.is_question
        return self.client.asks["hash"] if is_asked and self.client.asks is not None else None

    @property
    def last_end(self) -> str | None:
        """The node that the next attempt links to as the one before: its own end, else that of the one before."""
        return self.before if self.failure is None else self.last


def has_ended(nodes: Nodes, last: str) -> bool:
    """Whether the attempt whose newest node is `last` has come to an end. Quicker than reading all of it."""
    node = nodes.get(last)
    return node.kind == "attempt" and isinstance(node.payload, dict) and "error" in node.payload


def read_attempt(reader: Reader, thread: str) -> Attempt | None:
    """The attempt beside the head of `thread`, None when there is none."""
    ref = reader.ref(ATTEMPTS + thread)
    return None if ref is None else attempt_at(reader, ref.id)


@shaped
def attempt_at(nodes: Nodes, last: str) -> Attempt:
    """The attempt whose newest node is `last`. What it has come to is read off that node."""
    node = nodes.get(last)
    newest, turns = last, None
    if node.kind == "turn":
        newest, turns = node.payload["attempt"], last
        node = nodes.get(newest)
    payload = node.payload
    begun = payload.get("begun", newest)
    start: Mapping[str, Any] = payload if begun == newest else nodes.get(begun).payload
    return Attempt(
        last=last,
        begun=begun,
        turns=turns or payload.get("turns"),
        plan=Plan.from_payload(nodes, start["plan"]),
        number=start["number"],
        agent=start["agent"],
        began_ms=start["startedAt"],
        mark=start["mark"],
        before=start["before"],
        state=_state(payload),
        session=payload.get("session"),
        usage=payload.get("usage"),
        client=ClientFacts.of(payload),
        is_retried=payload.get("retried", False),
        files=start.get("worktree", {}).get("before"),
    )


def put_start(
    tx: Writer,
    start: AttemptStart,
    prompt: str | None,
    began_ms: int,
    process: Mapping[str, Any] | None,
) -> str:
    """Store the start of an attempt; returns the node's id. No `process` means no agent was asked yet."""
    return tx.put(
        "attempt",
        {
            "thread": start.thread,
            "plan": start.plan.to_payload(tx),
            "number": start.number,
            "agent": start.agent,
            "mark": start.mark,
            "prompt": None if prompt is None else Link(prompt),
            "before": None if start.before is None else Link(start.before),
            "startedAt": began_ms,
            "process": process,
            **({} if start.files is None else {"worktree": {"before": start.files}}),
            **({} if start.host is None else {"host": start.host}),
        },
    )


def put_end(tx: Writer, begun: str, turns: str | None, end: AttemptEnd) -> str:
    """Store the end of an attempt; returns the node's id."""
    return tx.put(
        "attempt",
        {
            "begun": Link(begun),
            "turns": None if turns is None else Link(turns),
            "error": {"code": end.failure.code, "message": end.failure.message},
            "durationMs": end.duration_ms,
            "process": end.process,
            "stderr": pack_text(tx, end.stderr),
            "session": end.session,
            "usage": end.usage,
            **end.client.to_payload(),
            "retried": end.is_retried,
            **({} if end.files is None else {"worktree": {"after": end.files}}),
            **({} if end.along is None else end.along.put(tx)),
            "endedAt": clock.now_ms(),
        },
    )


def hold_plan(tx: Transaction, thread: str, plan: Plan, why: str) -> None:
    """Put a plan beside the head that no agent has been asked for yet."""
    start = AttemptStart(thread=thread, plan=plan, number=0, agent="", mark="", before=None)
    begun = put_start(tx, start, None, clock.now_ms(), None)
    tx.set_ref(ATTEMPTS + thread, begun, why=why)


def process_now(agent: Owner | None, host: str | None) -> dict[str, Any]:
    """How the processes of an attempt are stored: this one's pid, the agent's with its start time, and the machine that
    they are on, where several share the store.
    """
    return {
        **({} if host is None else {"host": host}),
        "runner": os.getpid(),
        "pid": None if agent is None else agent.pid,
        "started": None if agent is None else agent.started,
    }


def _state(payload: Mapping[str, Any]) -> Processes | Failure | None:
    if "error" in payload:
        return Failure(**payload["error"])
    process = payload["process"]
    if process is None:
        return None
    runner, pid = process["runner"], process["pid"]
    if type(runner) is not int or type(pid) not in (int, type(None)):
        raise TypeError("a process is a number")
    host = process.get("host", "")
    agent = None if pid is None else Owner(pid, process["started"] or "", host)
    return Processes(Owner(runner, host=host), agent)


def number_after(before: Attempt | None, role: str) -> int:
    """The number of the next attempt: those of one role since the head are counted from 1."""
    return before.number + 1 if before is not None and before.plan.role == role else 1


def new_to(attempt: Attempt | None, told: tuple[Word, ...]) -> tuple[Word, ...]:
    """Those of the words `told` that the `attempt` beside a head was not told."""
    return (
        told if attempt is None else tuple(word for word in told if word not in attempt.plan.told)
    )


def failures_in_a_row(nodes: Nodes, attempt: Attempt | None, next: Plan) -> int:
    """How many attempts have failed since a person last said something that the `next` one is told.

    Those that were retried without a person count as one with what they came to.
    """
    if attempt is None:
        return 0
    count = 0
    for id in reversed(ended_attempts(nodes, attempt.last_end)):
        end = nodes.get(id).payload
        plan = Plan.from_payload(nodes, nodes.get(end["begun"]).payload["plan"])
        if plan.role != attempt.plan.role or _said(plan) != _said(next):
            break
        count += end["error"]["code"] not in NO_FAILURES and not end.get("retried", False)
    return count


def retried_in_a_row(nodes: Nodes, attempt: Attempt | None, next: Plan) -> tuple[int, int | None]:
    """How many attempts that were told the same by persons as the `next` one have failed last, each to be followed by
    another without a person, and when (epoch ms) the first of them ended.
    """
    count, since_ms = 0, None
    for id in reversed(ended_attempts(nodes, None if attempt is None else attempt.last_end)):
        end = nodes.get(id).payload
        if end["error"]["code"] in NO_FAILURES:
            continue
        plan = Plan.from_payload(nodes, nodes.get(end["begun"]).payload["plan"])
        assert attempt is not None, "it has an end"
        if (
            not end.get("retried", False)
            or plan.role != attempt.plan.role
            or _said(plan) != _said(next)
        ):
            break
        count, since_ms = count + 1, end["endedAt"]
    return count, since_ms


def _said(plan: Plan) -> tuple[str | None, tuple[Word, ...]]:
    """What persons say in a plan."""
    return plan.remark, tuple(word for word in plan.told if word.is_of_person)


def ended_attempts(nodes: Nodes, last: str | None) -> list[str]:
    """The ends of the attempts from `last` backwards, oldest first."""
    found: list[str] = []
    while last is not None:
        found.append(last)
        last = nodes.get(nodes.get(last).payload["begun"]).payload["before"]
    found.reverse()
    return found
