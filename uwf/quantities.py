"""Quantities as people write them: durations (`90s`, `1h30m`), sizes (`8MiB`), counts (`2 steps`), and budgets,
`tokens=2M,usd=5,steps=40,visits=10,time=2h`.

A budget is a map from some of `NAMES` to amounts; `time` is in seconds. The command line, config.toml and workflow
files all say it in this form. What a budget means is in `guard/spending/budget.py`.
"""

from __future__ import annotations

from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

TOKENS, USD, STEPS, VISITS, TIME = "tokens", "usd", "steps", "visits", "time"
NAMES = (TOKENS, USD, STEPS, VISITS, TIME)

USED_NOTHING = ("spawn_failed", "authentication", "internal")
"""Classes of failures in which an agent came to use nothing."""

EXAMPLES = {TOKENS: "2M", USD: "5", STEPS: "40", VISITS: "10", TIME: "2h"}

_FACTORS = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}
_MOST = 10.0**15
_UNITS_MS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))

_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTES = {
    "B": 1,
    **{"KB": 10**3, "MB": 10**6, "GB": 10**9},
    **{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30},
}
_MAX_SECONDS = 10 * 365 * 86_400
_MAX_BYTES = 1 << 50

DURATION_FORM = "a duration such as 90s, 30m or 1h30m"
SIZE_FORM = "a size such as 64KiB, 8MiB or 1GB"


def duration_s(text: str) -> float:
    """The seconds that `text` stands for: numbers with units, larger units first. ValueError otherwise."""
    order = list(_SECONDS)
    total, last, rest = 0.0, -1, text
    while rest or last < 0:
        number, unit, rest = _take(rest)
        if unit not in order[last + 1 :]:
            raise ValueError(f"{text!r} is not {DURATION_FORM}")
        last = order.index(unit)
        total += number * _SECONDS[unit]
    if total > _MAX_SECONDS:
        raise ValueError(f"{text!r} is more than ten years")
    return total


def size_bytes(text: str) -> int:
    """The bytes that `text` stands for: one number with a unit. ValueError otherwise."""
    number, unit, rest = _take(text)
    if rest or unit not in _BYTES:
        raise ValueError(f"{text!r} is not {SIZE_FORM}")
    total = int(number * _BYTES[unit])
    if total > _MAX_BYTES:
        raise ValueError(f"{text!r} is more than any memory")
    return total


