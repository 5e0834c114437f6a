"""Migration of old stores: completed threads that stand under `@uwf/history/`, and others whose tags name no status.

Nothing else reads what is under that prefix. What has the name of no thread stays where it is, and is named.
"""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.chain.nodes import WRONG_SHAPE, Position
from uwf.engine.chain.tags import (
    CANCELLED,
    COMPLETED,
    END_REASON,
    IDLE,
    OLD_THREADS,
    STATUS,
    SUSPEND_MESSAGE,
    SUSPENDED,
    SUSPENDED_ROLE,
    THREADS,
    WORKFLOW,
    ThreadState,
    with_state,
)
from uwf.engine.chain.thread import move_head
from uwf.errors import UwfError
from uwf.record import Record
from uwf.workflow import model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Store, Transaction
    from uwf.store.values import Ref
    from uwf.working import OnWork

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
        return OLD_THREADS + self.thread


class Migration(Record):
    """How many entries were moved and skipped: `conflicts`, and those in `unnamed`, which are called as no thread is.
    `stated` counts the threads in today's place that got the status that they lacked.
    """

    moved: int
    skipped: int
    conflicts: tuple[Clash, ...]
    unnamed: tuple[str, ...] = ()
    stated: int = 0


class Unmigrated(Record):
    """A thread that still has an entry under the old prefix. With `clashes` it stays there when others are moved."""

    thread: str
    clashes: bool

    @property
    def ref(self) -> str:
        """The name of that entry."""
        return OLD_THREADS + self.thread


def left(store: Store) -> Unmigrated | None:
    """An entry that is left under the old prefix, one to move if there is one among the first few; None without any.

    One walk of an index as long as there is none.
    """
    found = None
    for old in store.names(OLD_THREADS, limit=LOOKED_AT):
        thread = old.removeprefix(OLD_THREADS)
        if not clock.is_ulid(thread):
            continue
        if store.ref(THREADS + thread) is None:
            return Unmigrated(thread, clashes=False)
        found = found or Unmigrated(thread, clashes=True)
    return found


def migrate(store: Store, *, dry_run: bool, on_work: OnWork | None = None) -> Migration:
    """Move every thread under the old prefix, and write down the state of those that have none, in one transaction.

    Running it again moves 0.
    """
    from uwf.working import watched  # commands that look ask what is to be moved, and move nothing

    moved = stated = 0
    clashes: list[Clash] = []
    unnamed: list[str] = []
    with store.transaction("migrate") as tx:
        living = {ref.name.removeprefix(THREADS): ref for ref in tx.refs(THREADS)}
        entries = tx.refs(OLD_THREADS)
        for old in watched(entries, "moving threads", len(entries), on_work):
            id = old.name.removeprefix(OLD_THREADS)
            if not clock.is_ulid(id):
                unnamed.append(old.name)
            elif id in living:
                clashes.append(Clash(id, living[id].id, old.id))
            else:
                moved += 1
                if not dry_run:
                    _move(tx, old, id)
                    points.at("migrate: entry moved")
        for id, ref in living.items():
            if STATUS in ref.tags:
                continue
            if not clock.is_ulid(id):
                unnamed.append(ref.name)
                continue
            stated += 1
            if not dry_run:
                tags = with_workflow(tx, ref, state_today(ref))
                _point(tx, id, ref, tags, "its state is written down")
    return Migration(moved, len(clashes) + len(unnamed), tuple(clashes), tuple(unnamed), stated)


def _move(tx: Transaction, old: Ref, id: str) -> None:
    _point(tx, id, old, with_workflow(tx, old, tags_today(old)), "migrated from history")
    tx.delete_ref(old.name, expect=old.id, why=f"migrated to {THREADS}{id}")


def _point(tx: Transaction, id: str, ref: Ref, tags: dict[str, str], why: str) -> None:
    expect = ref if ref.name == THREADS + id else None
    move_head(tx, id, ref.id, lambda _: tags, expect=expect, why=why)


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


def state_today(ref: Ref) -> dict[str, str]:
    """The tags of a thread that has not ended and whose status was not written down: suspended, if it says why."""
    role, message = ref.tags.get(SUSPENDED_ROLE), ref.tags.get(SUSPEND_MESSAGE)
    is_suspended = bool(role or message or ref.tags.get("reason") == SUSPENDED)
    tags = {key: value for key, value in ref.tags.items() if key not in OLD_STATE}
    state = ThreadState(SUSPENDED, role, message) if is_suspended else ThreadState(IDLE)
    return with_state(tags, state, ref.updated_ms)


def with_workflow(tx: Transaction, ref: Ref, tags: dict[str, str]) -> dict[str, str]:
    """`tags` with the name of the workflow that the chain at `ref` is bound to, where that can be read."""
    if WORKFLOW in tags:
        return tags
    try:
        bound = tx.get(Position.read(tx, ref.id).workflow)
        return {**tags, WORKFLOW: model.from_payload(bound.payload).name}
    except (UwfError, *WRONG_SHAPE):
        return tags  # what is wrong with the chain is told where the thread is looked at
