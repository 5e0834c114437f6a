"""Looking for events: by state, name, thread and time, and by a part of an id."""

from __future__ import annotations

from uwf.engine.events import stored
from uwf.engine.events.event import KIND
from uwf.errors import Ambiguous, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.engine.events.decision import StoredEvent
    from uwf.store.protocols import Store
    from uwf.store.values import Unreadable

SHORTEST = 4


def events(
    reader: Store,
    *,
    state: tuple[str, ...] = (),
    name: str | None = None,
    thread: str | None = None,
    since_ms: int | None = None,
    limit: int | None = None,
    on_unreadable: Callable[[Unreadable], None],
) -> list[StoredEvent]:
    """Those that fit, the newest first."""

    def fits(one: StoredEvent) -> bool:
        return (name is None or _is_called(one.event.name, name)) and (
            thread is None or _is_about(one, thread)
        )

    is_plain = name is None and thread is None
    found = stored.several(
        reader,
        state=state or None,
        since_ms=since_ms,
        newest_first=True,
        limit=limit if is_plain else None,
        on_unreadable=on_unreadable,
    )
    return [one for one in found if fits(one)][:limit]


def key_of(reader: Store, text: str) -> str:
    """The key of the event that `text` is, or that it alone begins or ends with. Raises `NotFound`, `Ambiguous`."""
    if reader.entry_keys(KIND, text, limit=1) == [text]:
        return text
    found: list[str] = []
    if len(text) >= SHORTEST:
        found = reader.entry_keys(KIND, text, limit=6)
        found += [key for key in reader.entry_keys(KIND, ending=text, limit=6) if key not in found]
    if not found:
        raise NotFound(f"no event {text!r:.100}", hint="uwf event list", code="no_such_event")
    if len(found) > 1:
        names = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")
        raise Ambiguous(f"{text!r:.100} fits more than one event: {names}", hint="uwf event list")
    return found[0]


def _is_called(name: str, wanted: str) -> bool:
    return name.startswith(wanted[:-1]) if wanted.endswith("*") else name == wanted


def _is_about(one: StoredEvent, thread: str) -> bool:
    """Whether an event names a thread, was told to it, or came through it."""
    decided = () if one.decision is None else (said.thread for said in one.decision.said)
    return thread in (one.event.thread, *one.through, *decided)
