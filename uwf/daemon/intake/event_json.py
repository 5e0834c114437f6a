"""An event as a program writes it in JSON: in the spool folder, to the endpoint, as a line of a command or a file.

    {"name": "deploy.done", "id": "…", "at": "2026-01-31T09:15:00Z", "who": "…", "trust": "bot", "data": {…},
     "thread": "…", "labels": {"pr": "42"}, "urgent": false}

Only `name` is needed. One without an `id` has one that is made of what it says and where it came from, so that what is
read twice is one event.
"""

from __future__ import annotations

import json

from uwf import clock
from uwf.app.unattended.events import Event, checked
from uwf.daemon.sources.forges.fields import Fields
from uwf.daemon.sources.forges.forge import mark
from uwf.errors import InputError
from uwf.trust import BOT, STRANGER, TRUSTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KNOWN = ("name", "id", "at", "who", "trust", "data", "thread", "labels", "urgent")
BEARERS = (BOT, STRANGER)
"""What the bearer of a token may be: a program, whoever holds it."""
MOST = 500
"""In one list."""


def event(
    value: Any,
    source: str,
    *,
    otherwise: str = "",
    at_ms: int | None = None,
    trusts: tuple[str, ...] = TRUSTS,
) -> Event:
    """The event that `value` is. Where it has no id, that is made of what it says and of `otherwise`; where it has no
    time, that is `at_ms`, or now.

    InputError says what is wrong with it.
    """
    if value is None:  # which is an object without fields inside of another
        raise InputError("it is null, not an object", code="bad_fields")
    fields = Fields(value)
    for name in value:
        if name not in KNOWN:
            raise InputError(f"{name[:60]!r} is no field of an event; those are {', '.join(KNOWN)}")
    if not fields.text("name"):
        raise InputError('an event needs a name, such as {"name": "deploy.done"}')
    trust = fields.text("trust") or BOT
    if trust not in trusts:
        raise InputError(f"trust is {trust[:60]!r}, and may be {' or '.join(trusts)} here")
    labels = fields.below("labels")
    made = Event(
        id=fields.text("id") or mark(otherwise, json.dumps(value, sort_keys=True)),
        source=source,
        name=fields.text("name"),
        at_ms=_at_ms(fields, value.get("at")) or at_ms or clock.now_ms(),
        who=fields.text("who") or source,
        trust=trust,
        data=value.get("data"),
        thread=fields.text("thread") or None,
        labels={name: labels.text(name) for name in value.get("labels") or ()},
        is_urgent=fields.flag("urgent"),
    )
    return checked(made)


def _at_ms(fields: Fields, at: Any) -> int:
    """A time in text, or in epoch milliseconds."""
    return fields.number("at") if isinstance(at, int) else fields.time_ms("at")


def events(value: Any, source: str) -> list[Event]:
    """One event, or a list of them, as the bearer of a token may send it."""
    listed = value if isinstance(value, list) else [value]
    if not listed or len(listed) > MOST:
        raise InputError(f"a list has 1 to {MOST} events")
    return [event(each, source, trusts=BEARERS) for each in listed]
