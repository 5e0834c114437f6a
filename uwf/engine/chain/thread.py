"""A thread as it stands: its ref, its tags and the try beside its head, read together.

Nothing here decides or changes anything. *Running* is asked of the lock, never of a tag.
"""

from __future__ import annotations

from uwf import home as paths
from uwf.engine.chain.nodes import ATTEMPTS, IDLE, STATUSES, THREADS, Place, Plan
from uwf.engine.chain.opening import load_draft
from uwf.errors import NotFound, StoreError
from uwf.record import Record
from uwf.store.leases import FileLeases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.chain.nodes import Nodes, Reader
    from uwf.engine.chain.opening import Draft
    from uwf.store.protocols import Leases, Ref

TRYING, FAILED, INTERRUPTED, PENDING = "trying", "failed", "interrupted", "pending"
"""States of a try: its agent may be running; it failed; its process died or was stopped; not begun yet."""

STOPPED, OVER_BUDGET = "stopped", "budget_exhausted"
"""Codes of an attempt that a person stopped, or that used up what it might; `interrupted` is one whose process died."""

NO_FAILURES = (STOPPED, OVER_BUDGET, INTERRUPTED)
"""Codes of attempts that say nothing of their agent, nor that another one would fail."""


LABEL = "label."
"""Before the key of a label, as a tag of the thread's ref."""

END_REASON = "endReason"
"""The tag with why a thread ended, where that says more than its status."""

FORKED_THREAD, FORKED_STEP = "forkedFromThread", "forkedFromStep"
"""Tags of a fork: the thread and the node it came from."""


class Try(Record):
    """What stands beside a head that has not become a step: the ref `@uwf/attempt/<thread>`, or a draft.

    `begun` is the attempt node with the plan, `last` the newest node of the try (both "" for a draft, which has no
    node yet), `turns` its newest turn. While the state is "trying", `runner` is the pid of the uwf that tries, `pid`
    and `started` name the agent's process; they are None for an agent without one. `before` is the end of the try
    before it, when that failed too.
    """

    state: str
    last: str
    begun: str
    turns: str | None
    plan: Plan
    number: int
    agent: str
    began_ms: int
    runner: int | None
    pid: int | None
    started: str | None
    mark: str
    before: str | None


class Thread(Record):
    """One thread, as `ref` says. `attempt` is None, or the try since the head."""

    ref: Ref
    id: str
    head: str
    tags: dict[str, str]
    updated_ms: int
    place: Place
    attempt: Try | None

    @property
    def status(self) -> str:
        return self.tags["status"]

    @property
    def plan(self) -> Plan | None:
        """The plan of the try beside the head, when it is about this head."""
        if self.attempt is None or self.attempt.plan.expect != self.head:
            return None
        return self.attempt.plan


def read(reader: Reader, ref: Ref) -> Thread:
    """The thread behind its ref."""
    return of(reader, ref, read_try(reader, ref.name.removeprefix(THREADS)))


def current(store: Reader, nodes: Nodes, id: str) -> Thread:
    """The thread `id` as it is now. Nodes are read from `nodes`, which may remember them."""
    ref = store.ref(THREADS + id)
    if ref is None:
        raise NotFound(f"no thread {id!r}", hint="uwf thread list --all", code="no_such_thread")
    return of(nodes, ref, read_try(store, id))


def of(nodes: Nodes, ref: Ref, attempt: Try | None) -> Thread:
    """The thread behind its ref, the try beside its head being known."""
    if ref.tags.get("status") not in STATUSES:
        raise StoreError(
            f"ref {ref.name} has status {ref.tags.get('status', IDLE)!r}, which no thread can have",
            hint=f"uwf ref log {ref.name}",
            code="bad_status",
        )
    return Thread(
        ref=ref,
        id=ref.name.removeprefix(THREADS),
        head=ref.id,
        tags=ref.tags,
        updated_ms=ref.updated_ms,
        place=Place.read(nodes, ref.id),
        attempt=attempt,
    )


def read_try(reader: Reader, thread: str) -> Try | None:
    """The try beside the head of `thread`, None when there is none."""
    ref = reader.ref(ATTEMPTS + thread)
    if ref is not None:
        return try_at(reader, ref.id)
    draft = load_draft(reader, thread)
    if draft is None:
        return None
    head = reader.ref(THREADS + thread)
    counts = head is not None and head.id == draft.opening.plan.expect
    return _drafted(draft) if counts else None


def _drafted(draft: Draft) -> Try:
    opening, process = draft.opening, draft.process
    return Try(
        state=TRYING,
        last="",
        begun="",
        turns=None,
        plan=opening.plan,
        number=opening.number,
        agent=opening.agent,
        began_ms=draft.began_ms,
        runner=process["runner"],
        pid=process["pid"],
        started=process["started"],
        mark=opening.mark,
        before=opening.before,
    )


def try_at(nodes: Nodes, last: str) -> Try:
    """The try whose newest node is `last`. What it has come to is read off that node."""
    node = nodes.get(last)
    asked, turns = last, None
    if node.kind == "turn":
        asked, turns, node = node.payload["attempt"], last, nodes.get(node.payload["attempt"])
    payload = node.payload
    begun = asked
    if "begun" in payload:
        begun = payload["begun"]
        turns = turns or payload["turns"]
    opening: dict[str, Any] = nodes.get(begun).payload
    process = payload.get("process") or {}
    state = _state(payload, opening)
    return Try(
        state=state,
        last=last,
        begun=begun,
        turns=turns,
        plan=Plan.from_payload(nodes, opening["plan"]),
        number=opening["number"],
        agent=opening["agent"],
        began_ms=opening["startedAt"],
        runner=process["runner"] if state == TRYING else None,
        pid=process["pid"] if state == TRYING else None,
        started=process["started"] if state == TRYING else None,
        mark=opening["mark"],
        before=opening["before"],
    )


def _state(newest: Mapping[str, Any], opening: Mapping[str, Any]) -> str:
    if "error" in newest:
        return INTERRUPTED if newest["error"]["code"] in NO_FAILURES else FAILED
    return TRYING if opening["process"] is not None else PENDING


def labels_of(tags: Mapping[str, str]) -> dict[str, str]:
    """The labels among a thread's tags."""
    return {key.removeprefix(LABEL): tag for key, tag in tags.items() if key.startswith(LABEL)}


def number_of(thread: Thread, key: str) -> int | None:
    """The tag `key` as a number, None when there is none. Raises `StoreError` for anything else."""
    text = thread.tags.get(key)
    try:
        return None if text is None else int(text)
    except ValueError:
        raise StoreError(
            f"thread {thread.id} has the tag {key}={text!r:.80}, which is no number",
            hint=f"uwf ref log {THREADS}{thread.id}",
            code="bad_tag",
        ) from None


def leases(home: str) -> Leases:
    """Who holds which thread: the leases by the names of threads."""
    return FileLeases(paths.thread_locks(home))


def runner(home: str, thread: str) -> int | None:
    """The pid of the uwf process that runs `thread` now, from its lease; None when none does."""
    owner = leases(home).holder(thread)
    return None if owner is None else owner.pid
