"""A thread as it stands: its ref, its tags and the attempt beside its head, read together; and the one way to move it.

Nothing here decides. *Running* is asked of the lock, never of a tag.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent.process import platform
from uwf.engine.chain import wake
from uwf.engine.chain.attempt import Attempt, read_attempt
from uwf.engine.chain.nodes import Position
from uwf.engine.chain.tags import STATUS, STATUSES, THREADS, with_state
from uwf.errors import Conflict, NotFound, StoreError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uwf.engine.chain.nodes import Nodes, Plan, Reader
    from uwf.engine.chain.tags import ThreadState
    from uwf.engine.chain.wake import Wake
    from uwf.store.owner import Owner
    from uwf.store.protocols import Store, Transaction
    from uwf.store.values import Ref


class Thread(Record):
    """One thread, as `ref` says. `attempt` is the one since the head, None when there is none."""

    ref: Ref
    id: str
    head: str
    tags: dict[str, str]
    updated_ms: int
    position: Position
    attempt: Attempt | None

    @property
    def status(self) -> str:
        return self.tags[STATUS]

    @property
    def pending(self) -> Attempt | None:
        """The attempt beside the head, when it is about this head."""
        if self.attempt is None or self.attempt.plan.expect != self.head:
            return None
        return self.attempt

    @property
    def plan(self) -> Plan | None:
        """The plan of the attempt beside the head, when it is about this head."""
        return None if self.pending is None else self.pending.plan


def read(reader: Reader, ref: Ref) -> Thread:
    """The thread behind its ref."""
    return of(reader, ref, read_attempt(reader, ref.name.removeprefix(THREADS)))


def current(store: Reader, nodes: Nodes, id: str) -> Thread:
    """The thread `id` as it is now. Nodes are read from `nodes`, which may remember them."""
    ref = store.ref(THREADS + id)
    if ref is None:
        raise NotFound(f"no thread {id!r}", hint="uwf thread list --all", code="no_such_thread")
    return of(nodes, ref, read_attempt(store, id))


def of(nodes: Nodes, ref: Ref, attempt: Attempt | None) -> Thread:
    """The thread behind its ref, the attempt beside its head being known."""
    _check_status(ref)
    return at(ref, Position.read(nodes, ref.id), attempt)


def at(ref: Ref, position: Position, attempt: Attempt | None) -> Thread:
    """The thread behind its ref, all that is beside it being known."""
    return Thread(
        ref=ref,
        id=ref.name.removeprefix(THREADS),
        head=ref.id,
        tags=ref.tags,
        updated_ms=ref.updated_ms,
        position=position,
        attempt=attempt,
    )


def _check_status(ref: Ref) -> None:
    status = ref.tags.get(STATUS)
    if status is None:
        raise StoreError(
            f"ref {ref.name} says nothing of its status, as in stores of an older layout",
            hint="uwf migrate history",
            code="bad_status",
        )
    if status not in STATUSES:
        raise StoreError(
            f"ref {ref.name} has status {status!r}, which no thread can have",
            hint=f"uwf ref log {ref.name}",
            code="bad_status",
        )


def move_head(
    tx: Transaction,
    id: str,
    head: str,
    tags: Callable[[Mapping[str, str]], dict[str, str]],
    *,
    expect: Ref | str | None,
    why: str,
) -> Ref:
    """Point thread `id` at the node `head`, and give it the tags that `tags` makes of those it has.

    It has them in this transaction: the thread's lock does not keep `uwf ref set` away, and a label may have been set
    since the thread was read. `expect` is the ref as it was read, the head it must still have, or None for a new
    thread. Raises `Conflict` when the head has moved. Nothing else in the engine writes a thread's ref; an import
    brings one as it is, and `uwf ref set` is a person's own hand.
    """
    name = THREADS + id
    if expect is not None and not isinstance(expect, str):
        try:  # as nearly always no tag was set meanwhile
            return tx.set_ref(name, head, expect=expect, tags=tags(expect.tags), why=why)
        except Conflict:
            expect = expect.id
    now = tx.ref(name)
    new = tags({} if now is None else now.tags)
    return tx.set_ref(name, head, expect=expect, tags=new, why=why)


def wake_by(tx: Transaction, id: str, wish: Wake) -> Ref:
    """Let thread `id` wake as `wish` says, or earlier where its timer does, as part of a transaction.

    It says nothing of where the thread stands, so no lock is needed: a run that goes on meanwhile keeps it.
    """
    ref = tx.ref(THREADS + id)
    assert ref is not None, "no act deletes a thread"
    if wake.wish(ref.tags, wish) == ref.tags:
        return ref
    why = f"wakes at {clock.iso(wish.at_ms)}: {wish.why}"
    return move_head(tx, id, ref.id, lambda tags: wake.wish(tags, wish), expect=ref, why=why)


def into(state: ThreadState) -> Callable[[Mapping[str, str]], dict[str, str]]:
    """The tags of a thread that is in `state` from now on, as `move_head` wants them."""
    now_ms = clock.now_ms()
    return lambda tags: with_state(tags, state, now_ms)


def runner(store: Store, thread: str) -> Owner | None:
    """The uwf process that runs `thread` now, from its lease; None when none does."""
    return store.leases.holder(thread)


def is_here(store: Store, owner: Owner) -> bool:
    """Whether a process is one of this machine: what is known of it, and done to it, is known and done here alone.

    One of another boot, or of a container, that has the same name is not.
    """
    return not owner.host or (owner.host == store.leases.host and platform.is_seen(owner))


def is_alive(store: Store, owner: Owner) -> bool:
    """Whether a process lives, as far as can be known from here: of one on another machine only that can say so. One of
    another boot, or of a container, that has the name of this machine lives while it holds a thread.
    """
    if is_here(store, owner):
        return platform.is_alive(owner)
    is_of_our_name = owner.host == store.leases.host
    return not is_of_our_name or any(store.leases.holder(id) == owner for id in held(store))


def held(store: Store) -> list[str]:
    """The threads that some uwf process runs now, waits to run or changes, the oldest first."""
    endings = store.leases.held()
    names = (name for ending in endings for name in store.names(THREADS, ending=ending))
    return sorted(name.removeprefix(THREADS) for name in names)
