"""Time, and the ids that are made of it. Everything else asks here, so that a test can move the clock.

Wall time is epoch milliseconds and may jump; durations are taken from `monotonic_s`, which may not.
"""

from __future__ import annotations

import os
import time

DAY_MS = 86_400_000
ULID_LENGTH = 26
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def now_ms() -> int:
    """Wall clock, in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


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
