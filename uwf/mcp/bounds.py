"""How much one answer says. A model reads each word of it, and pays for it: what is longer is cut, and says what is
missing and how to read on.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice

from uwf.jsontext import dumps
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

MOST_CHARS = 40_000
"""Of an answer as JSON: about ten thousand tokens."""
ROW_CHARS = 4_000
"""Of one row of a list."""
TEXT_CHARS = 20_000
"""Of a text for which no limit was given."""
MOST_TEXT_CHARS = 100_000
"""The highest limit of a text."""

_LEVELS = (
    (20_000, 1_000),
    (4_000, 200),
    (4_000, 20),
    (1_000, 100),
    (1_000, 20),
    (200, 60),
    (60, 60),
)
"""How many characters of a text and elements of a list are kept, tried until the whole fits."""
_MOST_NOTES = 20


def document(value: dict[str, Any], reads_on: str = "", most: int = MOST_CHARS) -> dict[str, Any]:
    """`value` in at most about `most` characters. What is missing stands in its field `cut`, and what `reads_on`."""
    if len(dumps(value)) <= most:
        return value
    more = [reads_on] if reads_on else []
    for chars, items in _LEVELS:
        missing: Counter[tuple[str, str]] = Counter()
        cut: dict[str, Any] = _cut(value, "", chars, items, missing)
        cut["cut"] = [*_notes(missing), *more]
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


def said(piece: Mapping[str, Any], reads_on: str) -> str:
    """A piece of a text in words; where something follows, how much that is and what `reads_on`."""
    if piece["next"] is None:
        return str(piece["markdown"])
    left = piece["chars"] - piece["next"]
    return f"{piece['markdown']}\n\n(… {left} more characters: {reads_on})"


def _notes(missing: Counter[tuple[str, str]]) -> list[str]:
    """What is missing, in words: the most of it first."""
    notes = [
        f"{path or 'it'}: {counted(number, what)}"
        for (path, what), number in missing.most_common(_MOST_NOTES)
    ]
    return notes + [f"and {len(missing) - _MOST_NOTES} others"] * (len(missing) > _MOST_NOTES)


def _cut(value: Any, path: str, chars: int, items: int, missing: Counter[tuple[str, str]]) -> Any:
    """`value` with short texts and lists; `missing` counts what was taken away, by where and what it was."""
    if isinstance(value, str):
        if len(value) > chars:
            missing[path, "more character"] += len(value) - chars
        return value[:chars]
    if not isinstance(value, (dict, list)):
        return value
    if len(value) > items:
        missing[path, "more field" if isinstance(value, dict) else "more element"] += (
            len(value) - items
        )
    if isinstance(value, list):
        return [_cut(each, path, chars, items, missing) for each in value[:items]]
    return {
        key[:chars]: _cut(value[key], _below(path, key[:60]), chars, items, missing)
        for key in islice(value, items)
    }


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
