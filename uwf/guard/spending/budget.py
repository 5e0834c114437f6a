"""`budget_exhausted`: what a thread may cost over its whole life, and the machine in a day.

Limits are on tokens, money, steps, visits of one role, and seconds (see `uwf.quantities` for how they are
written). A step is not begun when less than its reserve is left. What a thread has spent comes with the
request; what the machine spent today is a counter, `usage/<date>`, to which every attempt adds; which day that is, for
all processes of the home, says `day`. Steps of many threads may run at once: what they are expected to use of the day
counts from their beginning, see `reserve`. So of all of them together only the last may go past the limit.
"""

from __future__ import annotations

from uwf import clock
from uwf.config_table import Table, amounts, key, one_of
from uwf.display import numbers
from uwf.errors import Crowded, PersonNeeded
from uwf.guard.contract import (
    AttemptStopped,
    AttemptSucceeded,
    Guard,
    Status,
    StatusLine,
    refuse,
)
from uwf.guard.counters import forgettable
from uwf.guard.spending import reserve, unseen
from uwf.guard.spending.day import DAYS, OF_A_DAY, date, keep_zone, midnight_ms, today, zone_of
from uwf.quantities import (
    NAMES,
    STEPS,
    TIME,
    TOKENS,
    USD,
    VISITS,
    format_budget,
    raised_enough,
    written,
)
from uwf.recurrence import zone_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo
    from typing import Any

    from uwf.errors import Refused
    from uwf.guard.contract import AttemptOutcome, Host, Request
    from uwf.store.protocols import Counters, Transaction

KEPT_DAYS = 31
WHO_HAS = {True: "all machines have", False: "this machine has"}
"""Used up the budget of a day: by whether they share the store."""
LOOK_MS = 2_000
"""When to ask again for what others have set down: most of them use less."""


