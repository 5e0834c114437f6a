"""What a failure means for the next attempt: whether the step is tried again, after how long, and what is said of it.

The delay is exponential with full jitter: anything between nothing and a bound that doubles, so that many which
failed together do not come back together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

from random import random

from uwf import clock
from uwf.guard.attempts import NOTE
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.protocol import AgentFailure
    from uwf.config import RetryConfig
    from uwf.guard.attempts import Attempts


def delay_s(
    rules: RetryConfig, failed: AgentFailure, retries: int, random: Callable[[], float] = random
) -> float | None:
    """How long to wait before the step is tried again; None when a person should look first.

    `retries` is how often it was tried again before; `random` gives numbers from 0 to below 1.
    """
    if failed.is_hopeless or failed.failure_class not in rules.classes or retries >= rules.attempts:
        return None
    return random() * min(rules.max_s, rules.base_s * 2.0 ** min(retries, 64))


def explained(attempts: Attempts, thread: str, failed: AgentFailure, message: str) -> str:
    """What a person reads of a failure: what happened, and what that means for the next attempt."""
    notes = []
    if failed.resets_ms is not None:
        notes.append(f"its limit resets at {clock.iso(failed.resets_ms)}")
    times = attempts.repeats(thread, failed.failure_class, message) + 1
    if times >= attempts.rules.max_repeats:
        notes.append(f"the same failure {counted(times, 'time')} in this thread")
    return message + (NOTE + "; ".join(notes) if notes else "")
