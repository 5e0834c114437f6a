"""How much of a page texts may take, so that one that is as long as a book does not fill it."""

from __future__ import annotations

from html import escape
from itertools import islice

from uwf.display import inert

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

_PAGE_BYTES = 1_080_000
_MOST_BYTES, _LEAST_BYTES = 160_000, 2_500
"""For one step, whether a thread has few of them or many."""
_TEXT_BYTES = 200


def for_each(steps: int) -> Space:
    """What one of so many steps may take."""
    return Space(max(_LEAST_BYTES, min(_MOST_BYTES, _PAGE_BYTES // max(1, steps))))


class Space:
    """What is left, in bytes of HTML."""

    def __init__(self, size: int, whole: Space | None = None) -> None:
        """`whole` is the space of which this is a part."""
        self.size = self.left = size
        self._whole = whole

    def part(self, share: float) -> Space:
        """At most that share of it, for several texts: what they take is taken from the whole as well."""
        return Space(max(0, min(self.left, int(self.size * share))), self)

    def fitting(self, items: Iterable[T], most: int) -> Iterator[T]:
        """The first of `items`, at most so many, while another text with what stands around it still has its place."""
        for item in islice(items, most):
            if self.left < _TEXT_BYTES:
                return
            yield item

    def take(self, text: str, share: float = 1.0) -> tuple[str, int]:
        """The beginning of `text`, inert, as far as it takes no more than that share of the whole once it is escaped;
        and how many characters of it are left out.
        """
        most = max(0, min(self.left, int(self.size * share)))
        raw = text[:most]
        while (needed := size_of(shown := _inert(raw))) > most:
            raw = raw[: len(raw) * most // needed]
        self.spend(needed)
        return shown, len(text) - len(raw)

    def spend(self, size: int) -> None:
        self.left -= size
        if self._whole is not None:
            self._whole.spend(size)


def size_of(text: str) -> int:
    """Of `text` as it stands in a page."""
    return len(escape(text).encode())


def _inert(text: str) -> str:
    """Without what would steer or turn, and without halves of characters."""
    return inert.visible(text).encode("utf-8", "replace").decode()
