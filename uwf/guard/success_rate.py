"""How steps have gone over a rolling window: attempts, successes, and why they failed.

Each ended attempt is a sample of the series `step/<agent>/good` or `…/bad`, or of `…/transient` for what time alone
cures, which is shown and says nothing of the agent; those that a step tries again at once count as one with it. A
sample counts from its moment until exactly `window` later; one from the future, left by a clock that jumped back,
counts as of now, and is dated so by the next one. Below `min_rate`, with at least `min_sample` attempts, an agent is
refused (`low_success_rate`) but for one probe in `probe_every`. Counter `probe/<agent>`: when the last one was let
through, and whether it came to an end.
"""

from __future__ import annotations

from uwf import clock
from uwf.config_table import Table, count, key, rate, some_duration
from uwf.guard.contract import (
    SHARE,
    AttemptFailed,
    AttemptStopped,
    Guard,
    Release,
    Status,
    StatusLine,
    refuse,
)
from uwf.guard.counters import forgettable, forgettable_series, hashed
from uwf.quantities import TIME, counted, written
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from uwf.guard.contract import AttemptOutcome, Host, Request
    from uwf.store.protocols import Counters, Transaction
    from uwf.store.values import Sample

STEPS, PROBES = "step/", "probe/"
GOOD, BAD, TRANSIENT = "good", "bad", "transient"
KEPT_MS = 30 * 86_400_000
"""Probes of agents that are not used any more are forgotten after a month."""
BUCKETS = 12


class Figures(Record):
    """One agent's or workflow's window. `rate` leaves out what time alone cures, and is None with too few samples to
    speak of; `trend` has the attempts of each twelfth of the window, oldest first.
    """

    name: str
    attempts: int
    successes: int
    rate: float | None
    reasons: dict[str, int]
    trend: tuple[int, ...]


class SuccessRate(Guard):
    """Refuses an agent most of whose attempts failed lately."""

    name = "success rate"

    class Rules(Table, at="stats"):
        """The window in seconds, the rate below which to refuse, and how many samples that takes."""

        window_s: float = key(some_duration, "1h")
        min_rate: float = key(rate, 0.3)
        min_sample: int = key(count, 10)
        probe_every_s: float = key(some_duration, "5m")

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._rules: SuccessRate.Rules = host.rules(SuccessRate.Rules)

    def enter(self, request: Request) -> Release | None:
        if request.is_retry:
            return None
        rules, store = self._rules, self._host.store
        from_ms = since_ms(rules)
        good = store.count_samples(_series(request.agent, GOOD), from_ms)
        bad = store.count_samples(_series(request.agent, BAD), from_ms)
        if good + bad < rules.min_sample:
            return None
        if good / (good + bad) >= rules.min_rate:
            return None
        counter = PROBES + hashed(request.agent)
        probe = {"at_ms": clock.now_ms(), "ended": False}
        every_ms = round(rules.probe_every_s * 1000)
        with store.transaction("rate probe", durable=False) as tx:
            last = tx.counter(counter)
            if last is not None and abs(probe["at_ms"] - last["at_ms"]) < every_ms:
                raise refuse(
                    "low_success_rate",
                    f"agent {request.agent} succeeded in {good} of its last {counted(good + bad, 'step')}, less "
                    f"than {rules.min_rate:.0%}; one step in {written(TIME, rules.probe_every_s)} tries it",
                    retry_at_ms=last["at_ms"] + every_ms,
                    hint="uwf guard stats",
                )
            if last is None:
                _forget_probes(tx)
            tx.set_counter(counter, probe)
        return Release(lambda: self._give_back(counter, probe))

    def _give_back(self, counter: str, probe: dict[str, Any]) -> None:
        """A probe that did not come to an end, because a later guard refused it, leaves it to another to probe."""
        store = self._host.store
        if store.counter(counter) == probe:
            with store.transaction("rate probe back", durable=False) as tx:
                if tx.counter(counter) == probe:
                    tx.set_counter(counter, None)

    def ended(self, tx: Transaction, request: Request, outcome: AttemptOutcome) -> None:
        if isinstance(outcome, AttemptStopped):
            return
        agent, failure_class, kind = request.agent, None, GOOD
        if isinstance(outcome, AttemptFailed):
            if outcome.is_retried:
                return
            failure_class, kind = outcome.failure_class, TRANSIENT if outcome.is_transient else BAD
        now_ms = clock.now_ms()
        keep_ms = kept_ms(self._rules)
        date_back(tx, _series(agent, ""), now_ms)
        series = _series(agent, kind)
        if not tx.count_samples(series, keep_ms):  # agents may be command lines of one use
            for other in forgettable_series(tx, STEPS):
                tx.drop_samples(other, keep_ms)
        value = {
            "agent": agent,
            "workflow": request.workflow,
            "ok": failure_class is None,
            "class": failure_class,
            "ms": outcome.duration_ms,
        }
        tx.add_sample(series, value, now_ms)
        tx.drop_samples(series, keep_ms)
        probe = tx.counter(PROBES + hashed(agent))
        if isinstance(probe, dict) and not probe.get("ended"):
            tx.set_counter(PROBES + hashed(agent), {**probe, "ended": True})

    def status(self) -> Status:
        """The agents that are refused."""
        rules = self._rules
        low = [
            one
            for one in figures(self._host.store, rules, by="agent")
            if one.rate is not None and one.rate < rules.min_rate
        ]
        lines = [
            StatusLine(
                f"success of {one.name}",
                one.rate,
                rules.min_rate,
                SHARE,
                f"one step in {written(TIME, rules.probe_every_s)} tries it",
                at_least=True,
            )
            for one in low
            if one.rate is not None
        ]
        facts = [{"agent": one.name, "rate": one.rate, "attempts": one.attempts} for one in low]
        return Status(tuple(lines), {"lowSuccess": facts})


