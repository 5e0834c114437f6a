"""Budgets that nobody can see: an agent that reports no tokens, or no money, uses what is limited without a trace.

What an agent left out at its last step is kept where a limit is on that, as counter `unseen/<agent>` =
{agent, names, at_ms}; no names where it reports all. With `budget.unseen = refuse` that refuses its next step where a
limit is on one of these; what it reports then is never known. An attempt that failed counts where nothing is known:
else an agent that never comes to a step would go on unseen.
"""

from __future__ import annotations

from uwf import clock
from uwf.display import numbers
from uwf.errors import CounterUnreadable, PersonNeeded
from uwf.guard.contract import AttemptFailed, AttemptStopped, refuse
from uwf.guard.counters import forgettable, hashed
from uwf.quantities import TOKENS, USD, USED_NOTHING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.guard.contract import AttemptOutcome
    from uwf.store.protocols import Counters, Transaction

REFUSE, WARN = "refuse", "warn"
UNSEEN = "unseen/"
KEPT_MS, FRESH_MS = 30 * 86_400_000, 86_400_000
"""For how long it is kept, and how old what is the same may be until it is written again."""


def left_out(limits: Mapping[str, float], usage: Mapping[str, Any]) -> list[str]:
    """The names of what is limited, and said by an agent, that `usage` does not have."""
    return [name for name in (TOKENS, USD) if name in limits and name not in usage]


def in_words(names: list[str], limits: Mapping[str, float], agent: str) -> str:
    """Such as `usd not reported by agent claude (limit 5)`."""
    return ", ".join(numbers.unseen(name, limits[name], agent) for name in names)


def learn(tx: Transaction, agent: str, outcome: AttemptOutcome) -> None:
    """An attempt has ended. Also kept while nobody is refused for it: `budget.unseen` may be set later."""
    if _says_nothing(outcome):
        return
    names = left_out({TOKENS: 0.0, USD: 0.0}, outcome.usage)
    counter, now_ms = UNSEEN + hashed(agent), clock.now_ms()
    known = _known(tx, counter)
    if known is None:  # agents may be command lines of one use
        for name, other in forgettable(tx, UNSEEN):
            if not isinstance(other, dict) or other.get("at_ms", 0) < now_ms - KEPT_MS:
                tx.set_counter(name, None)
    elif isinstance(outcome, AttemptFailed) or _is_fresh(known, names, now_ms):
        return
    tx.set_counter(counter, {"agent": agent, "names": names, "at_ms": now_ms})


def _is_fresh(known: Mapping[str, Any], names: list[str], now_ms: int) -> bool:
    return known.get("names") == names and known.get("at_ms", 0) > now_ms - FRESH_MS


def _says_nothing(outcome: AttemptOutcome) -> bool:
    """Whether an attempt tells nothing of what its agent reports: it is tried again, time alone cures it, or it came
    to use nothing.
    """
    if isinstance(outcome, AttemptFailed):
        return outcome.is_retried or outcome.is_transient or outcome.failure_class in USED_NOTHING
    return isinstance(outcome, AttemptStopped)


def _known(tx: Transaction, counter: str) -> dict[str, Any] | None:
    """What is known of an agent; what cannot be read must not keep the outcome of a step from being written."""
    try:
        known = tx.counter(counter)
    except CounterUnreadable:
        return None
    return known if isinstance(known, dict) else None


def check(counters: Counters, agent: str, limits: Mapping[str, float]) -> None:
    """Raise `Refused` for an agent that left out what is limited."""
    known = counters.counter(UNSEEN + hashed(agent))
    names = known.get("names", ()) if isinstance(known, dict) else ()
    found = [name for name in names if name in limits]
    if found:
        raise refuse(
            "budget_unseen",
            f"{in_words(found, limits, agent)}, and budget.unseen refuses what nobody can see",
            kind=PersonNeeded,
            hint="uwf config set budget.unseen warn",
        )
