"""How values are written in tables and fields, for a reader."""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import FailureView
    from uwf.display.states import Look
    from uwf.display.times import Times


class Cell(Record):
    """A text that a person at a terminal finds by more than its place: by how a state looks, or by bold type. Of a
    whole id in a field the `tail` alone is bold: what one types.
    """

    text: str
    look: Look | None = None
    bold: bool = False
    tail: str = ""

    def __str__(self) -> str:
        """What is seen of it: the sign of the state, and its word."""
        return self.text if self.look is None else f"{self.look.sign} {self.text}"


def short(text: str, length: int) -> str:
    """`text` on one line, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def in_words(failed: FailureView, times: Times) -> str:
    """When an attempt failed, and of what in its own words."""
    when = f"{times.moment(failed.at)}: " if failed.at else ""
    return when + short(failed.message, 200)


def number(value: int | None) -> str:
    return "?" if value is None else str(value)
