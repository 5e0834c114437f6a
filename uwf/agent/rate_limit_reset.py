"""When a limit resets, read from the message that says it was reached.

The forms are those that agents and services print: `|1749924000`, `"resets_at":1777936568`, `Retry-After: 60`,
`"retryDelay": "34s"`, `try again in 5 days 22 hours`, `resets 11pm (UTC)`, `tomorrow at 3pm`,
`at Jul 5th, 2026 8:19 PM`, ISO times behind words of any language. A time without a zone is local.

A message may name more moments than one. Out of the question are those of a window that is not used up, the length of
a window, and the next try of the client itself. Of the others that of the limit that was reached counts, and what is
said last.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from datetime import datetime, tzinfo

MOST_AHEAD_MS = 40 * 86_400_000
"""Further ahead is no reset of any limit, but a misunderstanding."""

STALE_MS = 3_600_000
"""A time of day that passed less than this ago is not tomorrow's: the message is old."""

_WHEN = r"(?:resets?|again|until|available|renews?|retry|wait)\b[^\d\n]{0,40}?\n?[^\d\n]{0,20}?"
_EPOCH = r"(?:\||resets?(?:[ _-]?at)?\W{1,5})(\d{13}|\d{10})(?!\d)"
_SECONDS = (
    r"(?:retry[ _-]?(?:after|delay)|in[ _-]seconds|after[ _-]seconds|retry_?delay\s*\{\s*seconds)"
    r"\W{1,5}(\d+(?:\.\d+)?)(?![\d.]*[ \t]*[a-z:])"
)
_PART = (
    r"\d+(?:\.\d+)?\s*(?:milliseconds?|ms|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
)
_DURATION = rf"\b(?:in|after|wait|for|retry[ _-]?(?:after|delay))\W{{1,5}}((?:{_PART}(?![a-z])[\s,]*(?:and\s+)?)+)"
_ISO = rf"{_WHEN}(\d{{4}}-\d\d-\d\d)[t ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(z|utc|[+-]\d\d:?\d\d)?"
_BARE_ISO = r"(\d{4}-\d\d-\d\d)[t ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(z|utc|[+-]\d\d:?\d\d)?"
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAYS = "mon tue wed thu fri sat sun".split()
_CLOCK = (
    r"(?:resets?|again|until|available|renews?)\W{1,20}?(?:at|on|by)?\W{0,20}?"
    rf"(?:({'|'.join(_MONTHS)})[a-z]*\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?:(\d{{4}}),?\s+)?(?:at\s+)?)?"
    rf"(?:({'|'.join((*_DAYS, 'tomorrow', 'today'))})[a-z]*,?\s+(?:at\s+)?)?"
    r"(\d{1,2})(?::(\d\d))?(?::\d\d)?\s*([ap])?\.?(?:m\b)?\.?\s*(?:\(([\w/+-]+)\)|(utc|gmt|z)\b)?(?:\s*(tomorrow))?"
)

_UNITS_MS = {"ms": 1, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}


_REACHED = r"reached|exceeded|exhausted|rejected|too many|limited|\bhit\b|\b429\b|used up|100 ?%"
_NOT_REACHED = (
    r"\b\d{1,2}(?:\.\d+)? ?%|not (?:yet )?(?:reached|exhausted)|\b(?:remaining|allowed|left)\b"
)
_NAMES_A_LIMIT = r"limit|quota|window|weekly|daily|session|hour"
_OWN_TRY = r"(?:retrying|reconnecting|backing off|sleeping)\b[^\n]{0,30}$"
_WAITS = (
    r"(?:reset|again|retry|available|renew|wait|refresh|back|lift|expire|unlock|delay)[^\n]{0,40}$"
)
_A_WINDOW = r"(?:reached|limit|limited|exceeded|hit|quota|requests?|tokens?|messages?)\s+$"
_NO_RESET = r"(?:timestamp|date|\btime|created\w*|now|^[\s\[(]*)\W{0,5}$"
_USED = r"(?:used[_-]?percent(?:age)?|percent[_-]?used|utili[sz]ation)\W{1,5}(\d+(?:\.\d+)?)"
_LEFT = r"remaining\w*\W{1,5}[1-9]"
_ALLOWED = r"status\W{1,5}(?:allowed|ok|active|available)\b"


