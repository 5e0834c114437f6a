"""What comes of looking again at an event right before a thread wakes, and of which events anything can be asked.

Apart from `look`, which asks: a daemon without sources need not load what that takes.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from uwf.app.unattended.events import Event
    from uwf.app.values import Source

    Answer: TypeAlias = "StillTrue | Dropped"

WITHIN_S = 10.0
ASKED = ("review", "comment", "check")
"""Events, without the kind of forge before them, of which something can be asked."""


class StillTrue(Record):
    """Go on, and tell these `words` besides."""

    words: str = ""


class Dropped(Record):
    """It is not so any more, in words for the event's own record."""

    reason: str


def is_askable(event: Event, source: Source) -> bool:
    """Whether `look` would ask anything."""
    what = event.name.partition(".")[2]
    return source.is_forge and what in ASKED and bool(number_in(event.data, "number"))


def number_in(data: Any, name: str) -> int:
    """A number of 1 or more in the data of an event; 0 where there is none."""
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0
