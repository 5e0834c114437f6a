"""Budgets that nobody can see: an agent that reports no tokens, or no money, uses what is limited without a trace.

With `budget.unseen = refuse` what an agent left out at its last step is kept, as counter `unseen/<agent>` =
{agent, names, at_ms}, and refuses its next one where a limit is on that; what it reports then is never known.
"""

from __future__ import annotations

from uwf import clock
from uwf.errors import PersonNeeded
from uwf.guard.contract import refuse
from uwf.guard.counters import forgettable, hashed
from uwf.quantities import TOKENS, USD, unseen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.store.protocols import Counters, Transaction

REFUSE, WARN = "refuse", "warn"
UNSEEN = "unseen/"
KEPT_MS = 30 * 86_400_000


def left_out(limits: Mapping[str, float], usage: Mapping[str, Any]) -> list[str]:
    """The names of what is limited, and said by an agent, that `usage` does not have."""
    return [name for name in (TOKENS, USD) if name in limits and name not in usage]


def in_words(names: list[str], limits: Mapping[str, float], agent: str) -> str:
    """Such as `usd unknown of 5 (agent claude reports none)`."""
    return ", ".join(unseen(name, limits[name], agent) for name in names)


def learn(tx: Transaction, agent: str, usage: Mapping[str, Any]) -> None:
    """A step of `agent` came about, and it reported this."""
    counter, names = UNSEEN + hashed(agent), left_out({TOKENS: 0.0, USD: 0.0}, usage)
    if not names:
        tx.set_counter(counter, None)
        return
    now_ms = clock.now_ms()
    if tx.counter(counter) is None:  # agents may be command lines of one use
        for name, other in forgettable(tx, UNSEEN):
            if not isinstance(other, dict) or other.get("at_ms", 0) < now_ms - KEPT_MS:
                tx.set_counter(name, None)
    tx.set_counter(counter, {"agent": agent, "names": names, "at_ms": now_ms})


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
