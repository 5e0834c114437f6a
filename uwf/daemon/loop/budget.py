"""How often a part of the daemon may fail: tried again later and later, named when it goes on, in the end too often."""

from __future__ import annotations

import random

from uwf.errors import UwfError
from uwf.record import Record

DEGRADED_AFTER = 3
BROKEN_AFTER = 10
"""Failures in a row: `daemon status` names the part; the process ends, and its supervisor starts it anew."""
BASE_S, LONGEST_S = 1.0, 30.0

OK, FAILING, DEGRADED = "ok", "failing", "degraded"


class PartView(Record):
    """How a part stands: `ok`, `failing`, or `degraded` after 3 failures in a row; and the last error then."""

    state: str
    failures: int = 0
    error: str | None = None


class ErrorBudget:
    """That of one part. Times are of the monotonic clock."""

    def __init__(self, jitter: random.Random | None = None) -> None:
        self._dice = jitter or random.Random()
        self._failures = 0
        self._error: str | None = None
        self._retry_s: float | None = None

    def failed(self, error: Exception, now_s: float) -> float:
        """It has failed once more; in how many seconds it is tried again."""
        self._failures += 1
        self._error = words(error)
        delay_s = min(BASE_S * 2.0 ** (self._failures - 1), LONGEST_S)
        delay_s *= self._dice.uniform(0.5, 1.0)
        self._retry_s = now_s + delay_s
        return delay_s

    def worked(self) -> bool:
        """It has done its work. Whether that ends a row of failures."""
        has_failed = self._failures > 0
        self._failures, self._error, self._retry_s = 0, None, None
        return has_failed

    def waits_s(self, now_s: float) -> float:
        """How long it is left alone from now on."""
        return 0.0 if self._retry_s is None else max(0.0, self._retry_s - now_s)

    @property
    def is_broken(self) -> bool:
        return self._failures >= BROKEN_AFTER

    @property
    def has_become_degraded(self) -> bool:
        return self._failures == DEGRADED_AFTER

    def view(self) -> PartView:
        if not self._failures:
            return PartView(OK)
        state = DEGRADED if self._failures >= DEGRADED_AFTER else FAILING
        return PartView(state, self._failures, self._error)


def words(error: BaseException) -> str:
    """What went wrong, in one line, for a reader: the words of our own errors, and the kind of any other."""
    if isinstance(error, UwfError):
        return error.message
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}"[:500] if said else type(error).__name__
