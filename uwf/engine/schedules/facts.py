"""What became of an occurrence, read off its threads: the agent's first turn, and how it ended.

What is read was true at the time that stands with it, however late it is looked at. It is written once: a thread that
a person takes up again changes nothing of how its occurrence ended.
"""

from __future__ import annotations

from uwf.engine.chain import wake
from uwf.engine.chain.attempt import ended_attempts, read_attempt
from uwf.engine.chain.nodes import BAD_NODE, Step
from uwf.engine.chain.tags import CANCELLED as CANCELLED_STATUS
from uwf.engine.chain.tags import COMPLETED_AT, HISTORY, STATUS, SUSPENDED, THREADS, number_of
from uwf.engine.chain.thread import runner
from uwf.engine.schedules import news
from uwf.engine.schedules import occurrence as occurrences
from uwf.engine.schedules.occurrence import (
    BY_FAILURES,
    CANCELLED,
    COMPLETED,
    ENDED,
    FAILED,
    RESTED,
    TURNED,
    UNDER_WAY,
    Occurrence,
)
from uwf.errors import ObjectDamaged, ObjectMissing, UwfError
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from uwf.engine.chain.attempt import Attempt
    from uwf.engine.chain.nodes import Nodes
    from uwf.store.protocols import Store, Transaction
    from uwf.store.values import Ref

_WORST = (FAILED, CANCELLED, COMPLETED, RESTED)


class Seen(Record):
    """What one thread has come to since a time; None: not yet."""

    first_turn_ms: int | None = None
    ended_ms: int | None = None
    how: str | None = None
    why: str = ""


class Watch(Record):
    """What is needed to follow occurrences: after how many failures in a row a schedule pauses, by its name, and which
    events of schedules a trigger is on.
    """

    pause_after: Mapping[str, int | None]
    awaited: Collection[str] = ()


def settle(store: Store, watch: Watch, now_ms: int, *, only: str | None = None) -> list[Occurrence]:
    """Write what has become of those that are under way, or of those of one schedule; those of which there was news."""
    changed = []
    for before in occurrences.find(store, UNDER_WAY):
        if only is not None and before.schedule != only:
            continue
        after = seen(store, before)
        if after == before:
            continue
        with store.transaction("occurrence news") as tx:
            if occurrences.read(tx, before.key) != before:
                continue  # another process has seen it
            occurrences.save(tx, after)
            note(tx, after, watch, now_ms)
        changed.append(after)
    return changed


def note(tx: Transaction, after: Occurrence, watch: Watch, now_ms: int) -> None:
    """Do what comes with the news of an occurrence: an event, and a schedule that has failed too often is paused."""
    news.occurred(tx, after, watch.awaited, now_ms)
    if after.state == ENDED:
        _count(tx, after, watch, now_ms)


def _count(tx: Transaction, ended: Occurrence, watch: Watch, now_ms: int) -> None:
    pause_after = watch.pause_after.get(ended.schedule)
    state = occurrences.state_of(tx, ended.schedule)
    if state is None:
        return
    failures = state.failures + 1 if ended.how == FAILED else 0
    state = replace(state, failures=failures)
    if pause_after is not None and failures >= pause_after and not state.is_paused:
        why = f"{failures} failures in a row, the last: {ended.why}"
        state = replace(state, paused_ms=now_ms, paused_by=BY_FAILURES, paused_why=why)
        news.paused(tx, state, watch.awaited, now_ms)
    occurrences.save_state(tx, state, now_ms)


def seen(store: Store, before: Occurrence) -> Occurrence:
    """`before` with what is known of it by now."""
    assert before.started_ms is not None, "it is under way"
    is_woken = bool(before.task.wake)
    found = [
        look(store, id, before.started_ms, is_woken, before.first_turn_ms) for id in before.threads
    ]
    turns = [each.first_turn_ms for each in found if each.first_turn_ms is not None]
    after = before
    if turns and before.first_turn_ms is None:
        after = replace(after, state=TURNED, first_turn_ms=min(turns))
    ended = [each.ended_ms for each in found if each.ended_ms is not None]
    if len(ended) == len(found):
        worst = min(found, key=lambda each: _WORST.index(each.how or RESTED))
        after = replace(after, state=ENDED, ended_ms=max(ended), how=worst.how)
        after = replace(after, why=worst.why or after.why)
    return after