class _Named(Record):
    """A moment that a text names at `start`, in the form with the number `form`, and what is said right before."""

    at_ms: int
    start: int
    form: int
    statement: str
    line: int


def resets_ms(text: str, now_ms: int) -> int | None:
    """The moment in epoch milliseconds; None when the text names none, or none that can be meant."""
    named = _all_named(text, now_ms)
    if any(_has(_REACHED, one.statement) for one in named):
        named = [
            one
            for one in named
            if _has(_REACHED, one.statement) or not _has(_NAMES_A_LIMIT, one.statement)
        ]
    last = max(named, key=lambda one: (one.line, -one.form, one.start), default=None)
    return None if last is None else last.at_ms


def _all_named(text: str, now_ms: int) -> list[_Named]:
    """Every moment ahead that may be meant, in the order of the text."""
    import re

    forms = (
        (_EPOCH, _epoch),
        (_SECONDS, _seconds),
        (_DURATION, _duration),
        (_ISO, _iso),
        (_CLOCK, _clock),
        (_BARE_ISO, _iso),
    )
    found = sorted(
        (
            (match, form, read)
            for form, (pattern, read) in enumerate(forms)
            for match in re.finditer(pattern, text, re.IGNORECASE)
        ),
        key=lambda one: (one[0].start(), one[1]),
    )
    named: list[_Named] = []
    said_until = 0
    for match, form, read in found:
        at_ms = read(match, now_ms)
        if at_ms is None:
            continue
        statement = text[max(said_until, match.start() - 300) : match.start()]
        said_until = max(said_until, match.end())
        if not now_ms < at_ms <= now_ms + MOST_AHEAD_MS or _is_other(text, match, form, statement):
            continue
        line = text.count("\n", 0, match.start())
        named.append(_Named(at_ms, match.start(), form, statement + match[0], line))
    return named


def _is_other(text: str, match: re.Match[str], form: int, statement: str) -> bool:
    """Whether the moment is not that of a limit: a window's length or rest, a log's time, the client's own next try."""
    before = text[max(0, match.start() - 80) : match.start()]
    if _has(_OWN_TRY, before + match[0][:8]):
        return True
    if form < 2:  # a field of JSON, or a header
        return _of_unused_window(text, match)
    if _has(_NOT_REACHED, statement):
        return True
    if form == 2:  # a duration
        word = match[0].split()[0].lower()
        return not _has(_WAITS, before + word) or (
            word in ("for", "in") and _has(_A_WINDOW, before)
        )
    if form == 5:  # an ISO time behind any word
        line = before.rsplit("\n", 1)[-1]
        return not line.strip("[( \t") or _has(_NO_RESET, line)
    return False


def _of_unused_window(text: str, match: re.Match[str]) -> bool:
    """Whether a field of JSON or a header is that of a window of which something is left."""
    import re

    head = re.search(r"[\w-]*$", text[max(0, match.start() - 80) : match.start()])
    key = (head[0] if head else "") + match[0]
    stem = key[: max(0, key.lower().find("reset"))].strip("|")
    if stem:
        beside = "\n".join(re.findall(re.escape(stem) + r"[^,;\n]{0,60}", text, re.IGNORECASE))
    else:
        first, last = text.rfind("{", 0, match.start()) + 1, text.find("}", match.end())
        if not first or "}" in text[first : match.start()]:
            return False
        beside = text[first : last if last >= 0 else len(text)]
    used = re.search(_USED, beside, re.IGNORECASE)
    if used is not None:
        share = float(used[1])
        return share < (1 if "." in used[1] and share < 1 else 100) and used[1] not in ("1", "1.0")
    return _has(_LEFT, beside) or _has(_ALLOWED, beside)


def _has(pattern: str, text: str) -> bool:
    import re

    return re.search(pattern, text, re.IGNORECASE) is not None


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

    month, day, year, weekday, hour, minute, half, place, utc, later = found.groups()
    weekday = later or weekday
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
        elif weekday and weekday.lower() in ("tomorrow", "today"):
            moment += timedelta(days=weekday.lower() == "tomorrow")
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
