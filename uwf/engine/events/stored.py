"""Events in the store: an entry each, `event` once by its key. Its time is when it was taken, not when it happened."""

from __future__ import annotations

from uwf.engine.events.decision import Decision, StoredEvent
from uwf.engine.events.event import KIND, Event
from uwf.errors import CounterUnreadable, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uwf.store.protocols import Entries, Transaction
    from uwf.store.values import Entry, Unreadable

_WRONG_SHAPE = (KeyError, TypeError, ValueError, IndexError, AttributeError)


def add(tx: Transaction, new: StoredEvent) -> bool:
    """Store an event that was checked. False when its key is there."""
    return tx.add_entry(KIND, new.event.key, new.taken_ms, new.state, _value(new))


def note(tx: Transaction, known: StoredEvent, decision: Decision) -> None:
    """Note what was decided."""
    value = {**_value(known), "decided": decision.to_value()}
    tx.set_entry(KIND, known.event.key, state=decision.state, value=value)


def _value(known: StoredEvent) -> dict[str, Any]:
    value = known.event.to_value()
    if known.causes or known.through:
        value["causes"], value["through"] = list(known.causes), list(known.through)
    return value


def find(reader: Entries, key: str) -> StoredEvent:
    """Raises `NotFound`; `CounterUnreadable` for one that cannot be read."""
    entry = reader.entry(KIND, key)
    if entry is None:
        raise NotFound(f"no event {key!r}", hint="uwf event list", code="no_such_event")
    return of(entry)


def of(entry: Entry) -> StoredEvent:
    """Raises `CounterUnreadable` for an entry that was made by hand."""
    try:
        value: dict[str, Any] = entry.value
        decided = value.get("decided")
        return StoredEvent(
            Event.from_value(value),
            entry.state,
            entry.at_ms,
            tuple(value.get("causes", ())),
            tuple(value.get("through", ())),
            None if decided is None else Decision.from_value(entry.key, entry.state, decided),
        )
    except _WRONG_SHAPE as error:
        raise CounterUnreadable(
            f"event {entry.key} cannot be read: it lacks {error}", hint="uwf event list"
        ) from error


def several(
    reader: Entries,
    *,
    state: str | tuple[str, ...] | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
    newest_first: bool = False,
    limit: int | None = None,
    on_unreadable: Callable[[Unreadable], None],
) -> list[StoredEvent]:
    """Those in a `state`, taken at `since_ms` or later and before `until_ms`, in the order in which they were taken.
    `on_unreadable` is told of what cannot be read.
    """
    from uwf.store.values import ENTRY, Unreadable

    found = []
    for entry in reader.entries(
        KIND,
        state=state,
        since_ms=since_ms,
        until_ms=until_ms,
        newest_first=newest_first,
        limit=limit,
        on_unreadable=on_unreadable,
    ):
        try:
            found.append(of(entry))
        except CounterUnreadable as error:
            on_unreadable(Unreadable(ENTRY, f"{KIND}/{entry.key}", error.message))
    return found
