"""Time, and the ids that are made of it. Everything else asks here, so that a test can move the clock.

Wall time is epoch milliseconds and may jump; durations are taken from `monotonic_s`, which may not.

Machines that share a store share its time, too: one of them sets a timer, another runs it. So a process that was `told`
the time of the store's database goes by that where its own clock is off. Its own is the better one while it is not: it
needs no way to a server, and runs on by itself.
"""

from __future__ import annotations

import os
import time

DAY_MS = 86_400_000
ULID_LENGTH = 26
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

TOLERANCE_MS = 2000
"""So far a clock may be from the database's. Clocks that NTP keeps are within a tenth of that, one that nobody keeps
leaves it within a day or two; and timers are looked at every second or so, which makes less than this no difference."""

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that nobody sets and that goes on while the machine sleeps, on Linux and on macOS."""
_told_apart_ms: float | None = None
"""The database's time less that of the steady clock, as it was told last."""


def now_ms() -> int:
    """Wall clock, in milliseconds since 1970-01-01 UTC: this machine's, or the database's where that is far from it."""
    here_ms = own_ms()
    if _told_apart_ms is None:
        return here_ms
    there_ms = round(steady_ms() + _told_apart_ms)
    return here_ms if abs(here_ms - there_ms) <= TOLERANCE_MS else there_ms


def own_ms() -> int:
    """The clock of this machine, however wrong: by it files are dated."""
    return time.time_ns() // 1_000_000


def off_ms() -> int:
    """By how much this machine's clock is ahead of the database's, negative: behind; 0 where that is within what is
    tolerated, and where nobody has told.
    """
    if _told_apart_ms is None:
        return 0
    off = own_ms() - round(steady_ms() + _told_apart_ms)
    return off if abs(off) > TOLERANCE_MS else 0


def steady_ms() -> float:
    """The clock by which `told` is told when it has asked. Only differences mean something."""
    return time.clock_gettime_ns(_STEADY) / 1e6


def told(there_ms: int, asked_ms: float) -> None:
    """The database said that it was `there_ms`, after it was asked at `asked_ms` of the steady clock, and before now.

    How long the question and the answer took is not known, so as little as possible is changed of what is believed: a
    slow answer never makes a clock seem wrong.
    """
    global _told_apart_ms
    least, most = there_ms - steady_ms(), there_ms + 1 - asked_ms
    believed = own_ms() - steady_ms() if _told_apart_ms is None else _told_apart_ms
    _told_apart_ms = min(max(believed, least), most)


def monotonic_s() -> float:
    """Seconds on a clock that never jumps. Only differences mean something."""
    return time.monotonic()


def ulid(at_ms: int) -> str:
    """A new ULID (https://github.com/ulid/spec): 48 bits of time, 80 of randomness, 26 Crockford base-32 digits."""
    number = (at_ms & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join([_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5)])


def ulid_ms(text: str) -> int:
    """The time in a ULID, in epoch milliseconds. Needs at least its first ten digits."""
    value = 0
    for digit in text[:10]:
        value = value << 5 | _CROCKFORD.index(digit)
    return value


def is_ulid(text: str) -> bool:
    """Whether `text` is a whole ULID in its canonical upper-case form."""
    return (
        len(text) == ULID_LENGTH and text[0] <= "7" and all(digit in _CROCKFORD for digit in text)
    )


def iso(at_ms: int) -> str:
    """`at_ms` as UTC text, such as 2026-01-31T09:15:00Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms // 1000))
