"""The threads an event is for, by what a rule says or the event itself."""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain.tags import (
    CANCELLED,
    LABEL,
    STATUS,
    STATUSES,
    THREADS,
    THREADS_END,
    WORKFLOW,
)
from uwf.engine.events.decision import FILTER, NO_THREAD, TOO_MANY, Said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.engine.events.event import Event
    from uwf.engine.events.judging import Ready
    from uwf.store.protocols import Store, Transaction
    from uwf.store.values import Ref

_LIVING = tuple(status for status in STATUSES if status != CANCELLED)
MOST = 50
"""An event that fits more threads wakes none: labels such as `repo=shop` were not meant to be found by."""


def of(tx: Store | Transaction, event: Event, ready: Ready) -> list[Ref] | Said:
    """The threads, the newest first; or why there is none."""
    rule = ready.rule
    name = ready.thread if rule.trigger.thread is not None else event.thread
    labels: Mapping[str, str] = ready.find or ({} if rule.trigger.thread else event.labels)
    if ready.find or (name is None and labels):
        return _by_labels(tx, labels, ready)
    if not name:
        return Said(
            FILTER, False, "neither it nor the trigger names a thread", NO_THREAD, rule.name
        )
    ref = tx.ref(THREADS + name.upper()) if clock.is_ulid(name.upper()) else None
    if ref is None:  # a part of an id is for people, who see what it means
        return Said(FILTER, False, f"no thread has the id {name!r:.100}", NO_THREAD, rule.name)
    if rule.workflow is not None and ref.tags.get(WORKFLOW) != rule.workflow:
        why = f"{ref.name.removeprefix(THREADS)} is no thread of workflow {rule.workflow}"
        return Said(FILTER, False, why, NO_THREAD, rule.name)
    return [ref]


def _by_labels(
    tx: Store | Transaction, labels: Mapping[str, str], ready: Ready
) -> list[Ref] | Said:
    shown, name = ", ".join(f"{key}={value}" for key, value in labels.items()), ready.rule.name
    if not all(labels.values()):
        why = f"a label to find threads by is empty: {shown}"
        return Said(FILTER, False, why, NO_THREAD, name)
    wanted: dict[str, str | tuple[str, ...]] = {STATUS: _LIVING}
    wanted |= {LABEL + key: value for key, value in labels.items()}
    if ready.rule.workflow is not None:
        wanted[WORKFLOW] = ready.rule.workflow
    found = tx.refs(THREADS, high=THREADS_END, tags=wanted, newest_first=True, limit=MOST + 1)
    if not found:
        return Said(FILTER, False, f"no thread has {shown}", NO_THREAD, name)
    if len(found) > MOST:
        why = f"more than {MOST} threads have {shown}, and none is woken"
        return Said(FILTER, False, why, TOO_MANY, name)
    return found
