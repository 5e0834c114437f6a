"""What a failure means for the next attempt: whether the step is tried again, and when; what is said of it.

At once, inside the step, a few times; then, where time alone cures it, later and later, by whoever runs the thread at
its time. After a day in vain a person is asked.

A delay inside a step is exponential with full jitter: anything between nothing and a bound that doubles, so that many
which failed together do not come back together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
2015). One between runs is at least half its bound: it is there to leave a service alone.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent import failure
from uwf.guard.attempts import NOTE
from uwf.guard.backoff import Backoff
from uwf.guard.contract import refuse
from uwf.quantities import TIME, counted, said
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.protocol import AgentFailure
    from uwf.config.records import Config, RetryConfig
    from uwf.errors import Refused
    from uwf.guard.attempts import Attempts

TRANSIENT = "transient"
"""The reason that a run ends with, when its thread waits for its next try."""


RESETS = "its limit resets at"


class AtOnce(Record):
    """The step is tried again in `in_s` seconds, by the same run."""

    in_s: float


class Later(Record):
    """It is tried again at `at_ms` (epoch ms), by whoever runs the thread then."""

    at_ms: int


class GivenUp(Record):
    """A person should look first. `vain_s` is for how long it was tried before that was given up, 0: it was not."""

    vain_s: float


def next_try(
    config: Config, failed: AgentFailure, tries: int, since_ms: int | None
) -> AtOnce | Later | GivenUp:
    """What comes after a failure. `tries` is how many before it were to be followed by another without a person, and
    `since_ms` when the first of them ended.
    """
    rules = config.retry
    in_s = delay_s(rules, failed, tries)
    if in_s is not None:
        return AtOnce(in_s)
    vain_s = 0.0 if since_ms is None else max(0, clock.now_ms() - since_ms) / 1000
    at_once = rules.attempts if failed.failure_class in rules.classes else 0
    at_ms = wake_ms(config.rules(Backoff), failed, max(0, tries - at_once), vain_s)
    if at_ms is not None:
        return Later(at_ms)
    return GivenUp(vain_s if failure.is_transient(failed) else 0.0)


def _random() -> float:
    from random import random  # only once something has failed

    return random()


def delay_s(
    rules: RetryConfig, failed: AgentFailure, retries: int, random: Callable[[], float] = _random
) -> float | None:
    """How long to wait inside the step before it is tried again; None when that is not to be done.

    `retries` is how often it was tried again before; `random` gives numbers from 0 to below 1.
    """
    if failed.is_hopeless or failed.failure_class not in rules.classes or retries >= rules.attempts:
        return None
    return random() * min(rules.max_s, rules.base_s * 2.0 ** min(retries, 64))


def wake_ms(
    rules: Backoff,
    failed: AgentFailure,
    delays: int,
    vain_s: float,
    random: Callable[[], float] = _random,
) -> int | None:
    """When (epoch ms) to try again what time alone cures; None when a person should look first.

    `delays` is how often it was put off before, `vain_s` for how long it was tried in vain.
    """
    if not failure.is_transient(failed):
        return None
    wait_s = rules.delay_s(delays) * (1 + random()) / 2
    if failed.resets_ms is not None:
        resets_s = max(0.0, (failed.resets_ms - clock.now_ms()) / 1000)
        wait_s = resets_s + rules.margin_s * (1 + random())
    if rules.give_up_s is not None:
        if vain_s >= rules.give_up_s:
            return None
        wait_s = min(wait_s, rules.give_up_s - vain_s)
    return clock.now_ms() + round(wait_s * 1000)


def postponed(thread: str, message: str, at_ms: int, agent: str | None) -> Refused:
    """What a run ends in when its thread waits for its next try: time alone cures it.

    `agent` is the one that was asked for in the place of the thread's own.
    """
    import shlex

    hours = 2 + max(0, at_ms - clock.now_ms()) // 3_600_000
    words = ["uwf", "thread", "exec", thread, "--until-done", "--wait", f"{hours}h"]
    again = shlex.join(words if agent is None else [*words, "--agent", agent])
    return refuse(TRANSIENT, message, retry_at_ms=at_ms, hint=again)


def explained(
    attempts: Attempts,
    thread: str,
    failed: AgentFailure,
    message: str,
    then: AtOnce | Later | GivenUp,
) -> str:
    """What a person reads of a failure: what happened, and what that means for the next attempt, which is `then`."""
    notes = []
    if failed.resets_ms is not None:
        notes.append(f"{RESETS} {clock.iso(failed.resets_ms)}")
    if isinstance(then, GivenUp) and then.vain_s:
        notes.append(f"tried again for {said(TIME, then.vain_s)} in vain")
    times = attempts.repeats(thread, failed.failure_class, message) + 1
    if times >= attempts.rules.max_repeats:
        notes.append(f"the same failure {counted(times, 'time')} in this thread")
    return message + (NOTE + "; ".join(notes) if notes else "")
