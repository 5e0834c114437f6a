"""What brought an event about: the events and threads before it, so that threads do not talk to themselves for ever.

A step that was told an event is caused by it, and what the thread does then is caused by that step. So each event knows
how many acts of threads lie between it and what came from outside. An echo of a thread's own act is a matter of that,
and not of who has written it: a review bot that uses the same account is nobody's echo.
"""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.nodes import Position
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import EVENT, THREADS
from uwf.engine.events import stored
from uwf.errors import UwfError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.word import Word
    from uwf.engine.events.decision import StoredEvent
    from uwf.engine.events.event import Event
    from uwf.store.protocols import Store, Transaction

MOST_DEPTH = 4
"""Deeper than this an event is ignored."""

_MOST_STEPS = 500
"""So many steps back it is looked for what a thread was told last."""


class Causes(Record):
    """Keys of events and ids of threads that an event came through, the nearest first, and how deep that makes it."""

    events: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()
    depth: int = 0


def of(reader: Store | Transaction, event: Event) -> Causes:
    """What brought `event` about, as far as that is known. A cause that is not there counts as one from outside."""
    if event.cause is None:
        return Causes(depth=event.depth)
    try:
        found = _of_cause(reader, event.cause)
    except UwfError:
        found = Causes()
    return Causes(
        found.events[: MOST_DEPTH + 2],
        found.threads[: MOST_DEPTH + 2],
        max(event.depth, found.depth),
    )


def _of_cause(reader: Store | Transaction, cause: str) -> Causes:
    """An event is caused by another, by a thread as it stands, or by a step."""
    thread = cause.upper()
    if clock.is_ulid(thread):
        ref = reader.ref(THREADS + thread)
        return Causes() if ref is None else _of_head(reader, ref.id, thread)
    if len(cause) == 64 and reader.has(cause):
        position = Position.read(reader, cause)
        start = reader.get(position.start).payload
        return _of_head(reader, cause, str(start["thread"]))
    return _of_event(reader, cause)


def _of_event(reader: Store | Transaction, key: str) -> Causes:
    known = stored.find(reader, key)
    return Causes((key, *known.causes), known.through, known.event.depth)


def _of_head(reader: Store | Transaction, head: str, thread: str) -> Causes:
    """What a thread does at a step is caused by what it was told last: by an event, or not."""
    before = Causes()
    for key in _told_last(reader, head, thread):
        cause = _known(reader, key)
        if cause.depth >= before.depth:
            before = cause
    return Causes(before.events, (thread, *before.threads), before.depth + 1)


def _told_last(reader: Store | Transaction, head: str, thread: str) -> list[str]:
    """The events that the newest step, or attempt at one, was told which was told anything; else what began it all."""
    ref = reader.ref(THREADS + thread)
    attempt = read_attempt(reader, thread) if ref is not None and ref.id == head else None
    if attempt is not None and attempt.plan.told:
        return _events(attempt.plan.told)
    for number, step in enumerate(steps_back(reader, head)):
        if step.told or step.supplement is not None:
            return _events(step.told)
        if number >= _MOST_STEPS:
            return []
    began = None if ref is None else ref.tags.get(EVENT)
    return [] if began is None else [began]


def _events(told: tuple[Word, ...]) -> list[str]:
    return [word.event for word in told if word.event is not None]


def _known(reader: Store | Transaction, key: str) -> Causes:
    try:
        return _of_event(reader, key)
    except UwfError:
        return Causes((key,))


def no_progress_since(
    reader: Store | Transaction, event: StoredEvent, thread: str, head: str
) -> str | None:
    """The key of the event among the causes of this one that `thread` was told last, if it has made no step since."""
    if thread not in event.through:
        return None
    for key in event.causes:
        try:
            cause = stored.find(reader, key)
        except UwfError:
            continue
        for deed in () if cause.decision is None else cause.decision.deeds:
            if deed.thread == thread:
                return key if deed.head == head else None
    return None
