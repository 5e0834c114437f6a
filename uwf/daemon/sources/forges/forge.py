"""What both forges have in common: what is found on a pull request, as events, whichever way it came.

The id of an event is made of the object that it tells of and of what that says: a comment that comes by webhook, by
poll, or by both, twice and in any order, is one event; one that was edited is another.
"""

from __future__ import annotations

from hashlib import sha256

from uwf.app.unattended.events import Event
from uwf.daemon.sources.forges.standing import Standing
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    from uwf.daemon.intake.signature import Headers
    from uwf.daemon.sources.forges.fields import Fields
else:
    Protocol = object

FAILED = ("failure", "error", "timed_out", "startup_failure", "action_required")
"""Conclusions of a check that somebody has to do something about."""


class Repo(Record):
    """One repository as a source knows it. `source` is what the source is called, `name` is `owner/repo`."""

    source: str
    kind: str
    name: str
    standing: Standing

    def event(
        self,
        what: str,
        key: str,
        says: tuple[object, ...],
        *,
        at_ms: int,
        who: str,
        trust: str,
        data: Mapping[str, Any],
    ) -> Event:
        """The event that `what` happened to the object `key`, which now `says` that."""
        return Event(
            id=f"{key}/{mark(*says)}",
            source=self.source,
            name=f"{self.kind}.{what}",
            at_ms=at_ms,
            who=who,
            trust=trust,
            data={"repo": self.name, **data},
        )


class Inside(Record):
    """What stands in an object and has to be asked for at `path`; `repo` with what the object says of who wrote it."""

    path: str
    repo: Repo


class ForgeObject(Record):
    """An object on a pull request. `mark` changes with what it says. `event` tells of it; None where it has nothing to
    say.
    """

    key: str
    mark: str
    at_ms: int
    event: Event | None
    inside: Inside | None = None


class PullState(Record):
    """A pull request as it stands."""

    state: str
    head: str
    event: Event | None


class Delivery(Record):
    """What a webhook brought. `numbers` are the pull requests that are worth a poll now; None: all of them."""

    events: tuple[Event, ...] = ()
    numbers: tuple[int, ...] | None = ()


class Stream(Record):
    """One list on a pull request. `by_time`: it can be asked for what changed since a time. `by_head`: it is of its
    head commit.
    """

    name: str
    by_time: bool = False
    by_head: bool = False


class Forge(Protocol):
    """How one kind of forge is asked, and what its answers mean."""

    kind: str
    headers: Mapping[str, str]
    paths: Mapping[Stream, str]
    """Where each list is, in the order in which they are asked; with `repo`, `number`, `head` and `since` in braces."""

    def repo_path(self, repo: str) -> str: ...

    def pull_path(self, repo: str, number: int) -> str: ...

    def comment_path(self, repo: str, id: int, path: str) -> str | None:
        """Where a comment is asked for, on the file `path` where that is one; None where that cannot be."""
        ...

    def log_paths(self, repo: str, check: Mapping[str, Any]) -> list[str]:
        """Where the log of a check may be had, by the data of its event."""
        ...

    def pull(self, repo: Repo, fields: Fields) -> PullState: ...

    def read(self, repo: Repo, number: int, stream: Stream, value: Any) -> list[ForgeObject]:
        """What an answer of a stream has. InputError where it is not what the forge says it is."""
        ...

    def webhook(self, repo: Repo, headers: Headers, payload: Any, now_ms: int) -> Delivery:
        """What a delivery means. InputError where it is none, or of another repository."""
        ...


def mark(*says: object) -> str:
    """A few digits that differ where what is said does."""
    return sha256("\0".join(map(str, says)).encode("utf-8", "replace")).hexdigest()[:16]


def found(key: str, event: Event | None, says: tuple[object, ...], at_ms: int) -> ForgeObject:
    return ForgeObject(key, mark(*says), at_ms, event)
