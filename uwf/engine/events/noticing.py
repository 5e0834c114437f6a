"""What threads and guards do, as events of the source `thread`: read from the log of refs, so that a run pays nothing.

    task.dispatched                    an agent is asked for a step
    thread.completed, .cancelled       a thread has ended
    thread.suspended                   a role, or a limit, leaves it to a person
    thread.failed                      its agent has failed
    budget.reached                     it has used up what it may use
    agent.paused                       nothing is asked of an agent for a while
    circuit.open, circuit.closed       an agent that keeps failing is left alone, and no more

The log is followed by a number, which moves in the transaction that stores the events: each comes once. Only those are
stored that a trigger is on, and from when on there is one: what was before is past.
"""

from __future__ import annotations

from uwf.engine.actions.undo import UNDO
from uwf.engine.chain import word as words
from uwf.engine.chain.nodes import Step
from uwf.engine.chain.recorder import DISPATCHED
from uwf.engine.chain.tags import (
    ATTEMPTS,
    CANCELLED,
    COMPLETED,
    END_REASON,
    STATUS,
    SUSPEND_MESSAGE,
    SUSPENDED,
    SUSPENDED_ROLE,
    THREADS,
    TITLE,
    WORKFLOW,
    labels_of,
)
from uwf.engine.chain.usage import says_over_budget
from uwf.engine.events import taking
from uwf.engine.events.event import (
    MAX_DATA_BYTES,
    THREAD,
    Event,
    checked,
)
from uwf.errors import UwfError
from uwf.guard import breaker, pause
from uwf.guard.counters import hashed
from uwf.trust import BOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.events.matching import RuleTable
    from uwf.store.protocols import Store
    from uwf.store.values import LoggedMove

CURSOR = "events/log"
GUARDS = "events/guards"
MOST_MOVES = 1000

COMPLETED_NAME, CANCELLED_NAME = "thread.completed", "thread.cancelled"
SUSPENDED_NAME, FAILED_NAME = "thread.suspended", "thread.failed"
BUDGET_NAME, DISPATCHED_NAME = "budget.reached", "task.dispatched"
OF_LOG = (
    *(COMPLETED_NAME, CANCELLED_NAME, SUSPENDED_NAME, FAILED_NAME, BUDGET_NAME, DISPATCHED_NAME),
)
PAUSED_NAME, OPEN_NAME, CLOSED_NAME = "agent.paused", "circuit.open", "circuit.closed"
OF_GUARDS = (PAUSED_NAME, OPEN_NAME, CLOSED_NAME)

_FAILED = " failed: "


def notice(store: Store, rules: RuleTable, now_ms: int) -> bool:
    """Store what has happened since this was last asked. Whether there may be more."""
    follows = any(rules.of(name) for name in OF_LOG)
    minds = any(rules.of(name) for name in OF_GUARDS)
    cursor, known = store.counter(CURSOR), store.counter(GUARDS)
    if not follows and not minds and cursor is None and known is None:
        return False
    moves = store.moves_after(cursor, MOST_MOVES) if follows and cursor is not None else []
    to = moves[-1].number if moves else store.last_move() if cursor is None else cursor
    state = _guards(store) if minds else None
    if (to if follows else None) == cursor and state == known:
        return False
    events = [event for move in moves for event in _of_move(store, move) if rules.of(event.name)]
    if state is not None and known is not None:
        events += [event for event in _of_guards(known, state, now_ms) if rules.of(event.name)]
    with store.transaction("event noticed", durable=False) as tx:
        if (tx.counter(CURSOR), tx.counter(GUARDS)) != (cursor, known):
            return True  # another process was quicker
        for event in events:
            taking.taken_in(tx, event, now_ms)
        tx.set_counter(CURSOR, to if follows else None)
        tx.set_counter(GUARDS, state)
    return len(moves) == MOST_MOVES


def _of_move(store: Store, logged: LoggedMove) -> list[Event]:
    move = logged.move
    try:
        if move.name.startswith(ATTEMPTS) and move.why.startswith(DISPATCHED):
            return [_dispatched(store, logged)]
        if move.name.startswith(THREADS) and logged.before is not None:
            return _of_thread(store, logged, logged.before)
    except (UwfError, KeyError, TypeError, AttributeError):
        return []  # a node that cannot be read any more tells nothing; whoever looks at the thread is told
    return []


