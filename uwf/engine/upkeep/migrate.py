"""Migration of old stores: completed threads that stand under `@uwf/history/`. Nothing else knows that prefix."""

from __future__ import annotations

from uwf import points
from uwf.engine.chain.tags import (
    CANCELLED,
    COMPLETED,
    END_REASON,
    STATUS,
    SUSPEND_MESSAGE,
    SUSPENDED_ROLE,
    THREADS,
)
from uwf.engine.chain.thread import move_head
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Ref, Store, Transaction

HISTORY = "@uwf/history/"

OLD_STATE = ("reason", STATUS, SUSPENDED_ROLE, SUSPEND_MESSAGE)
"""Tags of old entries that say what is now said otherwise, or that no ended thread has."""

LOOKED_AT = 20
"""Entries looked at to tell whether there is one to move: as many clashes are rare."""


class Clash(Record):
    """A thread that stands under both prefixes: the ids that were kept and left where they are."""

    thread: str
    kept: str
    dropped: str

    @property
    def ref(self) -> str:
        """The name of the entry that was left where it is."""
        return HISTORY + self.thread


class Migration(Record):
    moved: int
    skipped: int
    conflicts: tuple[Clash, ...]


class Unmigrated(Record):
    """A thread that still has an entry under the old prefix. With `clashes` it stays there when others are moved."""

    thread: str
    clashes: bool

    @property
    def ref(self) -> str:
        """The name of that entry."""
        return HISTORY + self.thread


def left(store: Store) -> Unmigrated | None:
    """An entry that is left under the old prefix, one to move if there is one among the first few; None without any.

    One walk of an index as long as there is none.
    """
    found = None
    for old in store.names(HISTORY, limit=LOOKED_AT):
        thread = old.removeprefix(HISTORY)
        if store.ref(THREADS + thread) is None:
            return Unmigrated(thread, clashes=False)
        found = found or Unmigrated(thread, clashes=True)
    return found


def migrate(store: Store, *, dry_run: bool) -> Migration:
    """Move every thread under the old prefix, in one transaction. Running it again moves 0."""
    moved, skipped = 0, 0
    clashes: list[Clash] = []
    with store.transaction("migrate") as tx:
        taken = set(tx.names(THREADS))  # one look for all of them
        for old in tx.refs(HISTORY):
            id = old.name.removeprefix(HISTORY)
            living = tx.ref(THREADS + id) if THREADS + id in taken else None
            if living is not None:
                skipped += 1
                clashes.append(Clash(id, living.id, old.id))
                continue
            moved += 1
            if not dry_run:
                _move(tx, old, id)
                points.at("migrate: entry moved")
    return Migration(moved, skipped, tuple(clashes))


def _move(tx: Transaction, old: Ref, id: str) -> None:
    tags = tags_today(old)
    move_head(tx, id, old.id, lambda _: tags, expect=None, why="migrated from history")
    tx.delete_ref(old.name, expect=old.id, why=f"migrated to {THREADS}{id}")


def tags_today(old: Ref) -> dict[str, str]:
    """The tags of an old entry in today's words: a reason that says more than the status is kept."""
    tags = {key: value for key, value in old.tags.items() if key not in OLD_STATE}
    reason = old.tags.get("reason", "")
    status = CANCELLED if reason == CANCELLED else COMPLETED
    if reason and reason != status:
        tags[END_REASON] = reason
    tags[STATUS] = status
    if not tags.get("completedAt", "").isdecimal():
        tags["completedAt"] = str(old.updated_ms)
    return tags
