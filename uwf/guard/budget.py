"""`budget_exhausted`: what a thread may cost over its whole life, and the machine in a day.

Limits are on tokens, money, steps, visits of one role, and seconds (see `uwf.amounts` for how they are
written). A step is not begun when less than its reserve is left. What a thread has spent comes with the
request; what the machine spent today is a counter, `usage/<local date>`, to which every attempt adds.
"""

from __future__ import annotations

import time

from uwf import clock
from uwf.amounts import NAMES, STEPS, TIME, TOKENS, USD, VISITS, format, parse, raised, written
from uwf.guard.contract import refuse
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from uwf.errors import Refused
    from uwf.guard.contract import Request
    from uwf.store.protocols import Counters, Transaction

__all__ = ["NAMES", "Budget", "Rules", "allowed", "format", "parse", "raised", "reached"]

DAYS = "usage/"
KEPT_DAYS = 31


class Rules(Record):
    """Limits by name: of one step, of a thread for its whole life, of the machine in a day. `reserve` is what must
    be left for a step to begin; without it, what a step may use; without that, anything at all.
    """

    step: dict[str, float]
    thread: dict[str, float]
    day: dict[str, float]
    reserve: dict[str, float]


class Budget:
    """The guard over both budgets: the thread's and the machine's."""

    name = "budget"

    def __init__(self, counters: Counters, rules: Rules) -> None:
        self._counters = counters
        self._rules = rules

    def enter(self, request: Request) -> None:
        limits = {**self._rules.thread, **request.budget}
        used = _used(request.spent, request.visits)
        for name in _short(limits, used, self._reserve):
            raise self._refuse_thread(request, name, used[name], limits[name])
        if self._rules.day:
            used = today(self._counters)
            for name in _short(self._rules.day, used, self._reserve):
                raise self._refuse_day(name, used[name])

    def _reserve(self, name: str) -> float:
        rules = self._rules
        what_a_step_may_use = rules.step.get(name, 0.0) if name in (TOKENS, USD) else 0.0
        return rules.reserve.get(name, what_a_step_may_use)

    def _refuse_thread(self, request: Request, name: str, used: float, limit: float) -> Refused:
        whose = f"role {request.role}" if name == VISITS else f"thread {request.thread}"
        return refuse(
            "budget_exhausted",
            f"{whose} has used {_of(name, used, limit)}{self._needs(name, used, limit)}",
            hint=f"uwf thread resume {request.thread} --budget +{name}={written(name, limit)}",
        )

    def _refuse_day(self, name: str, used: float) -> Refused:
        limit = self._rules.day[name]
        return refuse(
            "budget_exhausted",
            f"this machine has used {_of(name, used, limit)} today{self._needs(name, used, limit)}",
            retry_at_ms=midnight_ms(),
            hint=f"uwf config set budget.day.{name} {written(name, 2 * limit)}",
        )

    def _needs(self, name: str, used: float, limit: float) -> str:
        if used >= limit:
            return ""
        return f"; a step begins when {name} {written(name, self._reserve(name))} are left"


def allowed(
    rules: Rules, workflow: Mapping[str, float], max_visits: int | None, own: Mapping[str, float]
) -> dict[str, float]:
    """What a thread may use: what its person gave it, else the lower of what config and workflow file say.

    A workflow file may come with a cloned repository: it can lower what config allows, not raise it.
    `max_visits` is the limit of the role that would run.
    """
    limits = {**rules.thread}
    for name, amount in (*workflow.items(), *_visits(max_visits)):
        limits[name] = min(amount, limits.get(name, amount))
    return {**limits, **own}


def reached(budget: Mapping[str, float], spent: Mapping[str, float], visits: int = 0) -> str | None:
    """The limits of `budget` that are reached, in words such as `usd 5.02 of 5`; None while all have something left."""
    used = _used(spent, visits)
    over = [_of(name, used[name], budget[name]) for name in _short(budget, used)]
    return ", ".join(over) or None


def remaining_time_s(rules: Rules, request: Request) -> float | None:
    """How long the step may run by its own and the thread's limit on time; None when neither has one."""
    limits = {**rules.thread, **request.budget}
    left = [rules.step[TIME]] if TIME in rules.step else []
    if TIME in limits:
        left.append(max(0.0, limits[TIME] - request.spent.get(TIME, 0.0)))
    return min(left, default=None)


def tell(
    tx: Transaction, usage: Mapping[str, Any] | None, *, steps: int = 1, seconds: float = 0.0
) -> None:
    """An attempt ended: add what it used to today's figures. A negative amount adds nothing."""
    used = {**(usage or {}), STEPS: steps, TIME: seconds}
    counter = DAYS + _date()
    before = tx.counter(counter)
    if before is None:
        _forget_old(tx)
    total = before or {}
    tx.set_counter(
        counter,
        {
            name: total.get(name, 0.0) + _amount(used.get(name))
            for name in (TOKENS, USD, STEPS, TIME)
        },
    )


def today(counters: Counters) -> dict[str, float]:
    """What this machine has used since local midnight, by name."""
    total = counters.counter(DAYS + _date()) or {}
    return {name: total.get(name, 0.0) for name in (TOKENS, USD, STEPS, TIME)}


def midnight_ms() -> int:
    """The next local midnight."""
    now = time.localtime(clock.now_ms() / 1000)
    return round(time.mktime((now.tm_year, now.tm_mon, now.tm_mday + 1, 0, 0, 0, 0, 0, -1)) * 1000)


def _nothing(name: str) -> float:
    return 0.0


def _short(
    limits: Mapping[str, float],
    used: Mapping[str, float],
    reserve: Callable[[str], float] = _nothing,
) -> Iterator[str]:
    """The names of which nothing is left, or less than `reserve(name)`."""
    for name in NAMES:
        if name in limits and name in used:
            left = limits[name] - used[name]
            if left <= 0 or left < reserve(name):
                yield name


def _used(spent: Mapping[str, float], visits: int) -> dict[str, float]:
    return {**{name: spent.get(name, 0.0) for name in NAMES}, VISITS: visits}


def _of(name: str, used: float, limit: float) -> str:
    return f"{name} {written(name, used)} of {written(name, limit)}"


def _visits(max_visits: int | None) -> tuple[tuple[str, float], ...]:
    return () if max_visits is None else ((VISITS, float(max_visits)),)


def _amount(value: Any) -> float:
    return max(0.0, value) if isinstance(value, (int, float)) else 0.0


def _date(age_days: int = 0) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(clock.now_ms() / 1000 - age_days * 86_400))


def _forget_old(tx: Transaction) -> None:
    oldest = DAYS + _date(KEPT_DAYS)
    for name, _ in tx.counters(DAYS):
        if name < oldest:
            tx.set_counter(name, None)
