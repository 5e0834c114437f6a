"""How guards stand: each line has its name, how it is now, beside that its limit and how much of it is used, a note."""

from __future__ import annotations

from uwf.display import numbers, times
from uwf.quantities import TIME, USD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.guard.contract import StatusLine

COLUMNS = ("guard", "now", "limit", "used", "note")
BAR_COLUMNS = 10


def row(line: StatusLine, seen: times.Times, *, bar: bool) -> tuple[str, str, str, str, str]:
    """The cells of one line, `used` with a `bar` or as a number alone."""
    used = "" if line.share is None else numbers.percent(line.share)
    if bar and line.share is not None:
        used = f"{numbers.bar(line.share, BAR_COLUMNS)} {used}"
    return line.name, said(line.unit, line.now), limit(line), used, seen.sentence(line.note)


def limit(line: StatusLine) -> str:
    """`5`, or `at least 1.5GiB` of what must be left."""
    if line.limit is None:
        return ""
    return ("at least " if line.at_least else "") + said(line.unit, line.limit)


def said(unit: str, value: float | str) -> str:
    """An amount of that unit; the word where it is one."""
    if isinstance(value, str):
        return value
    if unit == "bytes":
        return numbers.size(round(value))
    if unit == "share":
        return numbers.percent(value)
    if unit == USD:
        return numbers.money(value)
    if unit == TIME:
        return times.duration(round(value * 1000))
    return f"{value:.1f}" if value % 1 else numbers.count(value)
