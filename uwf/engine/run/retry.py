"""Trying again inside a step: for which failures, how often, and after how long.

The delay is exponential with full jitter: anything between nothing and a bound that doubles, so that many who
failed together do not come back together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Rules(Record):
    """`attempts` is how often a step is tried again. By default only what passes by itself is: an exit code is
    not retried behind a person's back.
    """

    classes: tuple[str, ...] = ("network", "spawn_failed")
    attempts: int = 2
    base_s: float = 1.0
    max_s: float = 60.0


def worth(rules: Rules, failure_class: str, attempt: int) -> bool:
    """Whether to try again after the `attempt`-th failure of this step, counted from 1."""
    return failure_class in rules.classes and attempt <= rules.attempts


def delay_s(rules: Rules, attempt: int, random: Callable[[], float]) -> float:
    """How long to wait after the `attempt`-th failure, counted from 1. `random` gives numbers from 0 to below 1."""
    doublings = min(max(attempt - 1, 0), 64)
    return random() * min(rules.max_s, rules.base_s * 2.0**doublings)
