"""What dead processes left behind in a home: unfinished tries with their agents, entries in the line, and files.
And counters of the guards that nobody can read any more.

None of it needs repair for its thread to go on, since the next command settles it; but an orphaned agent costs
money until somebody does.
"""

from __future__ import annotations

from uwf.agent.process import platform
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.tags import ATTEMPTS
from uwf.engine.chain.thread import runner
from uwf.engine.run import recovery
from uwf.engine.upkeep import stale_files
from uwf.errors import Busy, CounterUnreadable, StoreError
from uwf.guard import queue
from uwf.record import Record
from uwf.store.protocols import COUNTER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.run.context import Engine


class Finding(Record):
    """One thing to put right. `kind` is "attempt", "queue", "file" or "counter"; no counter and few files are a
    thread's.
    """

    kind: str
    thread: str | None
    what: str
    repaired: bool


def examine(engine: Engine, *, repair: bool) -> list[Finding]:
    """Everything that dead processes left, and what cannot be read; with `repair`, put right."""
    return [
        *_counters(engine, repair),
        *_attempts(engine, repair),
        *_line(engine, repair),
        *_files(engine.home, repair),
    ]


def _counters(engine: Engine, repair: bool) -> list[Finding]:
    """Values that cannot be decoded. The first to be put right: guards, and the line, cannot be read with them."""
    found = engine.store.unreadable()
    if found and repair:
        with engine.store.transaction(durable=False) as tx:
            found = tx.drop_unreadable()
            for one in found:
                if one.kind == COUNTER and one.name.startswith(queue.PREFIX):
                    queue.note_gone(tx)
    return [Finding("counter", None, one.why, repair) for one in found]


def _attempts(engine: Engine, repair: bool) -> list[Finding]:
    found = []
    for name in engine.store.names(ATTEMPTS):
        thread = name.removeprefix(ATTEMPTS)
        attempt = read_attempt(engine.store, thread)
        if attempt is None or attempt.running is None or runner(engine.home, thread) is not None:
            continue
        running, agent = attempt.running, attempt.running.agent
        what = f"attempt {attempt.number} of {attempt.plan.role} has no uwf any more"
        if recovery.is_kept(running):
            what += f" in this home; process {running.runner.pid} runs it in another, of which this is a copy"
        elif agent is not None and platform.is_same(agent.pid, agent.started):
            what += f", its agent still runs as process {agent.pid}"
        found.append(Finding("attempt", thread, what, repair and _settle(engine, thread)))
    return found


def _settle(engine: Engine, thread: str) -> bool:
    """Settle under the thread's lock; somebody who took it meanwhile settles it anyway."""
    try:
        settled = recovery.settle_if_left(
            engine.store, engine.home, thread, grace_s=engine.config.limits.grace_s
        )
    except Busy:
        return True
    return settled is None or not settled.survivors


def _line(engine: Engine, repair: bool) -> list[Finding]:
    found = []
    try:
        entries = engine.store.counters(queue.PREFIX)
    except CounterUnreadable:
        return []  # which `_counters` has found
    for name, value in entries:
        try:
            entry = queue.read(name, value)
        except StoreError as error:
            found.append(_unreadable(engine, name, value, error.message, repair))
            continue
        if platform.is_same(entry.owner.pid, entry.owner.started):
            continue
        if repair:
            with engine.store.transaction(durable=False) as tx:
                queue.leave(tx, entry)
        what = f"a place in the line of process {entry.owner.pid}, which is gone"
        found.append(Finding("queue", entry.thread, what, repair))
    return found


def _unreadable(engine: Engine, name: str, value: Any, what: str, repair: bool) -> Finding:
    thread = name.removeprefix(queue.PREFIX)
    if repair:
        with engine.store.transaction(durable=False) as tx:
            if tx.counter(name) == value:
                queue.remove(tx, thread)
    return Finding("queue", thread, what, repair)


def _files(home: str, repair: bool) -> list[Finding]:
    return [
        Finding("file", None, f"{path} was never finished", repair and stale_files.remove(path))
        for path in stale_files.find(home)
    ]
