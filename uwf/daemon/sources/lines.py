"""Events as lines of JSON, from a command that says them or a file that grows.

With the source's `event` each line is the data of such an event; else it is an event. A line that is none is named and
passed over: it would be none the next time, too.
"""

from __future__ import annotations

from uwf.daemon.intake import event_json, strict_json
from uwf.daemon.loop.budget import words
from uwf.daemon.sources.polled import MOST_EVENTS
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from typing import Any

    from uwf.app.unattended.events import Event
    from uwf.app.values import Source

MOST_FAULTS = 3
"""Told of one poll; one line too many says how many more there were."""


class Lines(Record):
    """What lines came to. `taken` of them were read, the others found no room where it `is_cut`; `old` are the ids of
    events that were known before, `cursor` is the last one that was said.
    """

    events: tuple[Event, ...]
    faults: tuple[str, ...]
    taken: int
    is_cut: bool
    old: tuple[str, ...] = ()
    cursor: str | None = None


def read(
    source: Source,
    lines: Iterable[tuple[str, bytes]],
    *,
    known: Container[str] = (),
    takes_cursor: bool = False,
) -> Lines:
    """The events of `lines`, each with the place that it stands at, but for those whose ids are `known`.

    With `takes_cursor` a line may be `{"cursor": "TEXT"}`: what was said before it need not be said again to whoever
    knows TEXT.
    """
    events: list[Event] = []
    wrong: list[str] = []
    old: list[str] = []
    taken, cursor, is_cut = 0, None, False
    for place, line in lines:
        if len(events) >= MOST_EVENTS:
            is_cut = True
            break
        taken += 1
        if not line.strip():
            continue
        try:
            value = strict_json.parse(line, "it")
            if takes_cursor and isinstance(value, dict) and list(value) == ["cursor"]:
                cursor = str(value["cursor"])
                continue
            event = _event(source, value, place)
        except InputError as error:
            wrong.append(f"{place}: {error.message}")
            continue
        except (
            Exception
        ) as error:  # of one line, which must not keep the others from being taken in
            wrong.append(f"{place}: internal fault: {words(error)}")
            continue
        if event.id in known:
            old.append(event.id)
        else:
            events.append(event)
    if len(wrong) > MOST_FAULTS:
        wrong[MOST_FAULTS:] = [f"and {len(wrong) - MOST_FAULTS} lines more"]
    return Lines(tuple(events), tuple(wrong), taken, is_cut, tuple(old), cursor)


def _event(source: Source, value: Any, place: str) -> Event:
    otherwise = place if source.path else ""  # a command may say the same line again
    if source.event:
        value = {"name": source.event, "data": value}
    return event_json.event(value, source.name, otherwise=otherwise)
