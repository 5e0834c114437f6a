"""When a limit resets, read from the message that says it was reached.

The forms are those that agents and services print: `|1749924000`, `"resets_at":1777936568`, `Retry-After: 60`,
`try again in 5 days 22 hours`, `resets 11pm (UTC)`, `at Jul 5th, 2026 8:19 PM`, ISO times. A time without a
zone is local.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from datetime import datetime, tzinfo

MOST_AHEAD_MS = 40 * 86_400_000
"""Further ahead is no reset of any limit, but a misunderstanding."""

STALE_MS = 3_600_000
"""A time of day that passed less than this ago is not tomorrow's: the message is old."""

_WHEN = r"(?:resets?|again|until|available|renews?|retry|wait)\b[^\d\n]{0,40}?\n?[^\d\n]{0,20}?"
_EPOCH = r"(?:\||resets?[ _-]?at\W{1,5})(\d{13}|\d{10})(?!\d)"
_SECONDS = r"(?:retry[ _-]?after|in[ _-]seconds|after[ _-]seconds)\W{1,5}(\d+(?:\.\d+)?)(?![\d.]*[ \t]*[a-z:])"
_PART = (
    r"\d+(?:\.\d+)?\s*(?:milliseconds?|ms|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
)
_DURATION = rf"\b(?:in|after|wait|for)\W{{1,3}}((?:{_PART}(?![a-z])[\s,]*(?:and\s+)?)+)"
_ISO = rf"{_WHEN}(\d{{4}}-\d\d-\d\d)[t ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(z|utc|[+-]\d\d:?\d\d)?"
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAYS = "mon tue wed thu fri sat sun".split()
_CLOCK = (
    r"(?:resets?|again|until|available|renews?)\W{1,20}?(?:at|on|by)?\W{0,20}?"
    rf"(?:({'|'.join(_MONTHS)})[a-z]*\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?:(\d{{4}}),?\s+)?(?:at\s+)?)?"
    rf"(?:({'|'.join(_DAYS)})[a-z]*,?\s+(?:at\s+)?)?"
    r"(\d{1,2})(?::(\d\d))?(?::\d\d)?\s*([ap])?\.?(?:m\b)?\.?\s*(?:\(([\w/+-]+)\)|(utc|gmt|z)\b)?"
)

_UNITS_MS = {"ms": 1, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}


def resets_ms(text: str, now_ms: int) -> int | None:
    """The moment in epoch milliseconds; None when the text names none, or none that can be meant."""
    import re

    for pattern, read in (
        (_EPOCH, _epoch),
        (_SECONDS, _seconds),
        (_DURATION, _duration),
        (_ISO, _iso),
        (_CLOCK, _clock),
    ):
        for found in reversed(list(re.finditer(pattern, text, re.IGNORECASE))):
            at_ms = read(found, now_ms)
            if at_ms is not None and now_ms < at_ms <= now_ms + MOST_AHEAD_MS:
                return at_ms
    return None


def _epoch(found: re.Match[str], now_ms: int) -> int:
    digits = found[1]
    return int(digits) * (1000 if len(digits) == 10 else 1)


def _seconds(found: re.Match[str], now_ms: int) -> int:
    return now_ms + round(float(found[1]) * 1000)


def _duration(found: re.Match[str], now_ms: int) -> int:
    import re

    total = 0.0
    for number, unit in re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", found[1], re.IGNORECASE):
        is_thousandth = unit.lower() in ("ms", "millisecond", "milliseconds")
        total += float(number) * _UNITS_MS["ms" if is_thousandth else unit[0].lower()]
    return now_ms + round(total)


def _iso(found: re.Match[str], now_ms: int) -> int | None:
    from datetime import datetime

    zone = (found[3] or "").lower()
    try:
        moment = datetime.fromisoformat(
            f"{found[1]}T{found[2]}{'+00:00' if zone in ('z', 'utc') else zone}"
        )
    except ValueError:
        return None
    return round(moment.timestamp() * 1000)


def _clock(found: re.Match[str], now_ms: int) -> int | None:
    """A time of day, perhaps with a date or a weekday before it and a zone behind."""
    from datetime import datetime, timedelta

    month, day, year, weekday, hour, minute, half, place, utc = found.groups()
    if (minute is None and half is None) or (half and not 1 <= int(hour) <= 12):
        return None
    now = datetime.fromtimestamp(now_ms / 1000, _zone(place or utc))
    hours = int(hour) % 12 + (12 if half.lower() == "p" else 0) if half else int(hour)
    try:
        moment = now.replace(hour=hours, minute=int(minute or 0), second=0, microsecond=0)
        if month:
            number = _MONTHS.index(month.lower()) + 1
            moment = moment.replace(year=int(year or now.year), month=number, day=int(day))
            if not year and moment < now - timedelta(days=2):
                moment = moment.replace(year=now.year + 1)
        elif weekday:
            moment += timedelta(days=(_DAYS.index(weekday.lower()) - now.weekday()) % 7)
            if moment < now:
                moment += timedelta(days=7)
        elif moment < now - timedelta(milliseconds=STALE_MS):
            moment += timedelta(days=1)
    except ValueError:
        return None
    return _ms(moment)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _zone(place: str | None) -> tzinfo | None:
    """The zone that is called so; None, which means local, for one that is not known."""
    if place is None:
        return None
    from datetime import UTC

    if place.lower() in ("utc", "gmt", "z"):
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(place)
    except (KeyError, ValueError, OSError):
        return None