def total(counters: Counters, rules: SuccessRate.Rules) -> Figures:
    """The window of all agents together."""
    return _figures("all", _in_window(counters, STEPS, rules), rules)


def figures(counters: Counters, rules: SuccessRate.Rules, *, by: str) -> list[Figures]:
    """The window of every agent (`by` "agent") or workflow (`by` "workflow"), busiest first."""
    groups: dict[str, list[Sample]] = {}
    for sample in _in_window(counters, STEPS, rules):
        groups.setdefault(sample.value[by], []).append(sample)
    found = [_figures(name, samples, rules) for name, samples in groups.items()]
    return sorted(found, key=lambda one: (-one.attempts, one.name))


def _figures(name: str, samples: list[Sample], rules: SuccessRate.Rules) -> Figures:
    reasons: dict[str, int] = {}
    for sample in samples:
        if not sample.value["ok"]:
            reasons[sample.value["class"]] = reasons.get(sample.value["class"], 0) + 1
    successes = sum(sample.value["ok"] for sample in samples)
    telling = sum(not sample.series.endswith(TRANSIENT) for sample in samples)
    enough = telling >= rules.min_sample
    return Figures(
        name=name,
        attempts=len(samples),
        successes=successes,
        rate=successes / telling if enough else None,
        reasons=dict(sorted(reasons.items(), key=lambda item: -item[1])),
        trend=_trend(samples, rules),
    )


def _trend(samples: Iterable[Sample], rules: SuccessRate.Rules) -> tuple[int, ...]:
    now_ms, counts = clock.now_ms(), [0] * BUCKETS
    width_ms = rules.window_s * 1000 / BUCKETS
    for sample in samples:
        age_ms = max(0, now_ms - sample.at_ms)
        counts[BUCKETS - 1 - min(BUCKETS - 1, int(age_ms / width_ms))] += 1
    return tuple(counts)


def _in_window(counters: Counters, prefix: str, rules: SuccessRate.Rules) -> list[Sample]:
    return [
        sample for sample in counters.samples(prefix, since_ms(rules)) if _is_sound(sample.value)
    ]


def since_ms(rules: SuccessRate.Rules) -> int:
    """The first moment within the window: a sample counts until exactly `window` later."""
    return clock.now_ms() - round(rules.window_s * 1000) + 1


def kept_ms(rules: SuccessRate.Rules) -> int:
    """The first moment of which samples are kept: twice the window, for the clock may jump back."""
    return clock.now_ms() - round(2 * rules.window_s * 1000)


def _series(agent: str, kind: str) -> str:
    """Each kind is a series of its own, so that counting reads no sample."""
    return f"{STEPS}{hashed(agent)}/{kind}"


def date_back(tx: Transaction, prefix: str, now_ms: int) -> None:
    """Give the samples from the future the time of now, in all series whose names begin so, unless one of them is
    unreadable.
    """
    for series in forgettable_series(tx, prefix, now_ms + 1):
        if forgettable_series(tx, series):
            samples = [one for one in tx.samples(series, 0) if one.series == series]
            tx.drop_samples(series, max(sample.at_ms for sample in samples) + 1)
            for sample in samples:
                tx.add_sample(series, sample.value, min(sample.at_ms, now_ms))


def _forget_probes(tx: Transaction) -> None:
    for name, probe in forgettable(tx, PROBES):
        if isinstance(probe, dict) and probe.get("at_ms", 0) < clock.now_ms() - KEPT_MS:
            tx.set_counter(name, None)


def _is_sound(value: Any) -> bool:
    return isinstance(value, dict) and {"agent", "workflow", "ok", "class"} <= value.keys()
