"""The word that was probably meant, where one is not known."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_WORD = 100
"""Of a longer one nobody has mistyped a letter or two, and comparing would take its square in time."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, if one is like it at all."""
    from difflib import get_close_matches

    if len(word) > _LONGEST_WORD:
        return None
    others = [other for other in known if len(other) <= _LONGEST_WORD]
    return next(iter(get_close_matches(word, others, n=1)), None)


def or_meant(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about `word`: which known one was meant, "" when none is like it."""
    meant = nearest(word, known)
    return f"; did you mean {meant}?" if meant else ""
