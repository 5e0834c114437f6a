"""What is said of a thread at every front door: its state and how that looks, and what it has used. Commands that only
look import this, so it imports what it needs where it needs it.
"""

from __future__ import annotations

from uwf import quantities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.display.states import Look
    from uwf.engine.query.thread_view import ThreadView


def look(thread: ThreadView) -> Look:
    """How that looks."""
    from uwf.display import states

    failed = has_failed(thread)
    return states.of_thread(thread.state, has_failed=failed, is_postponed=thread.is_postponed)


def has_failed(thread: ThreadView) -> bool:
    """Whether its last attempt is a failure of its agent, and no question to a person."""
    return thread.failed is not None and thread.failed.is_of_agent


def spent(thread: ThreadView) -> str:
    """What it has used, beside what it may."""
    found, limits, unseen = amounts(thread), thread.budget or {}, thread.unseen or {}
    if not found:
        return ""
    from uwf.display import numbers

    said = []
    for name in filter(found.__contains__, numbers.ORDER):
        if name in unseen:
            said.append(numbers.unseen(name, limits[name], unseen[name]))
            continue
        amount = numbers.amount(name, found[name])
        if name in limits:
            amount = numbers.used_of(name, found[name], limits[name])
        unknown = (thread.unknown_usage or {}).get(name)
        more = f" (not known of {quantities.counted(unknown, 'attempt')})" if unknown else ""
        said.append(amount + more)
    return ", ".join(said)


def amounts(thread: ThreadView) -> dict[str, float]:
    """What was used and what is limited. Steps and visits stand elsewhere, unless they have a limit."""
    used, limits = thread.spent or {}, thread.budget or {}
    return {
        name: used.get(name, 0)
        for name in quantities.NAMES
        if name in limits or (used.get(name) and name not in (quantities.STEPS, quantities.VISITS))
    }
