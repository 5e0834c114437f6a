"""What was decided about an event, and why: each layer that was asked, its answer and its reason, and what was done."""

from __future__ import annotations

from uwf.engine.events.event import Event
from uwf.record import Record
from uwf.workflow.template import WRONG_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SEEN = "seen"
NEW, ASKING, TOLD, IGNORED, REFUSED = "new", "asking", "told", "ignored", "refused"
STATES = (NEW, ASKING, TOLD, IGNORED, REFUSED)
"""States of an event: stored; the agent of the glance is asked; a thread was told, or begun; nobody was, for a reason;
something in it, or in a trigger, is wrong. That an id was taken before is `seen`, and no state that is stored."""
OPEN, DECIDED = (NEW, ASKING), (TOLD, IGNORED, REFUSED)

TRIGGER, FILTER, GLANCE, DEBOUNCE, PRIORITY, RUN = (
    *("trigger", "filter", "glance", "debounce", "priority", "run"),
)
LAYERS = (TRIGGER, FILTER, GLANCE, DEBOUNCE, PRIORITY, RUN)
"""In the order in which they are asked. Before them all, an id that was taken before is `seen`."""

# Reasons: why nobody was told, or nobody woken.
NO_TRIGGER, CLASS_IGNORE, DEPTH, NO_PROGRESS, TRUST = (
    *("no_trigger", "class_ignore", "depth", "no_progress", "trust"),
)
WHEN, NO_THREAD, ENDED, BUSY, COOLDOWN = "when", "no_thread", "ended", "busy", "cooldown"
DECLINED, QUEUE_FULL, NO_LONGER_SO = "glance", "queue_full", "no_longer_so"
BAD_TRIGGER, TOO_MANY, CANNOT_START, FAULT, UNREADABLE = (
    *("bad_trigger", "too_many", "cannot_start", "fault", "unreadable"),
)


class Said(Record):
    """What one layer said, of one rule and one thread where it is about these. `code` is the reason of a "no", and of
    a "yes, but".
    """

    layer: str
    ok: bool
    why: str
    code: str | None = None
    rule: str | None = None
    thread: str | None = None


class Deed(Record):
    """What was done for one thread: it was told, or it `started`; when it wakes (None: when it next runs anyway), and
    what its head was then.
    """

    thread: str
    rule: str
    started: bool
    wake_ms: int | None
    head: str


class Ask(Record):
    """The agent of the glance is to be asked about a rule and a thread."""

    rule: str
    thread: str


class Decision(Record):
    """What came of the event `key`. `asks` are still open."""

    key: str
    state: str
    at_ms: int
    said: tuple[Said, ...]
    deeds: tuple[Deed, ...] = ()
    asks: tuple[Ask, ...] = ()

    @property
    def reason(self) -> Said | None:
        """Why nobody was told: the last "no", what is wrong before what is merely so. None where somebody was."""
        if self.state in (TOLD, *OPEN):
            return None
        noes = [said for said in self.said if not said.ok]
        wrong = [said for said in noes if said.code in WRONG]
        return next(reversed(wrong or noes), None)

    @property
    def threads(self) -> tuple[str, ...]:
        """The threads that were told or begun, each once."""
        return tuple(dict.fromkeys(deed.thread for deed in self.deeds))

    def to_value(self) -> dict[str, Any]:
        return {
            "at": self.at_ms,
            "said": [
                [one.layer, one.ok, one.why, one.code, one.rule, one.thread] for one in self.said
            ],
            "deeds": [
                [one.thread, one.rule, one.started, one.wake_ms, one.head] for one in self.deeds
            ],
            "asks": [[one.rule, one.thread] for one in self.asks],
        }

    @staticmethod
    def from_value(key: str, state: str, value: Mapping[str, Any]) -> Decision:
        return Decision(
            key,
            state,
            value["at"],
            tuple(Said(*one) for one in value["said"]),
            tuple(Deed(*one) for one in value["deeds"]),
            tuple(Ask(*one) for one in value["asks"]),
        )


WRONG = (BAD_TRIGGER, WRONG_TYPE, TOO_MANY, CANNOT_START, FAULT, UNREADABLE)
"""Reasons that a person has to mend; the others are as they are meant."""


class StoredEvent(Record):
    """An event as it stands in the store: when it was taken, its `causes` (keys of events, the nearest first), the
    threads it came `through`, and what was decided, None before that.
    """

    event: Event
    state: str
    taken_ms: int
    causes: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    decision: Decision | None = None
