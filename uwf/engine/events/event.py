"""An event as a value, what one may be, and how it is stored: as an entry of the kind `event`, once by its key.

What comes from outside is checked here before anything is stored: `checked` refuses what has a wrong type, is too large
or too deep, or could not be written down. What was accepted is stored as it is, and stays at least for eight days: a
forge may deliver for three days what it has delivered before.
"""

from __future__ import annotations

from types import MappingProxyType

from uwf.engine.chain.word import PERSON
from uwf.errors import InputError
from uwf.record import Record
from uwf.trust import OWNER, STRANGER, TRUSTS
from uwf.workflow import trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

KIND = "event"

CLI, THREAD, UWF = "cli", "thread", "uwf"
"""Sources that are uwf itself: what is sent on the command line, what threads do, what the home notices."""

MAX_ID_CHARS = 200
MAX_SOURCE_CHARS = 64
MAX_WHO_CHARS = 200
MAX_LABELS = 20
MAX_LABEL_CHARS = 200
MAX_DATA_BYTES = 1 << 20
"""Counted as JSON is: every text and key with its bytes in UTF-8, every other value with eight."""
MAX_DEPTH = 64
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999: what is later cannot be shown."""

NO_LABELS: Mapping[str, str] = MappingProxyType({})


class Event(Record):
    """Something that happened at `at_ms`, which `source` has seen and calls `id`: the same id of the same source is the
    same event. `name` is what triggers match, `who` has done it, as far trusted as `trust`. `thread` or `labels` say
    which threads it is for, where it knows. `cause` is the event, thread or step that brought it about, `depth` how
    many acts of threads lie between it and what came from outside.
    """

    id: str
    source: str
    name: str
    at_ms: int
    who: str = ""
    trust: str = STRANGER
    data: Any = None
    thread: str | None = None
    labels: Mapping[str, str] = NO_LABELS
    is_urgent: bool = False
    cause: str | None = None
    depth: int = 0

    @property
    def key(self) -> str:
        """What it is called everywhere: its id, with its source before it where that is not the command line."""
        return self.id if self.source == CLI else f"{self.source}/{self.id}"

    @property
    def is_of_person(self) -> bool:
        """Whether the person who types the commands has sent it, and nobody else is named."""
        return self.source == CLI and self.trust == OWNER and self.who in ("", PERSON)

    @property
    def variables(self) -> dict[str, Any]:
        """What conditions and templates look at, but for the thread, which is not known yet."""
        return {
            "id": self.id,
            "name": self.name,
            "source": self.source,
            "at": self.at_ms,
            "who": self.who,
            "trust": self.trust,
            "data": self.data,
            "labels": self.labels,
            "thread": {"id": self.thread},
            "urgent": self.is_urgent,
            "depth": self.depth,
        }

    def to_value(self) -> dict[str, Any]:
        """As it stands in its entry."""
        return {
            "id": self.id,
            "source": self.source,
            "name": self.name,
            "at": self.at_ms,
            "who": self.who,
            "trust": self.trust,
            "data": self.data,
            "thread": self.thread,
            "labels": dict(self.labels),
            "urgent": self.is_urgent,
            "cause": self.cause,
            "depth": self.depth,
        }

    @staticmethod
    def from_value(value: Mapping[str, Any]) -> Event:
        """Raises `KeyError` or `TypeError` for a value that was made by hand."""
        return Event(
            value["id"],
            value["source"],
            value["name"],
            value["at"],
            value["who"],
            value["trust"],
            value["data"],
            value["thread"],
            value["labels"],
            value["urgent"],
            value["cause"],
            value["depth"],
        )


def checked(event: Event) -> Event:
    """`event`, if it is one. Raises `InputError` which says what is wrong with it."""
    try:
        trigger.event_name(event.name)
    except ValueError as error:
        raise InputError(
            str(error), hint="uwf event send github.review", code="bad_event"
        ) from None
    _line("id", event.id, MAX_ID_CHARS)
    _line("source", event.source, MAX_SOURCE_CHARS)
    if "/" in event.source:
        raise _wrong("the source of an event has no slash in it", event.source)
    if event.who:
        _line("who", event.who, MAX_WHO_CHARS)
    if event.trust not in TRUSTS:
        raise _wrong(f"the trust of an event is one of {', '.join(TRUSTS)}", event.trust)
    if type(event.at_ms) is not int or not 0 <= event.at_ms <= LATEST_MS:
        raise _wrong(
            "the time of an event is in epoch milliseconds, up to the year 9999", event.at_ms
        )
    if type(event.depth) is not int or not 0 <= event.depth < 1 << 31:
        raise _wrong("the depth of an event is a number from 0", event.depth)
    for what, text in (("thread", event.thread), ("cause", event.cause)):
        if text is not None:
            _line(what, text, MAX_ID_CHARS + MAX_SOURCE_CHARS + 1)
    _check_labels(event.labels)
    check_data(event.data)
    return event


def check_data(data: Any) -> None:
    """Raise `InputError` for what JSON could not say, and for more of it than an event may have."""
    size_bytes, depth, level = 0, 0, [data]
    while level:
        if depth > MAX_DEPTH:
            raise _wrong(f"the data of an event goes deeper than {MAX_DEPTH} levels")
        inside: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is str:
                size_bytes += _bytes(value)
            elif kind is dict:
                for key in value:
                    if type(key) is not str:
                        raise _wrong("the keys of an event's data are texts", key)
                    size_bytes += _bytes(key)
                inside += value.values()
            elif kind is list:
                inside += value
            elif kind is int:
                if not -(1 << 63) <= value < 1 << 64:
                    raise _wrong(
                        "a number in an event's data has more than 64 bits: send it as text"
                    )
            elif kind is float:
                if value - value != 0.0:
                    raise _wrong(
                        "a number in an event's data is none: JSON knows no NaN and no infinity"
                    )
            elif value is not None and kind is not bool:
                raise _wrong(f"an event's data is JSON, which has no {kind.__name__}")
            size_bytes += 8
        if size_bytes > MAX_DATA_BYTES:
            most = MAX_DATA_BYTES >> 20
            raise _wrong(
                f"the data of an event is larger than {most} MiB: send where it is to be found"
            )
        level, depth = inside, depth + 1


def _check_labels(labels: Mapping[str, str]) -> None:
    if not isinstance(labels, (dict, MappingProxyType)) or len(labels) > MAX_LABELS:
        raise _wrong(f"the labels of an event are a map of at most {MAX_LABELS}")
    for key, value in labels.items():
        for text in (key, value):
            _line("label", text, MAX_LABEL_CHARS)
        if "=" in key:
            raise _wrong("the key of a label has no = in it", key)


def _line(what: str, text: object, most: int) -> None:
    if type(text) is not str or not (text.strip() and len(text) <= most and text.isprintable()):
        raise _wrong(f"the {what} of an event is 1 to {most} printable characters", text)


def _bytes(text: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise _wrong("a text in an event's data is not Unicode: half of a surrogate pair") from None


def _wrong(what: str, found: object = None) -> InputError:
    shown = "" if found is None else f", not {found!r:.80}"
    return InputError(f"{what}{shown}", hint="uwf event send --help", code="bad_event")
