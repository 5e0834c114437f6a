"""Times for eyes: how long ago, how long still, how long it took; and the clock of the reader's own zone (`TZ`)."""

from __future__ import annotations

import time

from uwf import clock
from uwf.record import Record

_ISO_LENGTH = len("2026-01-31T09:15:00Z")
_UNITS_S = (("d", 86_400), ("h", 3600), ("m", 60))
NO_TIME = "0s"
"""How long less than a second is for a glance."""


class Times(Record):
    """How times are shown to one reader at `now_ms`: as far as they are from now, or `exact`, in UTC."""

    now_ms: int
    exact: bool = False

    def moment(self, at_ms: int | None) -> str:
        """When something happened: `3m ago`, or exactly `2026-01-31T09:15:00Z`; nothing for none."""
        if at_ms is None:
            return ""
        return clock.iso(at_ms) if self.exact else ago(at_ms, self.now_ms)

    def has_come(self, at_ms: int) -> bool:
        """Whether this is over for a reader who sees times as far as they are from now."""
        return at_ms <= self.now_ms and not self.exact

    def due(self, at_ms: int | None) -> str:
        """What is to happen then: `in 2h`, and when that has come `due now`, `due for 3m`; or exactly."""
        if at_ms is None or self.exact:
            return self.moment(at_ms)
        away = _roughly(abs(at_ms - self.now_ms) // 1000)
        if not self.has_come(at_ms):
            return "now" if away == NO_TIME else f"in {away}"
        return "due now" if away == NO_TIME else f"due for {away}"

    def wakes(self, at_ms: int) -> str:
        """When a thread wakes: `wakes in 2h`, `due for 3m`."""
        return self.due(at_ms) if self.has_come(at_ms) else f"wakes {self.due(at_ms)}"

    def clock(self, at_ms: int | None) -> str:
        """Where moments are compared with each other: the clock in the reader's zone, or exactly."""
        if at_ms is None or self.exact:
            return self.moment(at_ms)
        return local(at_ms, self.now_ms)

    def sentence(self, text: str) -> str:
        """`text` with each moment that it names in UTC as `clock` shows it."""
        if self.exact:
            return text
        return " ".join(_on_clock(word, self.now_ms) for word in text.split(" "))


def ago(at_ms: int, now_ms: int) -> str:
    """`3m ago`, `now`: in the largest unit of which there is one and a half, rounded. What happened by a clock that was
    set back since, or by another one, is `3d ahead of the clock`.
    """
    away = _roughly(abs(at_ms - now_ms) // 1000)
    if away == NO_TIME:
        return "now"
    return f"{away} ahead of the clock" if at_ms > now_ms else f"{away} ago"


def length(from_ms: int, to_ms: int) -> str:
    """How long it is from one moment to another, as `ago` says it: `3m`."""
    return _roughly(max(0, to_ms - from_ms) // 1000)


def duration(ms: int | None) -> str:
    """How long something took: `0.4s`, `42s`, `3m12s`, `2h05m`, `3d04h`."""
    if ms is None:
        return ""
    tenths = round(ms / 100)
    if tenths < 100:
        return f"{tenths / 10:.1f}s"
    seconds = round(ms / 1000)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    minutes = round(seconds / 60)
    if minutes < 1440:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    hours = round(minutes / 60)
    return f"{hours // 24}d{hours % 24:02d}h"


def local(at_ms: int, now_ms: int) -> str:
    """The clock in the reader's zone: `14:05`, with the date where it is another day than now."""
    at, now = time.localtime(at_ms / 1000), time.localtime(now_ms / 1000)
    is_today = (at.tm_year, at.tm_yday) == (now.tm_year, now.tm_yday)
    return time.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M", at)


def _on_clock(word: str, now_ms: int) -> str:
    """`word` in the reader's zone, where it is a moment as `clock.iso` writes it, beside what ends a clause."""
    moment = word.strip("(),.:;")
    if len(moment) != _ISO_LENGTH or moment[-1] != "Z":
        return word
    from datetime import datetime

    try:
        at_ms = round(datetime.fromisoformat(moment).timestamp() * 1000)
    except ValueError:
        return word
    return word.replace(moment, local(at_ms, now_ms))


def _roughly(seconds: int) -> str:
    for unit, size_s in _UNITS_S:
        if 2 * seconds >= 3 * size_s:
            return f"{(2 * seconds + size_s) // (2 * size_s)}{unit}"
    return f"{seconds}s"
