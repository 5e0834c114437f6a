"""How values are written in tables and fields, for a reader."""

from __future__ import annotations

from uwf import clock
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import FailureView
    from uwf.display.states import Look


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


def moment(at_ms: int | None) -> str:
    return clock.iso(at_ms) if at_ms else ""


def seconds(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.1f}"


def in_words(failed: FailureView) -> str:
    """When an attempt failed, and of what in its own words."""
    when = f"{moment(failed.at)}: " if failed.at else ""
    return when + short(failed.message, 200)


def number(value: int | None) -> str:
    return "?" if value is None else str(value)
