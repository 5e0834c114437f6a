"""When what time alone cures is tried again: by a thread that met it, and by a breaker that it has opened."""

from __future__ import annotations

from uwf.config_table import Table, duration, duration_or_off, key, some_duration


class Backoff(Table, at="retry"):
    """The first and the longest time until the next try, what is added to a reset that an agent has named, and after
    how long in vain a person is asked; None: never.
    """

    wake_base_s: float = key(some_duration, "30s")
    wake_max_s: float = key(some_duration, "30m")
    margin_s: float = key(duration, "15s")
    give_up_s: float | None = key(duration_or_off, "24h")

    def delay_s(self, failures: int) -> float:
        """The longest delay after `failures` before this one: it doubles up to its maximum."""
        return min(self.wake_max_s, self.wake_base_s * 2.0 ** min(failures, 64))
