"""Where each source stands, in counters, and the one transaction that stores events together with it.

    source/NAME             its last poll, its last event, its last error, where it is to go on
    source/NAME/paused      while a person has paused it; beside the other, since two processes write them
    source/NAME/pull/N      what is remembered of a pull request, as whoever polls it writes it

So a source never knows more than was delivered: killed before the commit it asks for the same again.
"""

from __future__ import annotations

from uwf.engine.events import taking
from uwf.engine.events.event import checked
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from uwf.engine.events.event import Event
    from uwf.engine.events.taking import TakenEvent
    from uwf.store.protocols import Store

SOURCES = "source/"
_PAUSED, _PULL = "/paused", "/pull/"


class SourceState(Record):
    """`polled_ms` is when it was last asked, `seen_ms` when it last had an event. `failures` polls in a row failed,
    `error` is what was wrong with the last one, at `error_ms`. It is asked again at `next_ms`, from `cursor` on.
    `watching` pull requests are asked about, `waiting` ones have no place now, `aged` were let go for their age.
    """

    polled_ms: int = 0
    seen_ms: int = 0
    next_ms: int = 0
    error: str = ""
    error_ms: int = 0
    failures: int = 0
    cursor: Any = None
    watching: int = 0
    waiting: int = 0
    aged: tuple[str, ...] = ()


class Delivered(Record):
    """What came of events: those that were taken, and in words why others are none."""

    taken: tuple[TakenEvent, ...]
    refused: tuple[str, ...]


def of(store: Store, name: str) -> SourceState:
    """The state of a source; that of one that was never asked where there is none that can be read."""
    value = store.counter(SOURCES + name)
    if not isinstance(value, dict):
        return SourceState()
    known = {field: each for field, each in value.items() if field in SourceState._fields}
    return SourceState(**{**known, "aged": tuple(known.get("aged", ()))})


def pulls(store: Store, name: str) -> dict[int, Mapping[str, Any]]:
    """What is remembered of each pull request."""
    prefix = SOURCES + name + _PULL
    return {
        int(counter.removeprefix(prefix)): value
        for counter, value in store.counters(prefix)
        if counter.removeprefix(prefix).isdigit()
    }


def deliver(
    store: Store,
    name: str,
    events: Sequence[Event],
    state: SourceState,
    changes: Mapping[int, Mapping[str, Any] | None],
    now_ms: int,
) -> Delivered:
    """Store what a poll gave: the events, where the source stands then, and what to remember of pull requests, None:
    nothing any more. Waits for the disk only where there are events.
    """
    good, refused = [], []
    for event in events:
        try:
            good.append(checked(event))
        except InputError as error:
            refused.append(f"{event.name[:100]}: {error.message}")
    with store.transaction("source", durable=bool(good)) as tx:
        taken = [taking.taken_in(tx, event, now_ms) for event in good]
        tx.set_counter(SOURCES + name, {**state.__dict__, "aged": list(state.aged)})
        for number, value in changes.items():
            tx.set_counter(f"{SOURCES}{name}{_PULL}{number}", value)
    return Delivered(tuple(taken), tuple(refused))


def paused_ms(store: Store, name: str) -> int | None:
    """Since when a source is paused; None: it is not."""
    value = store.counter(SOURCES + name + _PAUSED)
    return value if isinstance(value, int) else None


def pause(store: Store, name: str, now_ms: int) -> None:
    with store.transaction("source pause") as tx:
        tx.set_counter(SOURCES + name + _PAUSED, now_ms)


def unpause(store: Store, name: str) -> bool:
    """False when it was not paused."""
    with store.transaction("source resume") as tx:
        was_paused = tx.counter(SOURCES + name + _PAUSED) is not None
        tx.set_counter(SOURCES + name + _PAUSED, None)
    return was_paused
