"""The beginning of a thread and its end by a person: start, cancel. Each is one transaction."""

from __future__ import annotations

import os
from types import MappingProxyType

from uwf import clock
from uwf.engine.chain import usage
from uwf.engine.chain.nodes import pack_text
from uwf.engine.chain.tags import (
    CANCELLED,
    COMPLETED,
    END_REASON,
    IDLE,
    LABEL,
    THREADS,
    THREADS_END,
    ThreadState,
    with_state,
)
from uwf.engine.chain.thread import Thread, read
from uwf.engine.run.publish import tags_now
from uwf.errors import InputError, StateError
from uwf.record import Record
from uwf.store.codec import Link
from uwf.workflow import model as workflow_model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.engine.chain.redact import Redactor
    from uwf.store.protocols import Store, Transaction
    from uwf.workflow.model import Workflow


class Begin(Record):
    """What a thread is started with."""

    workflow: Workflow
    task: str
    cwd: str
    labels: dict[str, str]
    priority: int = 0
    budget: Mapping[str, float] = MappingProxyType({})


def start(store: Store, begin: Begin, redactor: Redactor) -> Thread:
    """A new thread, idle before its first step. Its workflow is stored with it."""
    if not os.path.isdir(begin.cwd):
        raise InputError(
            f"the working directory {begin.cwd} does not exist", hint=f"mkdir -p {begin.cwd}"
        )
    with store.transaction("start") as tx:
        id = new_id(tx)
        workflow = tx.put("workflow", workflow_model.to_payload(begin.workflow))
        head = tx.put(
            "start",
            {
                "thread": id,
                "workflow": Link(workflow),
                "task": pack_text(tx, redactor.text(begin.task)),
                "cwd": begin.cwd,
                "startedAt": clock.now_ms(),
            },
        )
        tags = {"status": IDLE, "workflow": begin.workflow.name}
        tags |= {
            LABEL + redactor.text(key): redactor.text(value) for key, value in begin.labels.items()
        }
        tags |= usage.tags_of(begin.budget)
        if begin.priority:
            tags["priority"] = str(begin.priority)
        ref = tx.set_ref(THREADS + id, head, tags=tags, expect=None, why="started")
        thread = read(tx, ref)
    return thread


def cancel(store: Store, thread: Thread, reason: str | None) -> None:
    """End a thread for good. The caller holds its lock. Raises `StateError` when it has ended already."""
    refuse_ended(thread)
    with store.transaction("cancel") as tx:
        tags = with_state(tags_now(tx, thread), ThreadState(CANCELLED), clock.now_ms())
        if reason:
            tags[END_REASON] = reason
        tx.set_ref(
            THREADS + thread.id,
            thread.head,
            expect=thread.head,
            tags=tags,
            why=f"cancelled: {reason}" if reason else "cancelled",
        )


def refuse_ended(thread: Thread) -> None:
    """Raise `StateError` for a thread that is completed or cancelled."""
    if thread.status in (COMPLETED, CANCELLED):
        raise StateError(
            f"thread {thread.id} is {thread.status}: there is nothing to cancel",
            hint=f"uwf thread show {thread.id}",
            code=thread.status,
        )


def new_id(tx: Transaction) -> str:
    """A ULID later than every thread's so far, also when the clock has jumped back."""
    now_ms = clock.now_ms()
    newest = tx.refs(THREADS, high=THREADS_END, newest_first=True, limit=1)
    if newest:
        last = newest[0].name.removeprefix(THREADS)
        if clock.is_ulid(last):
            now_ms = max(now_ms, clock.ulid_ms(last) + 1)
    return clock.ulid(now_ms)
