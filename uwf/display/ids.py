"""Ids for eyes. All ULIDs of a year begin alike, so the end of one is shown, and that is what one types."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST = 4
"""A suffix has at least so many characters; so few are accepted, too."""


def shortest(id: str, others: Iterable[str]) -> str:
    """The shortest suffix of `id` that none of `others` ends with. `id` itself may be among them."""
    length = SHORTEST
    for other in others:
        if other != id:
            while length < len(id) and other.endswith(id[-length:]):
                length += 1
    return id[-length:]
