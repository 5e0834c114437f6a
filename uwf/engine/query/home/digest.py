"""What happened in a home since a time: what waits for a person, what is done, what it cost, what went wrong.

All of it is read off the moves of the threads' refs, so it is the same whoever did it, with a daemon or without one.
Times are epoch milliseconds.
"""

from __future__ import annotations

from uwf.engine.chain import thread as threads
from uwf.engine.chain import usage
from uwf.engine.chain.nodes import WRONG_SHAPE, Position
from uwf.engine.chain.tags import ATTEMPTS, CANCELLED, COMPLETED, STATUS, THREADS, TITLE, WORKFLOW
from uwf.errors import UwfError
from uwf.quantities import TIME, TOKENS, USD
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from uwf.engine.query.home.inbox import Inbox
    from uwf.store.protocols import Store
    from uwf.store.values import Move

ENDED = (COMPLETED, CANCELLED)
_COUNTED = (TOKENS, USD, TIME)


class ThreadDone(Record):
    """What came of one thread meanwhile. `used` counts only what was used since then; it `has_ended` since then, and
    is over now.
    """

    thread: str
    status: str
    title: str | None
    workflow: str | None
    steps: int
    used: Mapping[str, float]
    has_ended: bool


class Digest(Record):
    """A home since `since`. `ended` are the threads that have ended, `moved` is how many made a step at all."""

    since: int
    until: int
    inbox: Inbox
    ended: tuple[ThreadDone, ...]
    moved: int
    steps: int
    failed_attempts: int
    used: Mapping[str, float]
    repaired: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()


def look(store: Store, inbox: Inbox, since_ms: int, until_ms: int) -> Digest:
    """What happened from `since_ms` until now, which is `until_ms`."""
    by_thread: dict[str, list[Move]] = {}
    failed = 0
    for move in store.moves_since(since_ms):
        if move.name.startswith(THREADS):
            by_thread.setdefault(move.name, []).append(move)
        elif move.name.startswith(ATTEMPTS) and move.new is not None:
            failed += _is_failure(store, move.new)
    done, odd = [], []
    for name, moves in by_thread.items():
        try:
            found = _of_thread(store, name, moves)
        except (UwfError, *WRONG_SHAPE) as error:
            thread = name.removeprefix(THREADS)
            if all(item.thread != thread for item in inbox.broken):
                odd.append(f"thread {thread} cannot be read: {error}")
            continue
        if found is not None:
            done.append(found)
    return Digest(
        since=since_ms,
        until=until_ms,
        inbox=inbox,
        ended=tuple(one for one in done if one.has_ended),
        moved=sum(1 for one in done if one.steps),
        steps=sum(one.steps for one in done),
        failed_attempts=failed,
        used=_sum(one.used for one in done),
        odd=tuple(odd),
    )


def is_repair(line: Mapping[str, Any]) -> bool:
    """Whether a line of the log tells of something that was put right."""
    return line.get("what") == "repair" and line.get("repaired") is True


def repair(line: Mapping[str, Any]) -> str:
    """What was put right, in words."""
    return f"{line.get('check')}: {line.get('before')}"


def _of_thread(store: Store, name: str, moves: list[Move]) -> ThreadDone | None:
    ref = store.ref(name)
    if ref is None:
        return None
    thread = threads.read(store, ref)
    before = _before(store, name, moves[0])
    return ThreadDone(
        thread=thread.id,
        status=thread.status,
        title=ref.tags.get(TITLE),
        workflow=ref.tags.get(WORKFLOW),
        steps=sum(_is_step(store, move) for move in moves),
        used=_difference(usage.of_thread(store, thread), _used_before(store, before, moves[0])),
        has_ended=_has_ended(before, moves),
    )


def _before(store: Store, name: str, first: Move) -> Move | None:
    """The move before the `first` one."""
    earlier = [move for move in store.moves(name) if move.version < first.version]
    return earlier[-1] if earlier else None


def _has_ended(before: Move | None, moves: list[Move]) -> bool:
    """Whether a thread has come to its end, and is still there. One that came as it is, as a fork does, has not."""
    statuses = [move.tags.get(STATUS) for move in (before, *moves) if move is not None]
    if statuses[-1] not in ENDED:
        return False
    return any(status not in ENDED for status in statuses)


def _is_step(store: Store, move: Move) -> bool:
    """Whether the move is a step that was made, and not an undo or a change of tags."""
    if move.new is None or move.new == move.old:
        return False
    node = store.get(move.new)
    links = (node.payload["prev"], node.payload["replaces"]) if node.kind == "step" else ()
    return move.old is not None and move.old in links


def _is_failure(store: Store, id: str) -> bool:
    node = store.get(id)
    return node.kind == "attempt" and "error" in node.payload


def _used_before(store: Store, before: Move | None, first: Move) -> dict[str, float]:
    """What a thread had used before its `first` move; a fork begins with what its source had."""
    at = first.new if first.old is None else first.old
    spent = {} if at is None else Position.read(store, at).spent
    undone = {} if before is None else usage.undone(before.tags)
    return usage.add(spent, undone)


def _difference(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    found = {name: after.get(name, 0) - before.get(name, 0) for name in _COUNTED}
    return {name: amount for name, amount in found.items() if amount > 0}


def _sum(used: Iterable[Mapping[str, float]]) -> dict[str, float]:
    return usage.add({}, *used)
