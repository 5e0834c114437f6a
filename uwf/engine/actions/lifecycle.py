"""The beginning of a thread and its end by a person: start, cancel. Each is one transaction."""

from __future__ import annotations

from types import MappingProxyType

from uwf import clock, quantities
from uwf.engine.chain import place, usage
from uwf.engine.chain.nodes import pack_text
from uwf.engine.chain.tags import (
    CANCELLED,
    COMPLETED,
    EVENT,
    IDLE,
    LABEL,
    OCCURRENCE,
    PLACE,
    PRIORITY,
    STATUS,
    THREADS,
    THREADS_END,
    WORKFLOW,
)
from uwf.engine.chain.thread import Thread, move_head, read, runner
from uwf.engine.chain.wake import wish
from uwf.engine.run.concurrent import asked
from uwf.errors import InputError, StateError
from uwf.guard.preflight import missing_folder
from uwf.guard.spending import day
from uwf.record import Record
from uwf.store.codec import Link
from uwf.workflow import model as workflow_model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.engine.chain.wake import Wake
    from uwf.engine.chain.worktree import WorktreeAsked
    from uwf.store.protocols import Store, Transaction
    from uwf.workflow.model import Workflow


class Begin(Record):
    """What a thread is started with. `zone` is that of this process: the first thread decides on that of its home.
    `occurrence` and `event` are the keys of those of a schedule, or of what happened, that start it. With a `wake` it
    is run by whoever runs what is due. It runs at its `place` alone. With a `worktree` its
    agents work in that, and `cwd` is where it was asked for.
    """

    workflow: Workflow
    task: str
    cwd: str
    labels: dict[str, str]
    priority: int = 0
    budget: Mapping[str, float] = MappingProxyType({})
    zone: str | None = None
    occurrence: str | None = None
    wake: Wake | None = None
    event: str | None = None
    worktree: WorktreeAsked | None = None
    place: str | None = None


def start(store: Store, begin: Begin) -> Thread:
    """A new thread, idle before its first step. Its workflow is stored with it. Raises `InputError`."""
    check(begin)
    with store.transaction("start") as tx:
        return make(store, tx, begin)


def make(store: Store, tx: Transaction, begin: Begin) -> Thread:
    """The new thread of `start`, as part of a transaction. `begin` was checked."""
    id = new_id(tx)
    runner(store, id)  # where locks cannot be read nothing is begun: nobody could run or show it
    if begin.zone is not None:
        day.keep_zone(tx, begin.zone)
    workflow = tx.put("workflow", workflow_model.to_payload(begin.workflow))
    head = tx.put(
        "start",
        {
            "thread": id,
            "workflow": Link(workflow),
            "task": pack_text(tx, begin.task),
            "cwd": begin.cwd,
            "startedAt": clock.now_ms(),
        },
    )
    tags = {STATUS: IDLE, WORKFLOW: begin.workflow.name}
    tags |= {LABEL + key: value for key, value in begin.labels.items()}
    tags |= usage.tags_of(begin.budget)
    if begin.priority:
        tags[PRIORITY] = str(begin.priority)
    if begin.place is not None:
        tags[PLACE] = begin.place
    if begin.occurrence is not None:
        tags[OCCURRENCE] = begin.occurrence
    if begin.wake is not None:
        tags = wish(tags, begin.wake)
    if begin.event is not None:
        tags[EVENT] = begin.event
    if begin.worktree is not None:
        tags |= begin.worktree.of(id, begin.workflow.name).tags
    return read(tx, move_head(tx, id, head, lambda _: tags, expect=None, why="started"))


def cancel(store: Store, thread: Thread, reason: str | None) -> Thread:
    """End a thread for good. The caller holds its lock. Raises `StateError` when it has ended already."""
    refuse_ended(thread)
    return asked.cancel(store, thread, reason)


def check(begin: Begin) -> None:
    """Raise `InputError` for what no thread can be started with."""
    check_folder(begin.cwd)
    if not begin.task.strip():
        raise InputError(
            "the task is empty: an agent would not know what to do",
            hint="uwf thread start WORKFLOW -p 'what to do'",
        )
    for key, value in begin.labels.items():
        check_label(key, value, "uwf thread start WORKFLOW -p TEXT")
    if begin.place is not None:
        place.checked(begin.place, "uwf thread start WORKFLOW -p TEXT")
    for name, amount in begin.budget.items():
        quantities.check_amount(name, amount)


def check_folder(cwd: str) -> None:
    """Raise `InputError` for a folder that no agent can work in, as it is not there."""
    lacks = missing_folder(cwd)
    if lacks is not None:
        raise InputError(f"the working directory {cwd} {lacks.said}", hint=lacks.hint)


def check_label(key: str, value: str, typed: str) -> None:
    """Raise `InputError` for a label that no thread can have; `typed` is the command before it."""
    if not key or "=" in key or not key.isprintable() or not value.isprintable():
        raise InputError(
            f"label {key!r} with the value {value!r} is none: both are printable, and a key has no =",
            hint=f"{typed} --label repo=shop",
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