class Budget(Guard):
    """Refuses when a thread, or the machine today, has too little left. Says when a running step has used it up."""

    name = "budget"

    class Rules(Table, at="budget"):
        """Limits by name: of one step, of a thread for its whole life, of the machine in a day. `reserve` is what must
        be left for a step to begin; without it, what a step may use; without that, anything at all. `zone` is where a
        day begins. `unseen` says what is done with an agent that does not report what is limited.
        """

        step: Mapping[str, float] = amounts(TOKENS, USD, TIME)
        thread: Mapping[str, float] = amounts(*NAMES)
        day: Mapping[str, float] = amounts(TOKENS, USD, STEPS, TIME)
        reserve: Mapping[str, float] = amounts(TOKENS, USD)
        zone: str | None = key(zone_name)
        unseen: str = key(one_of((unseen.WARN, unseen.REFUSE)), unseen.WARN)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.rules: Budget.Rules = host.rules(Budget.Rules)

    def enter(self, request: Request) -> None:
        limits = {**self.rules.thread, **request.budget}
        if request.replaces:
            limits = {name: limits[name] for name in limits if name not in (STEPS, VISITS)}
        used = _used(request.spent, request.visits)
        short = _short(limits, used, self._needed)
        if short:
            raise self._refuse_thread(request, short, limits, used)
        if self.rules.unseen == unseen.REFUSE:
            unseen.check(self._host.store, request.agent, self._limits(request))
        # Also without a limit: each attempt adds to it in the end.
        today(self._host.store, self._zone(self._host.store))
        if self.rules.day:
            self._check_day(self._host.store, request)

    def begins(self, tx: Transaction, request: Request) -> None:
        """Set down what a step is expected to use of the day, in the transaction that puts its beginning on record.

        Raises `Refused` where other steps have set down the rest since `enter`.
        """
        if self.rules.day:
            mine, others = self._check_day(tx, request)
            reserve.set_down(tx, request.thread, mine, others)

    def unseen(self, request: Request, usage: Mapping[str, Any]) -> str | None:
        """What is limited and not in the `usage` of a step, in words; None when all is."""
        limits = self._limits(request)
        names = unseen.left_out(limits, usage) if limits else []
        return unseen.in_words(names, limits, request.agent) if names else None

    def reached(
        self, limits: Mapping[str, float], spent: Mapping[str, float], visits: int = 0
    ) -> str | None:
        """Why no other step may begin, in words such as `usd 5.02 of 5`; None while `limits` leave enough."""
        used = _used(spent, visits)
        short = _short(limits, used, self._needed)
        return self._in_words(short, limits, used) if short else None

    def step_reached(self, used: Mapping[str, float]) -> str | None:
        """What a step used beyond what one may, in words; None when it kept within."""
        over = [name for name, limit in self.rules.step.items() if used.get(name, 0.0) > limit]
        return self._in_words(over, self.rules.step, used) if over else None

    def remaining(self, request: Request, name: str) -> float | None:
        """How much of `name` the step may use by its own limit and the thread's; None when neither has one."""
        limits = {**self.rules.thread, **request.budget}
        left = [self.rules.step[name]] if name in self.rules.step else []
        if name in limits:
            left.append(max(0.0, limits[name] - request.spent.get(name, 0.0)))
        return min(left, default=None)

    def ended(self, tx: Transaction, request: Request, outcome: AttemptOutcome) -> None:
        steps = 1 if isinstance(outcome, AttemptSucceeded) else 0
        limits = self._limits(request)
        if TOKENS in limits or USD in limits or self.rules.unseen == unseen.REFUSE:
            unseen.learn(tx, request.agent, outcome)
        used = {**outcome.usage, STEPS: steps, TIME: outcome.duration_ms / 1000}
        if self.rules.day:
            if not (isinstance(outcome, AttemptStopped) and outcome.is_superseded):
                reserve.let_go(tx, request.thread)  # else it is that of the other run
            if not isinstance(outcome, AttemptStopped):
                reserve.learn(tx, request, {name: _amount(used.get(name)) for name in OF_A_DAY})
        keep_zone(tx, self._host.zone)
        zone = self._zone(tx)
        counter = DAYS + date(zone)
        before = tx.counter(counter)
        if before is None:
            _forget_old(tx, DAYS + date(zone, KEPT_DAYS))
        total = before or {}
        tx.set_counter(
            counter,
            {name: total.get(name, 0.0) + _amount(used.get(name)) for name in OF_A_DAY},
        )

    def status(self) -> Status:
        store, limits = self._host.store, self.rules.day
        used, held = self._today(store), _sum(reserve.of_others(store, store.leases, ""))
        lines = []
        for name, spent in used.items():
            more = f"{numbers.amount(name, held[name])} more by what runs" if held.get(name) else ""
            lines.append(StatusLine(f"{name} today", spent, limits.get(name), name, more))
        facts = {"today": used, "dayBudget": dict(limits), "dayReserved": held}
        return Status(tuple(lines), facts)

    def _limits(self, request: Request) -> dict[str, float]:
        """All that the request is under, those of its thread before those of the day."""
        return {**self.rules.day, **self.rules.thread, **request.budget}

    def _today(self, counters: Counters) -> dict[str, float]:
        """What was used today, with replies that could not be stored yet."""
        kept = self._host.kept()
        used = today(counters, self._zone(counters))
        return {name: spent + kept.get(name, 0.0) for name, spent in used.items()}

    def _check_day(
        self, counters: Counters, request: Request
    ) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        """What the step is to set down, and what others have. Raises `Refused`.

        The first of an agent sets down all that is left. The last one may begin with less than it needs, as
        long as something is left that no other has set down.
        """
        limits, used = self.rules.day, self._today(counters)
        short = _short(limits, used, self._needed)
        if short:
            raise self._refuse_day(short, used)
        others = reserve.of_others(counters, self._host.store.leases, request.thread)
        held, lately, mine = _sum(others), reserve.expected(counters, request), {}
        for name, limit in limits.items():
            left = limit - used[name] - held.get(name, 0.0)
            likely = self.rules.reserve.get(name, lately.get(name, self.rules.step.get(name)))
            if name == STEPS:
                likely = 1.0
            if held.get(name) and left < max(likely or 0.0, 1e-9):
                raise self._refuse_crowded(name, used[name], held[name], likely)
            mine[name] = max(0.0, left) if likely is None else likely
        return mine, others

    def _zone(self, counters: Counters) -> tzinfo:
        return zone_of(counters, self.rules.zone, self._host.zone)

    def _needed(self, name: str) -> float:
        """How much must be left for a step to begin. Time is bounded while it runs, so any of it will do."""
        may_use = self.rules.step.get(name, 0.0) if name in (TOKENS, USD) else 0.0
        return self.rules.reserve.get(name, may_use)

    def _refuse_thread(
        self,
        request: Request,
        short: list[str],
        limits: Mapping[str, float],
        used: dict[str, float],
    ) -> Refused:
        whose = f" (role {request.role})" if VISITS in short else ""
        enough = {
            name: raised_enough(limits[name], used[name], self._needed(name)) for name in short
        }
        more = format_budget({name: enough[name] - limits[name] for name in short})
        more = more.replace(",", ",+")
        return refuse(
            "budget_exhausted",
            f"thread {request.thread}{whose} has used {self._in_words(short, limits, used)}",
            kind=PersonNeeded,
            hint=f"uwf thread resume {request.thread} --budget +{more}",
        )

    def _refuse_day(self, short: list[str], used: dict[str, float]) -> Refused:
        limits, name = self.rules.day, short[0]
        enough = raised_enough(limits[name], used[name], self._needed(name))
        return refuse(
            "budget_exhausted",
            f"{self._who_has()} used {self._in_words(short, limits, used)} today",
            retry_at_ms=midnight_ms(self._zone(self._host.store)),
            hint=f"uwf config set budget.day.{name} {written(name, enough)}",
        )

    def _who_has(self) -> str:
        """Whose day it is: that of all who share the store."""
        return WHO_HAS[self._host.store.is_shared]

    def _refuse_crowded(self, name: str, used: float, held: float, likely: float | None) -> Refused:
        needs = "" if likely is None else f", and this one {numbers.amount(name, likely)}"
        return refuse(
            "budget_exhausted",
            f"{self._who_has()} used {numbers.used_of(name, used, self.rules.day[name])} today; what runs now is "
            f"expected to use {numbers.amount(name, held)} of the rest{needs}",
            kind=Crowded,
            retry_at_ms=clock.now_ms() + LOOK_MS,
            hint="uwf guard status",
        )

    def _in_words(
        self, short: list[str], limits: Mapping[str, float], used: Mapping[str, float]
    ) -> str:
        """`$5.02 of $5.00, 40 of 40 steps`; where something is left, how much a step needs."""
        words = []
        for name in short:
            needed = numbers.amount(name, self._needed(name))
            needs = f" ({needed} needed)" if used[name] < limits[name] else ""
            words.append(f"{numbers.used_of(name, used[name], limits[name])}{needs}")
        return ", ".join(words)


def _short(
    limits: Mapping[str, float], used: Mapping[str, float], needed: Callable[[str], float]
) -> list[str]:
    """The names of which nothing is left, or less than `needed(name)`."""
    left = {name: limits[name] - used[name] for name in NAMES if name in limits and name in used}
    return [name for name, rest in left.items() if rest <= 0 or rest < needed(name)]


def _used(spent: Mapping[str, float], visits: int) -> dict[str, float]:
    return {**{name: spent.get(name, 0.0) for name in NAMES}, VISITS: visits}


def _sum(reserved: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for one in reserved.values():
        for name, amount in one.items():
            total[name] = total.get(name, 0.0) + amount
    return total


def _amount(value: Any) -> float:
    return max(0.0, value) if isinstance(value, (int, float)) else 0.0


def _forget_old(tx: Transaction, oldest: str) -> None:
    for name, _ in forgettable(tx, DAYS):
        if name < oldest:
            tx.set_counter(name, None)
