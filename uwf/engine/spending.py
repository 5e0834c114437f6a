"""What a thread has used over its whole life. Read off its chain, so that no resume resets it.

`spent` stands in every step: usage and `time` (seconds) of all steps before, and of their failed attempts. Attempts
that have not become a step yet are added from the try beside the head.
"""

from __future__ import annotations

from uwf.amounts import STEPS, TIME
from uwf.engine.tries import ended_attempts, last_ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.model import Nodes, Place
    from uwf.engine.thread import Thread

BUDGET = "budget."
"""Before the name of a limit, as a tag of the thread's ref."""


def add(spent: Mapping[str, float], *more: Mapping[str, float] | None) -> dict[str, float]:
    """The sum of several usages, amount by amount."""
    total = dict(spent)
    for usage in more:
        for name, amount in (usage or {}).items():
            total[name] = total.get(name, 0) + amount
    return total


def of_thread(nodes: Nodes, thread: Thread) -> dict[str, float]:
    """What `thread` has used so far, failed attempts and the number of its steps included."""
    attempt = thread.attempt if thread.plan is not None else None
    failed = [] if attempt is None else of_attempts(nodes, last_ending(attempt))
    return {**add(thread.place.spent, *failed), STEPS: thread.place.index}


def of_attempts(nodes: Nodes, last: str | None) -> list[dict[str, float]]:
    """What each of the failed attempts from `last` backwards has used."""
    return [_of_attempt(nodes.get(id).payload) for id in ended_attempts(nodes, last)]


def before_step(thread: Thread, base: Place) -> dict[str, float]:
    """What was used before a step on `base`: for a poke, what the step it replaces has used stays used."""
    return dict(base.spent if base.id == thread.head else thread.place.spent)


def own_budget(tags: Mapping[str, str]) -> dict[str, float]:
    """The limits that a person gave a thread, from its tags."""
    return {
        key.removeprefix(BUDGET): float(tag) for key, tag in tags.items() if key.startswith(BUDGET)
    }


def _of_attempt(end: Mapping[str, Any]) -> dict[str, float]:
    return add(end["usage"] or {}, {TIME: (end["durationMs"] or 0) / 1000})
