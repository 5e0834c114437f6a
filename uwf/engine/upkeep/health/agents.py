"""Agents that fail: those most of whose steps failed lately, and those that are left alone for a while."""

from __future__ import annotations

import shlex

from uwf.engine.upkeep.health.check import LATER, Check
from uwf.guard import breaker
from uwf.guard.breaker import CLOSED
from uwf.guard.success_rate import SuccessRate, figures
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.upkeep.health.check import Finding


class FailingAgentCheck(Check):
    """Agents whose rate of success is below what the guard lets pass."""

    name = "agent"
    what = "agents that keep failing"
    is_note = True

    def detect(self) -> list[Finding]:
        rules, found = self._ground.run.config.rules(SuccessRate.Rules), []
        for one in figures(self._ground.store, rules, by="agent"):
            if one.rate is not None and one.rate < rules.min_rate:
                steps = counted(one.attempts, "attempt")
                why = ", ".join(f"{number} {word}" for word, number in one.reasons.items())
                what = f"agent {one.name} succeeded in {one.successes} of its last {steps}: {why}"
                found.append(self.found(one.name, what, hint="uwf guard stats"))
        return found


class BreakerCheck(Check):
    """Circuits that are not closed."""

    name = "breaker"
    what = "open breakers"
    level = LATER
    is_note = True

    def detect(self) -> list[Finding]:
        found = []
        for circuit in breaker.all_of(self._ground.store):
            if circuit.state != CLOSED:
                failed = counted(circuit.failures, "time")
                what = f"{circuit.name} failed {failed} in a row and is left alone: {circuit.cause}"
                hint = shlex.join(("uwf", "guard", "reset", circuit.name))
                found.append(self.found(circuit.name, what, hint=hint))
        return found
