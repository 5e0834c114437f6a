"""The values that a store answers with: refs and their moves, entries, samples, leases. What is done with them is in
`store.protocols`.
"""

from __future__ import annotations

from uwf.record import Record
from uwf.store.owner import Owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final


class Anything:
    """The type of `ANY`."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = Anything()  # for `expect`: whatever the ref points to, also nothing


REFRESH_MS = (
    60_000  # putting an object again renews the time it was put, but not more often than this
)


class Ref(Record):
    """A name that points to an object. `version` is 1 at first and grows by one with every move."""

    name: str
    id: str
    version: int
    tags: dict[str, str]
    updated_ms: int


class Move(Record):
    """One line of a ref's log. `old` is None for a new ref, `new` is None for a deleted one."""

    name: str
    version: int
    old: str | None
    new: str | None
    tags: dict[str, str]
    at_ms: int
    why: str
    process: str


class LoggedMove(Record):
    """A move with its number in the log, and the tags that the ref had `before`; None for a new ref."""

    number: int
    move: Move
    before: dict[str, str] | None


class Entry(Record):
    """One row of a `kind`, of which there is one with this `key`: something that happened, and what became of it.

    `state` is a word of the kind's own, `value` is what MessagePack can hold.
    """

    kind: str
    key: str
    at_ms: int
    state: str
    value: Any


class Stats(Record):
    """What a store holds. `size_bytes` before compression, `stored_bytes` after it, both objects only."""

    objects: int
    size_bytes: int
    stored_bytes: int
    refs: int
    moves: int
    entries: int


class Sample(Record):
    """One value in time. `value` is what MessagePack can hold."""

    series: str
    at_ms: int
    value: Any


WAKE = "uwf_wake"
"""The channel of a database on which it is said that there is something new to look at."""
NOW_MS = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
"""What the clock of a database says. Who has asked for it tells it to `uwf.clock`."""
COUNTER, SAMPLE, ENTRY = "counter", "sample", "entry"


class Unreadable(Record):
    """A counter, samples of a series, or an entry that cannot be decoded; `why` in words. `kind` is `COUNTER`, `SAMPLE`
    or `ENTRY`; an entry's name is its kind, a slash, and its key."""

    kind: str
    name: str
    why: str


class Lease(Record):
    """That `owner` holds `name`. `epoch` grows with each taking of the name, and tells a lease from an earlier one:
    a transaction that is fenced with it is refused to a holder that was superseded without knowing it."""

    name: str
    owner: Owner
    epoch: int
