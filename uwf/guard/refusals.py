"""How often commands were refused lately, for people alone: no guard asks for it, and no refusal waits to be counted.

Each refusal that ends a command is a sample of the series `refused/<reason>`; that another process has the thread is
one for the reason `busy`. They count for as long as those of `success_rate`.
"""

from __future__ import annotations

from uwf import clock
from uwf.errors import Busy
from uwf.guard.counters import forgettable_series
from uwf.guard.success_rate import date_back, kept_ms, since_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.errors import Refused
    from uwf.guard.success_rate import SuccessRate
    from uwf.store.protocols import Counters, Store, Transaction

REFUSED = "refused/"
BUSY = "busy"
REFUSAL_WAIT_S = 0.2
"""How long counting a refusal waits for other writers: it is to be told without delay."""


def refusals(counters: Counters, rules: SuccessRate.Rules) -> dict[str, int]:
    """How often each reason was given within the window, the most frequent first."""
    found: dict[str, int] = {}
    for sample in counters.samples(REFUSED, since_ms(rules)):
        reason = sample.series.removeprefix(REFUSED)
        found[reason] = found.get(reason, 0) + 1
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def note_refusal(store: Store, rules: SuccessRate.Rules, refusal: Refused | Busy) -> None:
    """Count a refusal, unless the store is busy, full, read-only or broken. Never raises: `refusal` is what is told."""
    reason = BUSY if isinstance(refusal, Busy) else refusal.reason
    try:
        with store.transaction("refusal", durable=False, wait_s=REFUSAL_WAIT_S) as tx:
            _count_refusal(tx, rules, reason)
    except Exception as fault:  # whatever it was: it must not stand in the place of the refusal
        refusal.add_note(f"and it could not be counted: {fault}")


def _count_refusal(tx: Transaction, rules: SuccessRate.Rules, reason: str) -> None:
    """A command was refused. Samples that no window reaches are dropped."""
    now_ms, keep_ms, series = clock.now_ms(), kept_ms(rules), REFUSED + reason
    date_back(tx, series, now_ms)
    if not tx.count_samples(series, keep_ms):  # a reason may never be given again
        for other in forgettable_series(tx, REFUSED):
            tx.drop_samples(other, keep_ms)
    tx.add_sample(series, reason, now_ms)
    tx.drop_samples(series, keep_ms)
