"""How much one answer says. A model reads each word of it, and pays for it: what is longer is cut, and says what is
missing and how to read on.
"""

from __future__ import annotations

from uwf.jsontext import dumps
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

MOST_CHARS = 40_000
"""Of an answer as JSON: about ten thousand tokens."""
ROW_CHARS = 4_000
"""Of one row of a list."""
TEXT_CHARS = 20_000
"""Of a text for which no limit was given."""
MOST_TEXT_CHARS = 100_000
"""The highest limit of a text."""

_LEVELS = ((20_000, 1_000), (4_000, 200), (1_000, 100), (200, 60), (60, 60))
"""How many characters of a text and elements of a list are kept, tried until the whole fits."""
_MOST_NOTES = 20


def document(value: dict[str, Any], reads_on: str = "", most: int = MOST_CHARS) -> dict[str, Any]:
    """`value` in at most about `most` characters. What is missing stands in its field `cut`, and what `reads_on`."""
    if len(dumps(value)) <= most:
        return value
    more = [reads_on] if reads_on else []
    for chars, items in _LEVELS:
        notes: list[str] = []
        cut: dict[str, Any] = _cut(value, "", chars, items, notes)
        left = [f"and {len(notes) - _MOST_NOTES} more"] if len(notes) > _MOST_NOTES else []
        cut["cut"] = [*notes[:_MOST_NOTES], *left, *more]
        if len(dumps(cut)) <= most + 2_000:
            return cut
    return {"cut": [f"all of it: {len(dumps(value))} characters, in too many parts", *more]}


def rows(
    name: str, found: Iterable[dict[str, Any]], offset: int, limit: int, reads_on: str = ""
) -> dict[str, Any]:
    """At most `limit` rows, and no more than have room, under `name`; `next` is the offset of the one after them, None
    for none. `found` begins with the row at `offset`, and has one more where there is more.
    """
    kept: list[dict[str, Any]] = []
    left = MOST_CHARS
    for row in found:
        shown = document(row, reads_on, ROW_CHARS)
        left -= len(dumps(shown))
        if len(kept) == limit or (kept and left < 0):
            return {name: kept, "next": offset + len(kept)}
        kept.append(shown)
    return {name: kept, "next": None}


def text(whole: str, offset: int, limit: int) -> dict[str, Any]:
    """A piece of a text: `chars` is how many it has, `next` the offset of what follows, None at its end."""
    piece = whole[offset : offset + limit]
    end = offset + len(piece)
    return {
        "markdown": piece,
        "offset": offset,
        "chars": len(whole),
        "next": end if end < len(whole) else None,
    }


def _cut(value: Any, path: str, chars: int, items: int, notes: list[str]) -> Any:
    if isinstance(value, str):
        if len(value) > chars:
            notes.append(f"{path}: {counted(len(value) - chars, 'more character')}")
        return value[:chars]
    if isinstance(value, dict):
        if len(value) > items:
            notes.append(f"{path or 'it'}: {counted(len(value) - items, 'more field')}")
        return {
            key[:chars]: _cut(value[key], _below(path, key[:60]), chars, items, notes)
            for key in _first(value, items)
        }
    if isinstance(value, list):
        if len(value) > items:
            notes.append(f"{path}: {len(value) - items} more")
        return [_cut(each, path, chars, items, notes) for each in value[:items]]
    return value


def _first(value: dict[str, Any], items: int) -> Iterator[str]:
    return (key for key, _ in zip(value, range(items), strict=False))


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
