"""Tables on a terminal: as wide as it is, each row on one line, nothing broken that a person would copy.

Where the room does not suffice, columns that hold text are cut, and columns that matter less are left out. Letters of
East Asian scripts take two columns of a terminal, combining ones none.
"""

from __future__ import annotations

from uwf.cli.screen.terminal import painted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from uwf.cli.screen.cells import Cell

GAP = 2
LEAST = 16
"""A column that is cut keeps this much, or is left out if it may be."""
BARE = 5
"""And this much where even so a row would not stay on one line."""

_ON_ANOTHER = ("Mn", "Me")
"""Marks that stand on the letter before them: accents, vowels of Thai and Hindi, what makes a sign an emoji."""


def lines(
    heads: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    room: int,
    *,
    cut: Collection[str] = (),
    spare: Sequence[str] = (),
    least: Mapping[str, int] | None = None,
    is_painted: bool = False,
) -> list[str]:
    """The heading and the rows as lines of at most `room` columns of a terminal, if that can be.

    `cut` are the heads of columns that may be cut, but not below `least` while there is any room; `spare` those of
    columns that may be left out, the first one first.
    """
    columns = [[head, *(row[at] for row in rows)] for at, head in enumerate(heads)]
    wanted = [max(width(str(cell)) for cell in column) for column in columns]
    floor = [
        min(most, max((least or {}).get(head, LEAST), width(head))) if head in cut else most
        for head, most in zip(heads, wanted, strict=True)
    ]
    kept = list(range(len(heads)))
    for head in spare:
        if _total(floor, kept) <= room:
            break
        kept = [at for at in kept if heads[at] != head]
    _cut(wanted, floor, kept, room)
    if _total(wanted, kept) > room:
        lowest = [
            min(most, max(width(head), BARE)) if head in cut else most
            for head, most in zip(heads, wanted, strict=True)
        ]
        _cut(wanted, lowest, kept, room)
    shown = [[_drawn(cell, wanted[at], is_painted) for cell in columns[at]] for at in kept]
    return [(" " * GAP).join(cells).rstrip() for cells in zip(*shown, strict=True)]


def _cut(wanted: list[int], floor: Sequence[int], kept: Sequence[int], room: int) -> None:
    """Make columns narrower until all fit, the widest first, none below its `floor`."""
    over = _total(wanted, kept) - room
    while over > 0:
        loose = sorted((wanted[at], at) for at in kept if wanted[at] > floor[at])
        if not loose:
            return
        most, widest = loose[-1]
        next_one = loose[-2][0] if len(loose) > 1 else 0
        less = min(over, max(1, most - max(next_one, floor[widest])))
        wanted[widest] -= less
        over -= less


def width(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return len(text) if text.isascii() else sum(map(_letter_width, text))


def head(text: str, room: int) -> str:
    """As much of `text` as `room` columns of a terminal hold."""
    if text.isascii():
        return text[:room]
    used = 0
    for at, letter in enumerate(text):
        used += _letter_width(letter)
        if used > room:
            return text[:at]
    return text


def padded(text: str, room: int) -> str:
    """`text` in exactly `room` columns of a terminal, an ellipsis where it was cut."""
    if width(text) > room:
        text = head(text, room - 1) + "…"
    return text + " " * (room - width(text))


def _drawn(cell: str | Cell, room: int, is_painted: bool) -> str:
    text = padded(str(cell), room)
    if not is_painted or isinstance(cell, str):
        return text
    seen = text.rstrip()
    colour = "" if cell.look is None else cell.look.colour
    return painted(seen, colour, bold=cell.bold) + text[len(seen) :]


def _letter_width(letter: str) -> int:
    from unicodedata import category, east_asian_width

    return 0 if category(letter) in _ON_ANOTHER else 2 if east_asian_width(letter) in "WF" else 1


def _total(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[at] for at in kept) + GAP * (len(kept) - 1)