def look(
    store: Store, thread: str, since_ms: int, is_woken: bool, first_turn_ms: int | None = None
) -> Seen:
    """What `thread` has come to since `since_ms`. One that `is_woken` has ended once it has run and nothing is due."""
    try:
        return _look(store, thread, since_ms, is_woken, first_turn_ms)
    except UwfError as error:
        if isinstance(error, ObjectMissing | ObjectDamaged) or error.code == BAD_NODE:
            why = f"thread {thread} cannot be read: {error.message}"
            return Seen(first_turn_ms, max(since_ms, first_turn_ms or 0), FAILED, why)
        raise


def _look(
    store: Store, thread: str, since_ms: int, is_woken: bool, first_turn_ms: int | None
) -> Seen:
    ref = store.ref(THREADS + thread)
    if ref is None:
        return Seen(first_turn_ms, since_ms, FAILED, f"thread {thread} is not there any more")
    attempt = read_attempt(store, thread)
    if first_turn_ms is None:
        first_turn_ms = min(_turns(store, ref, attempt, since_ms), default=None)
    if runner(store, thread) is not None:
        return Seen(first_turn_ms)
    return _ended(ref, thread, attempt, since_ms, is_woken, Seen(first_turn_ms), store)


def _ended(
    ref: Ref,
    thread: str,
    attempt: Attempt | None,
    since_ms: int,
    is_woken: bool,
    so_far: Seen,
    nodes: Nodes,
) -> Seen:
    status = ref.tags.get(STATUS)
    if status in HISTORY:
        at_ms = number_of(ref.tags, COMPLETED_AT, thread) or ref.updated_ms
        how = CANCELLED if status == CANCELLED_STATUS else COMPLETED
        return so_far if at_ms < since_ms else replace(so_far, ended_ms=at_ms, how=how)
    if wake.kept(ref.tags):
        return so_far
    if status == SUSPENDED and attempt is not None and attempt.has_failed:
        end = nodes.get(attempt.last).payload
        if attempt.began_ms < since_ms:
            return so_far
        assert attempt.failure is not None, "it has failed"
        return replace(so_far, ended_ms=end["endedAt"], how=FAILED, why=attempt.failure.message)
    if is_woken and so_far.first_turn_ms is not None:
        return replace(so_far, ended_ms=ref.updated_ms, how=RESTED)
    return so_far


def _turns(nodes: Store, ref: Ref, attempt: Attempt | None, since_ms: int) -> Iterator[int]:
    """When an agent has said something since `since_ms`: the first turn of each attempt, and of each step."""
    if attempt is not None:
        yield from _first_turn(nodes, attempt.turns, since_ms)
        for end in ended_attempts(nodes, attempt.last_end):
            yield from _first_turn(nodes, nodes.get(end).payload["turns"], since_ms)
    at = ref.id
    while (node := nodes.get(at)).kind != "start":
        if node.kind == "step":
            step = Step.read(nodes, at)
            end_ms = step.started_ms + step.duration_ms
            if end_ms < since_ms:
                return
            yield end_ms
            for turns in (step.turns, *(nodes.get(end).payload["turns"] for end in step.attempts)):
                yield from _first_turn(nodes, turns, since_ms)
        at = node.payload["prev"]


def _first_turn(nodes: Nodes, newest: str | None, since_ms: int) -> Iterator[int]:
    """When the first turn of an agent was, of those from `newest` backwards."""
    first_ms, at = None, newest
    while at is not None:
        turn = nodes.get(at).payload
        if turn["at"] < since_ms:
            break
        if turn["from"] == "agent":
            first_ms = turn["at"]
        at = turn["prev"]
    if first_ms is not None:
        yield first_ms
