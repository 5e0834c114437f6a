"""How the guards stand: what `guard status` and `guard stats` show, read without touching anything."""

from __future__ import annotations

import os

from uwf import clock
from uwf import home as paths
from uwf.agent.process import platform
from uwf.engine.run.admission import Rules
from uwf.guard import breaker, budget, machine, queue, refusals, slots, success_rate
from uwf.guard import pause as switch
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.config import Config
    from uwf.guard.breaker import Breaker
    from uwf.guard.machine import Left
    from uwf.guard.pause import Switched
    from uwf.guard.success_rate import Figures
    from uwf.store.protocols import Counters


EVENTS_MS = 86_400_000
"""Events of the last day are shown."""
ALL = "all"
"""What the row of the statistics is `by` that is about no agent or workflow alone."""


class Place(Record):
    """A pool of slots and how many are taken."""

    name: str
    taken: int
    limit: int


class Standing(Record):
    """Everything at one moment."""

    drain: Switched | None
    pause: Switched | None
    paused_agents: list[Switched]
    breakers: list[Breaker]
    pools: list[Place]
    waiting: int
    max_queue: int
    left: Left
    today: dict[str, float]
    day_budget: dict[str, float]
    events: list[dict[str, Any]]


def look(counters: Counters, home: str, config: Config) -> Standing:
    """The guards of `home` as they stand now."""
    rules = Rules(config)
    folder = paths.slots(home)
    pools = [slots.Pool(slots.MACHINE, rules.limits.max_running)]
    pools += [
        slots.Pool(f"agent/{name}", most)
        for name, most in rules.limits.per_agent.items()
        if most is not None
    ]
    pools += [slots.Pool(f"workflow/{n}", most) for n, most in rules.limits.per_workflow.items()]
    pools += [  # of a label only the values that run: there may be any number of others
        slots.Pool(name, most)
        for label, most in rules.limits.per_label.items()
        for name in slots.names_taken(folder, f"label/{label}=")
    ]
    return Standing(
        drain=switch.state(counters, switch.DRAIN),
        pause=switch.state(counters, switch.PAUSE),
        paused_agents=switch.paused_agents(counters),
        breakers=breaker.all_of(counters),
        pools=[Place(pool.name, slots.count(folder, pool), pool.limit) for pool in pools],
        waiting=len(queue.entries(counters, platform.is_same)),
        max_queue=rules.limits.max_queue,
        left=machine.look(home if os.path.isdir(home) else os.path.dirname(home) or "/"),
        today=budget.today(counters),
        day_budget=dict(rules.budget.day),
        events=[
            {"atMs": sample.at_ms, **sample.value}
            for sample in counters.samples(breaker.EVENTS, clock.now_ms() - EVENTS_MS)
        ],
    )


def document(found: Standing) -> dict[str, Any]:
    """The same for JSON."""

    def switched(one: Switched | None) -> dict[str, Any] | None:
        if one is None:
            return None
        return {
            "name": one.name,
            "sinceMs": one.since_ms,
            "untilMs": one.until_ms,
            "why": one.why,
        }

    left = found.left
    return {
        "drain": switched(found.drain),
        "pause": switched(found.pause),
        "pausedAgents": [switched(one) for one in found.paused_agents],
        "breakers": [
            {
                "name": one.name,
                "agent": one.agent,
                "class": one.failure_class,
                "state": one.state,
                "failures": one.failures,
                "openedMs": one.opened_ms,
                "cause": one.cause,
            }
            for one in found.breakers
        ],
        "slots": [
            {"pool": one.name, "taken": one.taken, "limit": one.limit} for one in found.pools
        ],
        "queue": {"waiting": found.waiting, "limit": found.max_queue},
        "machine": {
            "freeMemoryBytes": left.memory_bytes,
            "freeDiskBytes": left.disk_bytes,
            "freeCpus": left.cpus,
            "stalledPercent": left.stalled_percent,
        },
        "today": found.today,
        "dayBudget": found.day_budget,
        "events": found.events,
    }


def figures(counters: Counters, config: Config) -> list[dict[str, Any]]:
    """The statistics window, agents first, then workflows, then all together; `rate` is null with too few steps.

    The row of all, which is there when anything happened, has how often commands were refused, by reason.
    """
    rules = Rules(config).stats
    refused = refusals.counts(counters, rules)
    rows = [
        _row(by, one)
        for by in ("agent", "workflow")
        for one in success_rate.figures(counters, rules, by=by)
    ]
    if not rows and not refused:
        return []
    return [*rows, {**_row(ALL, success_rate.total(counters, rules)), "refused": refused}]


def _row(by: str, one: Figures) -> dict[str, Any]:
    return {
        "by": by,
        "name": one.name,
        "attempts": one.attempts,
        "successes": one.successes,
        "rate": one.rate,
        "reasons": one.reasons,
        "trend": list(one.trend),
    }
