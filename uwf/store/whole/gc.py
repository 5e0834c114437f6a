"""Removing objects that nothing needs.

Needed is what these reach: every ref; every move in the log within the grace period, so that it can be undone;
and every object put within the grace period, because a writer may be about to name it. Most of the marking
happens before the write lock is taken; what changed meanwhile is marked under the lock, together with the
removal, so nothing that is being written can be lost.
"""

from __future__ import annotations

from itertools import chain

from uwf import clock, points
from uwf.errors import ObjectMissing, StoreError
from uwf.record import Record
from uwf.store.values import REFRESH_MS
from uwf.store.whole.walk import batches, walk
from uwf.working import watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from uwf.errors import UwfError
    from uwf.store.protocols import Objects, Refs, Store
    from uwf.working import OnWork

    class Readable(Objects, Refs, Protocol):
        """A store or a transaction."""


class GcReport(Record):
    """Objects that stay, objects that went (or would go), and the bytes those took.

    The bytes are free for new objects; the store file does not shrink.
    """

    kept: int
    removed: int
    freed_bytes: int


def collect(
    store: Store, grace_ms: int, dry_run: bool = False, on_work: OnWork | None = None
) -> GcReport:
    """Remove what is not needed; with `dry_run`, only count it. One process at a time: StoreBusy for a second one.

    StoreError when an object that a ref needs is missing or damaged: what it links to cannot be known then, so
    nothing is removed.
    """
    if dry_run:
        needed: set[str] = set()
        with store.snapshot():
            _mark(store, clock.now_ms() - grace_ms, grace_ms, needed, on_work)
            return _garbage(store, needed)[1]
    with store.alone("gc"):
        return _removed(store, grace_ms, on_work)


def _removed(store: Store, grace_ms: int, on_work: OnWork | None) -> GcReport:
    since_ms = clock.now_ms() - grace_ms
    needed: set[str] = set()
    with store.snapshot():
        _mark(store, since_ms, grace_ms, needed, on_work)
    points.at("gc: marked")
    with store.transaction("gc") as tx:
        _mark(tx, since_ms, grace_ms, needed, on_work)
        garbage, report = _garbage(tx, needed)
        for id in watched(garbage, "removing objects", report.removed, on_work):
            tx.remove(id)
            points.at("gc: object removed")
    return report


def _mark(
    readable: Readable, since_ms: int, grace_ms: int, needed: set[str], on_work: OnWork | None
) -> None:
    """Add to `needed` what is needed. Ids that are in it already were followed before and are not again."""
    reached = walk(readable, (ref.id for ref in readable.refs()), needed, _refuse)
    moves = readable.moves_since(since_ms + 1)
    logged = (id for move in moves for id in (move.old, move.new) if id)
    recent = readable.recent(since_ms - (REFRESH_MS if grace_ms else 0))
    kept = walk(readable, [*logged, *recent], needed, _tolerate_missing)
    for _ in watched(chain(reached, kept), "looking for what is needed", 0, on_work):
        pass


def _garbage(readable: Readable, needed: set[str]) -> tuple[list[str], GcReport]:
    """What nothing needs, and what removing that comes to."""
    garbage: list[str] = []
    kept = 0
    for id in readable.ids():
        if id in needed:
            kept += 1
        else:
            garbage.append(id)
    freed_bytes = sum(map(readable.stored_bytes, batches(garbage)))
    return garbage, GcReport(kept, len(garbage), freed_bytes)


def _refuse(id: str, error: UwfError) -> None:
    raise StoreError(
        f"nothing was removed: {error.message}, and what it links to cannot be told from garbage",
        hint="uwf store verify",
    ) from error


def _tolerate_missing(id: str, error: UwfError) -> None:
    """An earlier collection with a shorter grace may have taken what the log still mentions."""
    if not isinstance(error, ObjectMissing):
        _refuse(id, error)
