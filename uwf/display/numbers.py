"""Numbers for eyes: as exact as a glance takes in, and never the dust of adding. `--json` has them exactly."""

from __future__ import annotations

from uwf.display.times import duration
from uwf.quantities import STEPS, TIME, TOKENS, USD, VISITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNKNOWN = "?"
ORDER = (USD, TOKENS, TIME, STEPS, VISITS)
"""In which amounts are said: what a person asks for first."""
BARS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_THOUSANDS = ("", "k", "M", "G", "T")
_KIBI = ("B", "KiB", "MiB", "GiB", "TiB")


def count(number: float | None) -> str:
    """`999`, `1.2k`, `12k`, `1.2M`: two digits or more, whole numbers below a thousand."""
    return UNKNOWN if number is None else _scaled(number, 1000, _THOUSANDS)


def size(bytes_: int | None) -> str:
    """`800B`, `1.5KiB`, `12MiB`."""
    return UNKNOWN if bytes_ is None else _scaled(bytes_, 1024, _KIBI)


def money(usd: float | None) -> str:
    """To the cent: `$0.31`. What is less than half a cent, and not nothing, is `<$0.01`."""
    if usd is None:
        return UNKNOWN
    return "<$0.01" if 0 < usd < 0.005 else f"${usd:.2f}"


def percent(share: float) -> str:
    """`31%`; `<1%` and `>99%` where whole ones would say nothing or all."""
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def amount(name: str, value: float) -> str:
    """`value` of what budgets and usage call by that `name`: `$0.31`, `3m12s`, `12k tokens`, `4 steps`."""
    if name == USD:
        return money(value)
    if name == TIME:
        return duration(round(value * 1000))
    said = count(value) if value >= 100 or value == round(value) else f"{value:.3g}"
    return f"{said} {name.removesuffix('s') if value == 1 else name}"


def amounts(values: Mapping[str, object] | None) -> str:
    """Several of them, those that budgets know first: `$0.31, 12k tokens, 3m12s`."""
    found = values or {}
    order = dict.fromkeys((*ORDER, *found))
    return ", ".join(_any(name, found[name]) for name in order if name in found)


def cost(usage: Mapping[str, object] | None) -> str:
    """What something cost: money, or tokens where nobody names a price; "" where nothing is known."""
    found = usage or {}
    name = next((name for name in (USD, TOKENS) if name in found), None)
    return "" if name is None else amounts({name: found[name]})


def used_of(name: str, used: float, limit: float) -> str:
    """`$0.31 of $5.00`, `12k of 2M tokens`."""
    if name in (USD, TIME):
        return f"{amount(name, used)} of {amount(name, limit)}"
    return f"{count(used)} of {amount(name, limit)}"


def unseen(name: str, limit: float, agent: str) -> str:
    """What is said of a budget of which `agent` reports nothing."""
    return f"{name} not reported by agent {agent} (limit {amount(name, limit)})"


def bar(share: float, columns: int = 20) -> str:
    """How much of something is used, as a bar of that many columns."""
    full = min(columns, max(0, round(share * columns)))
    return "\u2588" * full + "\u2591" * (columns - full)


def sparkline(counts: Sequence[int]) -> str:
    """Counts as bars, the highest over the whole height: nothing is a blank, and anything is seen."""
    most = max(counts, default=0)
    return "".join(BARS[(count * 8 - 1) // most] if count else " " for count in counts)


def bar_colour(share: float) -> str:
    """Of such a bar: green, yellow where little is left, red where nothing is."""
    return "red" if share >= 1 else "yellow" if share >= 0.8 else "green"


def _any(name: str, value: object) -> str:
    """An agent may report what is no number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return amount(name, value)
    return f"{name} {value}"


def _scaled(number: float, step: int, units: tuple[str, ...]) -> str:
    """In the unit that leaves less than `step`, with a decimal only where there is one digit before it."""
    if number < 0:
        return f"-{_scaled(-number, step, units)}"
    at = 0
    while number >= step - 0.5 and at < len(units) - 1:
        number /= step
        at += 1
    digits = 1 if at and number < 9.95 else 0
    said = f"{number:.{digits}f}"
    return f"{said.removesuffix('.0')}{units[at]}"
