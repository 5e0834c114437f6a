"""How often commands were refused lately, by reason code: the rolling window of `stats`, over every guard.

Each refusal that ends a command is a sample of the series `refused/<reason>`; that another process has the thread is
one for the reason `busy`. They are counted for people alone: no guard asks, and no refusal waits for it.
"""

from __future__ import annotations

from uwf import clock
from uwf.errors import Busy
from uwf.guard import success_rate
from uwf.guard.counters import forgettable_series

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.errors import Refused
    from uwf.guard.success_rate import Rules
    from uwf.store.protocols import Counters, Store, Transaction

REFUSED = "refused/"
BUSY = "busy"
PATIENCE_S = 0.2
"""For other writers: who was refused is to be told so."""


def note(store: Store, rules: Rules, refusal: Refused | Busy) -> None:
    """Count a refusal, unless the store is busy, full, read-only or broken. Never raises: `refusal` is what is told."""
    reason = BUSY if isinstance(refusal, Busy) else refusal.reason
    try:
        with store.transaction(durable=False, wait_s=PATIENCE_S) as tx:
            tell(tx, rules, reason)
    except Exception as fault:  # whatever it was: it must not stand in the place of the refusal
        refusal.add_note(f"and it could not be counted: {fault}")


def tell(tx: Transaction, rules: Rules, reason: str) -> None:
    """A command was refused. Samples that no window reaches are dropped."""
    now_ms, keep_ms, series = clock.now_ms(), success_rate.kept_ms(rules), REFUSED + reason
    success_rate.date_back(tx, series, now_ms)
    if not tx.count_samples(series, keep_ms):  # a reason may never be given again
        for other in forgettable_series(tx, REFUSED):
            tx.drop_samples(other, keep_ms)
    tx.add_sample(series, reason, now_ms)
    tx.drop_samples(series, keep_ms)


def counts(counters: Counters, rules: Rules) -> dict[str, int]:
    """How often each reason was given within the window, the most frequent first."""
    found: dict[str, int] = {}
    for sample in counters.samples(REFUSED, success_rate.since_ms(rules)):
        reason = sample.series.removeprefix(REFUSED)
        found[reason] = found.get(reason, 0) + 1
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
