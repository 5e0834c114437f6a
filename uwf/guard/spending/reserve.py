"""What steps that run now are expected to use of the day's budget. Each sets it down as it begins, until it has ended.

Counter `reserved/<thread>` = amounts by name, written with the beginning of an attempt and taken away with its end. One
of a thread that no process runs any more stands for nothing: its process has died. What a step is expected to use is
what such steps, of one role with one agent, cost lately, and while there was none, what any of its agent did: counters
`cost/<hash>` = {at_ms, amounts}, the largest, which fades by a tenth with each step that costs less.
"""

from __future__ import annotations

from uwf import clock
from uwf.guard.counters import forgettable, hashed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.guard.contract import Request
    from uwf.store.protocols import Counters, Leases, Transaction

RESERVED, COSTS = "reserved/", "cost/"
FADING = 0.9
KEPT_MS = 30 * 86_400_000


def of_others(counters: Counters, leases: Leases, thread: str) -> dict[str, dict[str, float]]:
    """What the steps of other threads that run now have set down, by thread."""
    return {
        other: amounts
        for other, amounts in _all(counters).items()
        if other != thread and leases.holder(other) is not None
    }


def set_down(
    tx: Transaction, thread: str, amounts: Mapping[str, float], others: Mapping[str, object]
) -> None:
    """The step of `thread` begins. What is left of any but the `others` is of dead processes, and goes."""
    for name, _ in tx.counters(RESERVED):
        if name.removeprefix(RESERVED) not in others:
            tx.set_counter(name, None)
    tx.set_counter(RESERVED + thread, dict(amounts))


def let_go(tx: Transaction, thread: str) -> None:
    """The step of `thread` has ended."""
    tx.set_counter(RESERVED + thread, None)


def expected(counters: Counters, request: Request) -> dict[str, float]:
    """What such a step costs, by name; nothing while none of its agent has ended."""
    kind, agent = _costs_of(request)
    return _amounts(counters.counter(kind)) or _amounts(counters.counter(agent))


def learn(tx: Transaction, request: Request, used: Mapping[str, float]) -> None:
    """A step came about, or failed, and has used this."""
    now_ms = clock.now_ms()
    for counter in _costs_of(request):
        known = tx.counter(counter)
        if known is None:  # agents may be command lines of one use
            for name, other in forgettable(tx, COSTS):
                if not isinstance(other, dict) or other.get("at_ms", 0) < now_ms - KEPT_MS:
                    tx.set_counter(name, None)
        before = _amounts(known)
        most = {name: max(amount, before.get(name, 0.0) * FADING) for name, amount in used.items()}
        tx.set_counter(counter, {**most, "at_ms": now_ms})


def _costs_of(request: Request) -> tuple[str, str]:
    """The counters of a role with its agent, and of the agent whatever it does."""
    kind = "\n".join((request.agent, request.workflow, request.role))
    return COSTS + hashed(kind), COSTS + hashed(request.agent)


def _all(counters: Counters) -> dict[str, dict[str, float]]:
    return {
        name.removeprefix(RESERVED): _amounts(value) for name, value in counters.counters(RESERVED)
    }


def _amounts(value: object) -> dict[str, float]:
    """The amounts in a counter. What holds none was written by hand, and says nothing."""
    if not isinstance(value, dict):
        return {}
    return {
        name: amount
        for name, amount in value.items()
        if isinstance(amount, (int, float)) and name != "at_ms"
    }
