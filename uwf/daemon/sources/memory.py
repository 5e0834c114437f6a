"""What a source remembers of a pull request between two polls, as the store keeps it.

It is stored together with the events that were made of it, so it never knows more than was delivered.
"""

from __future__ import annotations

from types import MappingProxyType

from uwf.record import Record

OPEN, CLOSED, MERGED, GONE = "open", "closed", "merged", "gone"
"""States of a pull request."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class PageMemory(Record):
    """A page as it was last: what to show the forge so that it need not send it again, and which one follows."""

    path: str
    etag: str
    next_url: str | None


class StreamMemory(Record):
    """One list of a pull request. `seen` are the objects in it from `since_ms` on with their marks and times."""

    since_ms: int
    seen: Mapping[str, tuple[str, int]]
    pages: tuple[PageMemory, ...] = ()

    def mark(self, key: str) -> str | None:
        return self.seen[key][0] if key in self.seen else None

    def page(self, path: str) -> PageMemory | None:
        return next((page for page in self.pages if page.path == path), None)


class PullMemory(Record):
    """One pull request. `active_ms` is when something last happened on it."""

    state: str = ""
    head: str = ""
    etag: str | None = None
    active_ms: int = 0
    polled_ms: int = 0
    streams: Mapping[str, StreamMemory] = MappingProxyType({})

    @property
    def has_ended(self) -> bool:
        return self.state not in ("", OPEN)

    def as_value(self) -> dict[str, Any]:
        """What the store keeps."""
        return {
            "state": self.state,
            "head": self.head,
            "etag": self.etag,
            "active": self.active_ms,
            "polled": self.polled_ms,
            "streams": {
                name: {
                    "since": each.since_ms,
                    "seen": [[key, *seen] for key, seen in each.seen.items()],
                    "pages": [[page.path, page.etag, page.next_url] for page in each.pages],
                }
                for name, each in self.streams.items()
            },
        }

    @classmethod
    def of(cls, value: Mapping[str, Any] | None) -> PullMemory:
        """What the store has kept. Nothing is remembered where that is of another form."""
        if not value:
            return cls()
        try:
            return cls(
                value["state"],
                value["head"],
                value["etag"],
                value["active"],
                value["polled"],
                {name: _stream(each) for name, each in value["streams"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls()


def _stream(value: Mapping[str, Any]) -> StreamMemory:
    return StreamMemory(
        value["since"],
        {key: (mark, at_ms) for key, mark, at_ms in value["seen"]},
        tuple(PageMemory(path, etag, url) for path, etag, url in value["pages"]),
    )