def _of_thread(store: Store, logged: LoggedMove, before: dict[str, str]) -> list[Event]:
    move = logged.move
    status, is_new = move.tags.get(STATUS), move.old != move.new or not before
    if move.why.startswith(UNDO):
        return []
    has_failed = move.why.startswith("attempt ") and _FAILED in move.why
    if status == before.get(STATUS) and not has_failed and not (status == SUSPENDED and is_new):
        return []
    if status == COMPLETED:
        return [_event(store, logged, COMPLETED_NAME, _output(store, move.new))]
    if status == CANCELLED:
        return [_event(store, logged, CANCELLED_NAME, {"reason": move.tags.get(END_REASON)})]
    if status != SUSPENDED:
        return []
    if says_over_budget(move.tags.get(SUSPEND_MESSAGE, "")):
        return [_event(store, logged, BUDGET_NAME, {})]
    if not has_failed:
        return [_event(store, logged, SUSPENDED_NAME, {})]
    return [_event(store, logged, FAILED_NAME, {"code": move.why.rpartition(_FAILED)[2]})]


def _event(store: Store, logged: LoggedMove, name: str, more: dict[str, Any]) -> Event:
    move = logged.move
    thread = move.name.removeprefix(THREADS)
    data = {
        "thread": thread,
        "status": move.tags.get(STATUS),
        "workflow": move.tags.get(WORKFLOW),
        "role": move.tags.get(SUSPENDED_ROLE),
        "message": move.tags.get(SUSPEND_MESSAGE),
        "title": move.tags.get(TITLE),
        "labels": labels_of(move.tags),
        "step": move.new,
        **more,
    }
    return _made(f"{name}.{thread}.{move.version}", name, move.at_ms, thread, data, move.new)


def _output(store: Store, head: str | None) -> dict[str, Any]:
    """What the last step has replied, unless that is very long."""
    if head is None or store.get(head).kind != "step":
        return {}
    step = Step.read(store, head)
    found = {"role": step.role, "output": step.output, "body": step.body}
    return found if len(str(found)) < MAX_DATA_BYTES // 8 else {"role": step.role}


def _dispatched(store: Store, logged: LoggedMove) -> Event:
    move = logged.move
    assert move.new is not None, "it begins"
    begun = store.get(move.new).payload
    thread = move.name.removeprefix(ATTEMPTS)
    data = {
        "thread": thread,
        "role": begun["plan"]["role"],
        "agent": begun["agent"],
        "attempt": begun["number"],
        "round": begun["plan"]["round"],
    }
    key = f"{DISPATCHED_NAME}.{thread}.{move.version}"
    return _made(key, DISPATCHED_NAME, move.at_ms, thread, data, thread)


def _guards(store: Store) -> dict[str, Any]:
    """Which agents are paused, and which circuits are open. What cannot be read is what a guard refuses for."""
    try:
        open_ones = {one.name for one in breaker.all_of(store) if one.state != breaker.CLOSED}
        paused = {one.name: one.until_ms for one in pause.paused_agents(store)}
    except UwfError:
        return {"open": [], "paused": []}
    return {"open": sorted(open_ones), "paused": sorted(paused)}


def _of_guards(before: dict[str, Any], now: dict[str, Any], now_ms: int) -> list[Event]:
    events = []
    for name, key, was, there in (
        (OPEN_NAME, "circuit", before["open"], now["open"]),
        (CLOSED_NAME, "circuit", now["open"], before["open"]),
        (PAUSED_NAME, "agent", before["paused"], now["paused"]),
    ):
        for one in there:
            if one not in was:
                id = f"{name}.{now_ms}.{hashed(one)}"
                events.append(_made(id, name, now_ms, words.named(one), {key: one}, None))
    return events


def _made(
    id: str, name: str, at_ms: int, who: str, data: dict[str, Any], cause: str | None
) -> Event:
    return checked(Event(id, THREAD, name, at_ms, who, BOT, data, cause=cause))