def counted(number: int, thing: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def one(thing: str) -> str:
    """`a step`, `an attempt`."""
    return f"{'an' if thing[:1] in 'aeiou' and thing else 'a'} {thing}"


def parse_budget(text: str, names: Sequence[str] = NAMES) -> dict[str, float]:
    """The budget that `text` stands for. InputError says what is wrong."""
    found = {}
    for name, amount, is_more in _items(text, names):
        if is_more:
            raise _nothing_to_raise(name)
        found[name] = amount
    return found


def raised_budget(current: Mapping[str, float], text: str) -> dict[str, float]:
    """`current` with what `text` says: `+usd=2` adds to the limit there is, `usd=2` sets it."""
    changed = dict(current)
    for name, amount, is_more in _items(text, NAMES):
        if is_more and name not in current:
            raise _nothing_to_raise(name)
        changed[name] = tidy(name, current[name] + amount) if is_more else amount
    return changed


def format_budget(budget: Mapping[str, float]) -> str:
    """The text that `parse_budget` reads as `budget`."""
    return ",".join(f"{name}={written(name, budget[name])}" for name in NAMES if name in budget)


def raised_enough(limit: float, used: float, needed: float = 0.0) -> float:
    """The limit to propose where `used` leaves less than `needed`: twice as much, or more if that is too little."""
    left = 2 * limit - used
    return 2 * limit if left > 0 and left >= needed else used + max(limit, needed, 1.0)


def written(name: str, amount: float) -> str:
    """One amount as a person writes it: `2M`, `5.02`, `1h30m`."""
    amount = tidy(name, amount)
    if name == TIME:
        return _duration(round(amount * 1000))
    if name == USD:
        return f"{amount:.6f}".rstrip("0").rstrip(".")
    whole = round(amount)
    for letter in "GMk" if name == TOKENS and whole else "":
        if whole % _FACTORS[letter] == 0:
            return f"{whole // _FACTORS[letter]}{letter}"
    return str(whole)


def said(name: str, amount: float) -> str:
    """An amount that was used, no more exact than a person wants it."""
    if name == TIME and amount >= 1:
        amount = round(amount)
    if name == USD and amount >= 0.01:
        amount = round(amount, 2)
    return written(name, amount)


def read_amount(name: str, given: Any) -> float:
    """The amount that `given`, a text or a number of a file, stands for. ValueError says why it is none."""
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise ValueError(f"{given!r} is not {_amount_form(name)}")
    if name == TIME:
        if not isinstance(given, str):
            raise ValueError(f"{given!r} is not {_amount_form(name)}")
        amount = duration_s(given)
    else:
        number = _amount_number(given) if isinstance(given, str) else given
        amount = float(max(min(number, 2 * _MOST), -1.0))
        if amount != amount:  # "not a number" is not even itself
            raise ValueError(f"{given!r} is not {_amount_form(name)}")
    if amount <= 0 or tidy(name, amount) <= 0:
        raise ValueError(f"{given!r} leaves nothing to spend: a limit is more than 0")
    if amount > _MOST:
        raise ValueError(f"{given!r} is more than anybody has")
    if name in (TOKENS, STEPS, VISITS) and amount != round(amount):
        raise ValueError(f"{given!r} is not a whole number")
    return tidy(name, amount)


def check_amount(name: str, amount: float) -> None:
    """Raise `InputError` for a limit that cannot be: of another name, or no amount that anything could be spent of."""
    if name not in NAMES:
        raise _bad(unknown_amount(name))
    try:
        read_amount(name, f"{amount}s" if name == TIME else amount)
    except ValueError as error:
        raise _bad(f"{name}: {error}") from None


def tidy(name: str, amount: float) -> float:
    """`amount` without the dust of adding: whole, or to a millionth of a dollar, or to a millisecond."""
    return round(amount, {USD: 6, TIME: 3}.get(name, 0))


def unknown_amount(name: str, names: Sequence[str] = NAMES) -> str:
    """What to say about a name that no budget has, with the nearest one that it may have been."""
    from uwf.nearest import or_meant

    return f"{name!r} cannot be limited, only {', '.join(names)}{or_meant(name, names)}"


def _items(text: str, names: Sequence[str]) -> Iterator[tuple[str, float, bool]]:
    """(name, amount, whether it comes on top) for each part of `text`."""
    seen = set()
    for part in text.split(","):
        word = part.strip()
        name, equals, amount = word.removeprefix("+").partition("=")
        if not equals or not name:
            raise _bad(f"{word!r} is not of the form NAME=LIMIT, such as {USD}={EXAMPLES[USD]}")
        if name not in names:
            raise _bad(unknown_amount(name, names))
        if name in seen:
            raise _bad(f"{name} is given twice in {text!r}")
        seen.add(name)
        try:
            yield name, read_amount(name, amount), word.startswith("+")
        except ValueError as error:
            raise _bad(f"{name}: {error}") from None


def _amount_number(text: str) -> float:
    """`1500`, `0.5`, `2M`; not a number (nan) for anything else."""
    sign = -1 if text.startswith("-") else 1
    digits = text.removeprefix("-")
    factor = _FACTORS.get(digits[-1:], 1)
    if factor != 1:
        digits = digits[:-1]
    if not digits.isascii() or not digits.replace(".", "", 1).isdigit() or len(digits) > 20:
        return float("nan")
    return sign * float(digits) * factor


def _amount_form(name: str) -> str:
    if name == TIME:
        return "a duration such as 90s, 30m or 1h30m"
    return f"a number such as {EXAMPLES[name]}"


def _duration(ms: int) -> str:
    parts = []
    for unit, size in _UNITS_MS:
        count, ms = divmod(ms, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _nothing_to_raise(name: str) -> InputError:
    return _bad(f"+{name} would raise a limit that there is not; without the + it sets one")


def _bad(message: str) -> InputError:
    return InputError(message, code="bad_budget")


def _take(text: str) -> tuple[float, str, str]:
    """The number and the unit that `text` begins with, and what follows; the unit is "" if there is none."""
    at = _run(text, 0, "0123456789.")
    end = at + _run(text, at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    digits = text[:at]
    if not digits.replace(".", "", 1).isdigit() or len(digits) > 15:
        return 0.0, "", ""
    return float(digits), text[at:end], text[end:]


def _run(text: str, start: int, letters: str) -> int:
    """How many characters of `text` from `start` on are among `letters`."""
    end = start
    while end < len(text) and text[end] in letters:
        end += 1
    return end - start
