"""Durations, sizes and counts as people write them: `90s`, `1h30m`; `8MiB`, `64KiB`, `1GB`; `1 step`, `2 steps`; and
one thing: `a step`, `an attempt`.
"""

from __future__ import annotations

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
