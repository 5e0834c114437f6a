"""A terminal that shows no UTF-8: each character that it does not know is written as one that it does."""

from __future__ import annotations

from rich.cells import cell_len
from textual.driver import Driver

from uwf.display.plain import plain


def text(given: str) -> str:
    """`given` in ASCII, as wide as it was."""
    if given.isascii():
        return given
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in plain(given))


def driver(kind: type[Driver]) -> type[Driver]:
    """The same driver of a terminal, which writes ASCII alone."""

    class PlainDriver(kind):  # type: ignore[misc, valid-type]  # which one it is, Textual knows
        def write(self, data: str) -> None:
            super().write(text(data))

    return PlainDriver
