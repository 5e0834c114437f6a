"""Events as they are shown: a row of a listing, a page with all that was decided and why."""

from __future__ import annotations

from uwf.engine.events.decision import Decision, Said, StoredEvent
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class DecisionStep(Record):
    """What one layer said: `code` is the reason of a "no", `trigger` and `thread` what it is about."""

    layer: str
    ok: bool
    why: str
    code: str | None
    trigger: str | None
    thread: str | None


class EventRow(Record):
    """An event in a listing. Times are epoch milliseconds; `reason` is the code of why nobody was told, `threads` are
    those that were told or begun, `causes` the events before it, the nearest first.
    """

    event: str
    name: str
    source: str
    at: int
    taken: int
    who: str
    trust: str
    state: str
    reason: str | None
    threads: tuple[str, ...]
    causes: tuple[str, ...]


class EventPage(EventRow):
    """All that is known of one. `why` says the reason in words."""

    id: str
    thread: str | None
    labels: dict[str, str]
    urgent: bool
    cause: str | None
    depth: int
    data: Any
    why: str | None
    steps: tuple[DecisionStep, ...]


class DecisionView(Record):
    """What came, or would come, of an event."""

    event: str
    state: str
    reason: str | None
    why: str | None
    threads: tuple[str, ...]
    steps: tuple[DecisionStep, ...]


def decision(of: Decision) -> DecisionView:
    reason = of.reason
    return DecisionView(
        event=of.key,
        state=of.state,
        reason=None if reason is None else reason.code,
        why=None if reason is None else reason.why,
        threads=of.threads,
        steps=_steps(of),
    )


def row(of: StoredEvent) -> EventRow:
    return EventRow(**_row(of))


def page(of: StoredEvent) -> EventPage:
    event, reason = of.event, None if of.decision is None else of.decision.reason
    return EventPage(
        **_row(of),
        id=event.id,
        thread=event.thread,
        labels=dict(event.labels),
        urgent=event.is_urgent,
        cause=event.cause,
        depth=event.depth,
        data=event.data,
        why=None if reason is None else reason.why,
        steps=() if of.decision is None else _steps(of.decision),
    )


def _row(of: StoredEvent) -> dict[str, Any]:
    event, reason = of.event, None if of.decision is None else of.decision.reason
    return {
        "event": event.key,
        "name": event.name,
        "source": event.source,
        "at": event.at_ms,
        "taken": of.taken_ms,
        "who": event.who,
        "trust": event.trust,
        "state": of.state,
        "reason": None if reason is None else reason.code,
        "threads": () if of.decision is None else of.decision.threads,
        "causes": of.causes,
    }


def _steps(of: Decision) -> tuple[DecisionStep, ...]:
    return tuple(map(_step, of.said))


def _step(said: Said) -> DecisionStep:
    return DecisionStep(said.layer, said.ok, said.why, said.code, said.rule, said.thread)
