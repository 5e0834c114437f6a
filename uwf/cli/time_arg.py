"""Points in time as people type them: `2h` (ago), `2026-01-31`, `2026-01-31T09:15:00Z`, epoch milliseconds."""

from __future__ import annotations

from uwf import clock, quantities
from uwf.errors import InputError


def future_ms(text: str) -> int:
    """The moment that `text` means, a duration counting from now on, in epoch milliseconds."""
    try:
        return clock.now_ms() + round(quantities.duration_s(text) * 1000)
    except (InputError, ValueError):
        return moment_ms(text)


def moment_ms(text: str) -> int:
    """The moment that `text` means, in epoch milliseconds. A date or time without zone is local."""
    if text.isascii() and text.isdigit() and len(text) >= 12:
        return int(text)
    try:
        return clock.now_ms() - round(quantities.duration_s(text) * 1000)
    except (InputError, ValueError):
        pass
    from datetime import datetime

    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InputError(
            f"{text!r} is no time: write 2h for two hours ago, 2026-01-31, or 2026-01-31T09:15:00Z",
            hint="uwf thread list --since 2h",
        ) from None
