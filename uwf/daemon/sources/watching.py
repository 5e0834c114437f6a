"""Which pull requests a source asks about. Pure: it takes those that threads carry, and says which are next.

A poll asks about `MOST` at the utmost, however many threads there are. Those on which something happened lately are
asked about every time; the others share the last `ROTATING` places, whoever waited longest first, so that each has its
turn. Nothing is asked about for longer than `AGE_MS` after the last thing that happened on it: it drops out, which is
said by name, and comes back when its thread moves or a webhook speaks of it.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 50
ROTATING = 10
AGE_MS = 14 * 86_400_000


class Pull(Record):
    """A pull request that threads carry. `begun_ms` is when the first of them began, `active_ms` when something last
    happened on it or to one of them, `polled_ms` when it was last asked about; 0: never.
    """

    repo: str
    number: int
    begun_ms: int
    active_ms: int
    polled_ms: int = 0

    @property
    def name(self) -> str:
        return f"{self.repo}#{self.number}"


class WatchSet(Record):
    """What a poll asks about, in this order; what waits for its turn; and what dropped out for its age."""

    asked: tuple[Pull, ...]
    waiting: tuple[Pull, ...]
    aged: tuple[Pull, ...]


def choose(
    pulls: Sequence[Pull], now_ms: int, *, most: int = MOST, rotating: int = ROTATING
) -> WatchSet:
    """The watch set of one poll at `now_ms`."""
    lately = sorted(pulls, key=lambda pull: (-pull.active_ms, pull.name))
    aged = tuple(pull for pull in lately if now_ms - pull.active_ms > AGE_MS)
    living = lately[: len(lately) - len(aged)]
    if len(living) <= most:
        return WatchSet(tuple(living), (), aged)
    always, rest = living[: most - rotating], living[most - rotating :]
    rest.sort(
        key=lambda pull: pull.polled_ms
    )  # stable: of those never asked about, the latest first
    return WatchSet((*always, *rest[:rotating]), tuple(rest[rotating:]), aged)
