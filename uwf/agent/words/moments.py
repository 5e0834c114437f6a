"""The moments that a message names, in the forms that agents and services print.

`|1749924000`, `"resets_at":1777936568`, `Retry-After: 60` or with a date, `retry-after-ms: 900`, `"retryDelay": "34s"`,
`reset-requests: 4m2s`, `try again in 5 days 22 hours`, `resets 11pm (UTC)`, `midnight`, `tomorrow at 3pm`,
`at Jul 5th, 2026 8:19 PM`, `on Nov 30`, dates in digits behind words of any language. A time without a zone is local,
a day without a time begins at midnight. `5h30m` is a length, and `17h30` a time only behind `at`, `um` or `à`.

Which of them is meant is told by `rate_limit_reset`.
"""

from __future__ import annotations

import re

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

STALE_MS = 3_600_000
"""A time of day that passed less than this ago is not tomorrow's: the message is old."""

EPOCH, SECONDS, DURATION, DATED, CLOCK, DAY, BARE = range(7)
"""The forms: what is tried first is the surer of two at one place."""

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAYS = "mon tue wed thu fri sat sun".split()
_NEAR = ("tomorrow", "today", "tonight")
_HOURS_OFF = {
    **{"PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CST": -6, "CDT": -5, "EST": -5, "EDT": -4},
    **{"AKST": -9, "AKDT": -8, "HST": -10, "AST": -4, "ADT": -3, "BRT": -3, "ART": -3},
    **{"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1},
    **{"MESZ": 2, "SAST": 2, "EET": 2, "EEST": 3, "MSK": 3, "IST": 5.5, "SGT": 8, "HKT": 8},
    **{"AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11},
    **{"NZST": 12, "NZDT": 13},
}
_AREAS = {
    **{"PT": "America/Los_Angeles", "MT": "America/Denver"},
    **{"CT": "America/Chicago", "ET": "America/New_York"},
}

_SAID = r"(?:resets?|again|until|till|available|renew(?:s|ed)?|refresh(?:es|ed)?|back|lift(?:s|ed)?|expires?|retry)"
_WHEN = rf"(?:{_SAID}|wait|retry[ _-]?after)(?![a-z])[^\d\n]{{0,40}}?\n?[^\d\n]{{0,20}}?"
_EPOCH = r"(?:\||resets?(?:[ _-]?(?:at|time|timestamp|ms))?\W{1,5})(\d{13}|\d{10})(?!\d)"
_SECONDS = (
    r"(?:retry[ _-]?(?:after|delay)|retry_?delay\s*\{\s*(?=sec)|(?:in|after|delay)[ _-]?(?=ms|milli|sec)"
    r"|rate-?limit-reset(?:-after)?|reset[_-]?(?:after|in)(?=[\"']?[:=]))"
    r"[ _-]?(ms|millis(?:econds)?|s|secs?|seconds?)?\W{1,5}(?!\d{9})(\d+(?:\.\d+)?)(?![\d.]*[ \t]*[a-z:])"
)
_NUMBER_WORDS = {
    "half an": 0.5,
    "half a": 0.5,
    "a couple of": 2,
    "the next": 1,
    "an": 1,
    "a": 1,
    "one": 1,
    "two": 2,
    "three": 3,
}
_COUNT = rf"{'|'.join(_NUMBER_WORDS)}"
_PART = (
    r"(?:\d+(?:\.\d+)?\s*(?:milliseconds?|ms|weeks?|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
    rf"|(?:{_COUNT})\s(?:weeks?|days?|hours?|minutes?|seconds?))"
)
_ABOUT = (
    r"(?:(?:about|around|approx(?:imately|\.)?|roughly|nearly|almost|another|under|(?:less|more) than|up to|at most"
    r"|the next)\W{1,3})?"
)
_DURATION = (
    r"(?:\b(?:in|within|after|wait|for|retry[ _-]?(?:after|delay))\W{1,5}|resets?[\w-]*[\"']?[:=][ \t\"']*)"
    rf"{_ABOUT}((?:{_PART}(?![a-z])[\s,]*(?:and\s+)?)+(?:(?<=\dh)\d\d(?![\da-z]))?"
    r"|(?<=in )\d{1,3}:\d\d:\d\d(?![\d:]))"
)
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DATES = (
    r"(?P<year>\d{4})[-/](?P<number>\d\d?)[-/](?P<day>\d\d?)",
    r"(?P<number>\d\d?)/(?P<day>\d\d?)/(?P<year>\d{4})",
    r"(?P<day>\d\d?)\.\s?(?P<number>\d\d?)\.\s?(?P<year>\d{4})",
    rf"{_MONTH}\s+(?P<day>\d\d?)(?:st|nd|rd|th)?(?:,?\s+(?P<year>\d{{4}}))?",
    rf"(?P<day>\d\d?)(?:st|nd|rd|th|\.)?\s+{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?",
)
_IN_DIGITS, _DATE = (re.sub(r"\?P<\w+>", "?:", "|".join(dates)) for dates in (_DATES[:3], _DATES))
_ZONE = (
    r"(?:\s?\(?((?:utc|gmt)\s?[+-]\d{1,2}(?::?\d\d)?|[+-](?:0\d|1[0-4]):?(?:00|15|30|45)"
    r"|[a-z]+/[\w/+-]+|(?-i:[A-Z]{2,4})\b|utc|gmt|z\b))?"
)
_TIME = (
    r"(?:(?<=\bat\s)|(?<=\bum\s)|(?<=\bà\s)|(?!\d\d?h))"
    r"(\d{1,2})(?::(?=\d)|h(?=\d\d(?![\da-z])))?((?<=\d[:h])\d\d|h(?![\da-z])|\suhr\b)?"
    r"(?::(\d\d)(?:\.\d+)?)?(?!\d)(?:\suhr\b)?\s?(?:([ap])\.?m\b\.?)?"
)
_DATED = rf"()({_IN_DIGITS})(?:t|,?\s+(?:[^\W\d]{{1,5}}\.?\s+){{0,2}}){_TIME}{_ZONE}()"
_NEARBY = rf"{'|'.join((*_DAYS, *_NEAR))}"
_CLOCK = (
    rf"(?:{_SAID}\W{{1,20}}?(?:(?:at|on|by|um|à|after|around|next|time|every day|daily)\W{{1,10}}){{0,2}}?"
    r"|(?=\b(?:tomorrow|tonight)\b)|\bum\s(?=\d\d?(?::\d\d)?\suhr\b)|\bà\s(?=\d\d?h))"
    rf"(?:({_NEARBY})[a-z]*,?\s+(?:at\s+)?)?(?:({_DATE}),?\s+(?:at\s+)?)?(?:(?:{_NEARBY})[a-z]*,?\s+(?:at\s+)?)?"
    rf"(?:{_TIME}|(midnight|noon)){_ZONE}\)?"
    rf"(?:\s*(tomorrow)|(?:,? on |(?<!\.),? )((?:{_DATE})(?![\w:/])|(?:{'|'.join(_DAYS)})(?=[a-z]*day\b|\b)))?"
)
_DAY = (
    rf"{_SAID}\W{{1,20}}?(?:(?:on|by|next)\W{{1,10}})?(?:(tomorrow|{'|'.join(_DAYS)})(?:[a-z]*day)?|({_DATE}))"
    rf"(?![\w:/]|,?\s+(?:at\s+)?\d){_ZONE}"
)
_UNITS_MS = {"ms": 1, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}


class Moment(Record):
    """A moment that stands between `start` and `stop`, in one of the forms; what names it there begins at `value`."""

    at_ms: int
    start: int
    value: int
    stop: int
    form: int


def moments_in(text: str, now_ms: int) -> Iterator[Moment]:
    """Every moment, in the order of the text; none twice."""
    forms = (
        (EPOCH, _EPOCH, _epoch),
        (SECONDS, _SECONDS, _seconds),
        (DURATION, _DURATION, _duration),
        (DATED, _WHEN + _DATED, _dated),
        (CLOCK, _CLOCK, _clock),
        (DAY, _DAY, _day),
        (BARE, rf"(?<!\d){_DATED}", _dated),
    )
    found = sorted(
        (
            (match.start(), form, match, read)
            for form, pattern, read in forms
            for match in re.finditer(pattern, text, re.IGNORECASE)
        ),
        key=lambda one: one[:2],
    )
    stop = 0
    for start, form, match, read in found:
        at_ms = read(match, now_ms) if start >= stop else None
        if at_ms is not None:
            stop = match.end()
            yield Moment(at_ms, start, _value_start(match, form), stop, form)


def _value_start(match: re.Match[str], form: int) -> int:
    """Where the date or the number begins, behind all words and names."""
    held = [number for number, text in enumerate(match.groups(), 1) if text]
    return match.start(held[-1] if form in (EPOCH, SECONDS, DURATION) else held[0])


def _epoch(found: re.Match[str], now_ms: int) -> int:
    digits = found[1]
    return int(digits) * (1000 if len(digits) == 10 else 1)


def _seconds(found: re.Match[str], now_ms: int) -> int:
    unit = (found[1] or "s").lower()
    return now_ms + round(float(found[2]) * (1 if unit[0] == "m" else 1000))


def _duration(found: re.Match[str], now_ms: int) -> int:
    total = 0.0
    text = found[1].lower()
    if ":" in text:
        text = "{}h{}m{}s".format(*text.split(":"))
    elif text[-1].isdigit():  # 5h30
        text += "m"
    for number, unit in re.findall(rf"(\d+(?:\.\d+)?|\b(?:{_COUNT})\b)\s*([a-z]+)", text):
        is_thousandth = unit in ("ms", "millisecond", "milliseconds")
        total += (
            float(_NUMBER_WORDS.get(number, number)) * _UNITS_MS["ms" if is_thousandth else unit[0]]
        )
    return now_ms + round(total)


def _dated(found: re.Match[str], now_ms: int) -> int | None:
    near, date, hour, minute, second, half, zone, later = found.groups()
    return _moment(now_ms, near, date, (hour, minute, second, half), zone, later)


def _clock(found: re.Match[str], now_ms: int) -> int | None:
    near, date, hour, minute, second, half, word, zone, later, on = found.groups()
    is_midnight = word is not None and word.lower() == "midnight"
    time = (hour, minute, second, half)
    if word is not None:
        time = ("12", "0", "0", "a" if is_midnight else "p")
    if on and on.lower() in _DAYS:
        later = on
    elif on:
        date = on
    return _moment(now_ms, near, date, time, zone, later, is_midnight)


def _day(found: re.Match[str], now_ms: int) -> int | None:
    near, date, zone = found.groups()
    return _moment(now_ms, near, date, ("0", "0", None, None), zone, None)


def _moment(
    now_ms: int,
    near: str | None,
    date: str | None,
    time: tuple[str, str | None, str | None, str | None],
    zone: str | None,
    later: str | None,
    is_midnight: bool = False,
) -> int | None:
    """A time of day, perhaps with a date or a weekday before it and a zone behind; None for what is no time."""
    from datetime import datetime, timedelta

    hour, minute, second, half = time
    if (minute is None and half is None) or (half and not 1 <= int(hour) <= 12):
        return None
    now = datetime.fromtimestamp(now_ms / 1000, _zone(zone))
    hours = int(hour) % 12 + (12 if half.lower() == "p" else 0) if half else int(hour)
    minutes = int(minute) if minute and minute.isdigit() else 0
    day = (later or near or "").lower()
    try:
        moment = now.replace(hour=hours, minute=minutes, second=int(second or 0), microsecond=0)
        if date:
            moment = _on(moment, date, now)
        elif day == "tomorrow":
            moment += timedelta(days=1)
        elif day in _DAYS:
            moment += timedelta(days=(_DAYS.index(day) - now.weekday()) % 7)
            if moment < now:
                moment += timedelta(days=7)
        elif is_midnight or (not day and moment < now - timedelta(milliseconds=STALE_MS)):
            moment += timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return round(moment.timestamp() * 1000)


def _on(moment: datetime, date: str, now: datetime) -> datetime:
    """`moment` on that date. Raises ValueError when there is no such date."""
    from datetime import timedelta

    matches = (re.fullmatch(pattern, date, re.IGNORECASE) for pattern in _DATES)
    found = next(match.groupdict() for match in matches if match)
    number = found.get("number") or _MONTHS.index(found["month"].lower()) + 1
    year, day = found["year"], found["day"]
    if "/" in date and int(number) > 12:  # 30/11/2026
        number, day = day, number
    moment = moment.replace(year=int(year or now.year), month=int(number), day=int(day))
    if not year and moment < now - timedelta(days=2):
        moment = moment.replace(year=now.year + 1)
    return moment


def _zone(name: str | None) -> tzinfo | None:
    """The zone that is called so; None, which means local, for one that is not known."""
    if name is None:
        return None
    from datetime import timedelta, timezone

    offset = re.fullmatch(r"(?:utc|gmt)?\s?([+-])(\d\d?):?(\d\d)?", name, re.IGNORECASE)
    if offset:
        off = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(-off if offset[1] == "-" else off) if off < timedelta(days=1) else None
    if name.upper() in _HOURS_OFF:
        return timezone(timedelta(hours=_HOURS_OFF[name.upper()]))
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(_AREAS.get(name, name))
    except (KeyError, ValueError, OSError):
        return None
