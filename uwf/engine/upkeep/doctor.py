"""What dead processes left behind in a home: unfinished attempts with their agents, waiters in the queue, and files.
And replies that could not be stored; counters of the guards, and entries, that cannot be read any more.

None of it needs repair for its thread to go on, since the next command settles it; but an orphaned agent costs
money until then.
"""

from __future__ import annotations

import os

from uwf.agent.process import platform
from uwf.engine.chain import kept
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.left_behind import left_behind
from uwf.engine.chain.nodes import BAD_NODE
from uwf.engine.chain.tags import ATTEMPTS
from uwf.engine.chain.thread import runner
from uwf.engine.run import intake, recovery
from uwf.engine.upkeep import stale_files
from uwf.errors import Busy, CounterUnreadable, ObjectDamaged, StoreError, UwfError
from uwf.guard.capacity import joined, places, queue
from uwf.record import Record
from uwf.store.protocols import COUNTER, ENTRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.run.context import RunContext


class Finding(Record):
    """One thing to put right. `kind` is "reply", "attempt", "queue", "file", "counter" or "entry" (an event that
    cannot be read, say); the last two, and most files, are no thread's. `hint` is the command that helps where this
    one does not.
    """

    kind: str
    thread: str | None
    what: str
    repaired: bool
    hint: str | None = None


def examine(ctx: RunContext, *, repair: bool) -> list[Finding]:
    """Everything that dead processes left, and what cannot be read; with `repair`, put right."""
    return [
        *_counters(ctx, repair),
        *_replies(ctx, repair),
        *_attempts(ctx, repair),
        *_queue(ctx, repair),
        *_notes(ctx, repair),
        *files(ctx.home, repair=repair),
    ]


def _counters(ctx: RunContext, repair: bool) -> list[Finding]:
    """Values that cannot be decoded. The first to be put right: guards, and the queue, cannot be read with them."""
    found = ctx.store.unreadable()
    if found and repair:
        with ctx.store.transaction("doctor counters", durable=False) as tx:
            found = tx.drop_unreadable()
            for one in found:
                if one.kind == COUNTER and one.name.startswith(queue.PREFIX):
                    queue.note_gone(tx)
    return [
        Finding(ENTRY if one.kind == ENTRY else COUNTER, None, one.why, repair) for one in found
    ]


def _replies(ctx: RunContext, repair: bool) -> list[Finding]:
    """Replies that could not be stored. With `repair` they are taken in."""
    found = []
    for path in kept.found(ctx.home):
        what, thread = f"a reply that could not be stored is kept in {path}", kept.thread_of(path)
        if kept.only_beginning(path):
            what += f": {kept.IS_CUT}"
        repaired, hint = False, None
        try:
            if repair and intake.recover_if_free(ctx, thread):
                repaired = not os.path.exists(path)
        except UwfError as error:
            what, hint = error.message, error.hint
        found.append(Finding("reply", thread, what, repaired, hint))
    return found


def _attempts(ctx: RunContext, repair: bool) -> list[Finding]:
    found = []
    with_reply = set(map(kept.thread_of, kept.found(ctx.home)))
    for name in ctx.store.names(ATTEMPTS):
        thread = name.removeprefix(ATTEMPTS)
        if thread in with_reply:
            continue
        try:
            what = _unfinished(ctx, thread)
        except UwfError as error:
            is_of_store = isinstance(error, StoreError) and not isinstance(error, ObjectDamaged)
            if is_of_store and error.code != BAD_NODE:
                raise
            # The other threads are looked at all the same.
            found.append(Finding("attempt", thread, f"{name} cannot be read: {error}", False))
            continue
        if what is not None:
            found.append(Finding("attempt", thread, what, repair and _settle(ctx, thread)))
    return found


def _unfinished(ctx: RunContext, thread: str) -> str | None:
    """What is left of an attempt that no uwf runs any more, and what ends it; None when there is none."""
    attempt = read_attempt(ctx.store, thread)
    if attempt is None or attempt.running is None or runner(ctx.store, thread) is not None:
        return None
    what = f"attempt {attempt.number} of {attempt.plan.role} has no uwf any more"
    left = left_behind(ctx.store, thread, attempt)
    if left is None:
        pid = attempt.running.runner.pid
        return f"{what} in this home; process {pid} runs it in another, of which this is a copy"
    if left.pids:
        what += f", and {left.in_words}"
    return f"{what}; uwf doctor --repair ends that, as does the next step of the thread"


def _settle(ctx: RunContext, thread: str) -> bool:
    """Settle under the thread's lock; a process that took it meanwhile settles it anyway."""
    try:
        settled = recovery.settle_if_left(
            ctx.store, ctx.home, thread, grace_s=ctx.config.limits.grace_s
        )
    except Busy:
        return True
    return settled is None or not settled.survivors


def _queue(ctx: RunContext, repair: bool) -> list[Finding]:
    found = []
    try:
        entries = ctx.store.counters(queue.PREFIX)
    except CounterUnreadable:
        return []  # which `_counters` has found
    for name, value in entries:
        try:
            entry = queue.read(name, value)
        except StoreError as error:
            found.append(_unreadable(ctx, name, value, error.message, repair))
            continue
        if platform.is_alive(entry.owner):
            continue
        if repair:
            with ctx.store.transaction("doctor waiter", durable=False) as tx:
                queue.leave(tx, entry)
        what = f"an entry in the queue of process {entry.owner.pid}, which is gone"
        found.append(Finding("queue", entry.thread, what, repair))
    return found


def _notes(ctx: RunContext, repair: bool) -> list[Finding]:
    """Those that had joined a run and died, and what cannot be read of them or of the places of threads."""
    found = []
    try:
        entries = [*ctx.store.counters(joined.PREFIX), *ctx.store.counters(places.PREFIX)]
    except CounterUnreadable:
        return []  # which `_counters` has found
    for name, value in entries:
        what = _wrong_with(name, value)
        if what is None:
            continue
        if repair:
            with ctx.store.transaction("doctor note", durable=False) as tx:
                tx.set_counter(name, None)
        thread = joined.thread_of(name) if name.startswith(joined.PREFIX) else None
        found.append(Finding("queue", thread, what, repair))
    return found


def _wrong_with(name: str, value: Any) -> str | None:
    try:
        if name.startswith(places.PREFIX):
            places.noted(name, value)
            return None
        owner = joined.read(name, value).owner
    except StoreError as error:
        return error.message
    if platform.is_alive(owner):
        return None
    return f"process {owner.pid} had joined its run, and is gone"


def _unreadable(ctx: RunContext, name: str, value: Any, what: str, repair: bool) -> Finding:
    thread = name.removeprefix(queue.PREFIX)
    if repair:
        with ctx.store.transaction("doctor entry", durable=False) as tx:
            if tx.counter(name) == value:
                queue.remove(tx, thread)
    return Finding("queue", thread, what, repair)


def files(home: str, *, repair: bool) -> list[Finding]:
    """The unfinished files of a home, which need no store to be found."""
    return [
        Finding("file", None, f"{path} was never finished", repair and stale_files.remove(path))
        for path in stale_files.find(home)
    ]


def without_store(home: str, *, repair: bool) -> list[Finding]:
    """What is found in a home that has no store, which may have lost it."""
    what = "a reply is kept in {}, and no store: put a backup in its place, or move the reply aside"
    replies = [
        Finding("reply", kept.thread_of(path), what.format(path), False, f"ls -la {home}")
        for path in kept.found(home)
    ]
    return replies + files(home, repair=repair)
