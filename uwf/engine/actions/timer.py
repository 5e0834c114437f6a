"""Setting the timer of a thread, and taking it away: it runs nothing, so no lock is needed."""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain import wake
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.tags import CANCELLED, STATUS, THREADS
from uwf.engine.chain.thread import move_head, runner, wake_by
from uwf.errors import StateError
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from uwf.engine.chain.wake import Wake
    from uwf.store.protocols import Store
    from uwf.store.values import Ref


def stopped(store: Store, id: str) -> None:
    """A person stops, or has stopped, what runs thread `id`: it is not to be gone on with as one that was killed, nor,
    where it waits for a slot, by the timer that has not been taken away as its step has not begun.
    """
    ref = store.ref(THREADS + id)
    if ref is None:
        return
    owner, attempt = runner(store, id), read_attempt(store, id)
    waits = owner is not None and (attempt is None or not attempt.is_run_by(owner))
    now_ms = clock.now_ms()

    def after(tags: Mapping[str, str]) -> dict[str, str]:
        new = wake.run_ended(tags)
        return wake.without(new) if waits and wake.is_over(new, now_ms) else new

    if after(ref.tags) == ref.tags:
        return
    with store.transaction("stopped") as tx:
        move_head(tx, id, ref.id, after, expect=ref, why="stopped by hand")


def unserved(store: Store, ids: Iterable[str], since_ms: int | None) -> None:
    """No machine can run these threads, which are due, since `since_ms`; None: one can. One that has begun meanwhile,
    or is due no more, stays as it is.
    """
    with store.transaction("unserved", durable=False) as tx:
        for id in ids:
            ref = tx.ref(THREADS + id)
            if ref is None or not wake.kept(ref.tags) or runner(store, id) is not None:
                continue
            if wake.unserved(ref.tags, since_ms) != ref.tags:
                move_head(
                    tx,
                    id,
                    ref.id,
                    lambda tags: wake.unserved(tags, since_ms),
                    expect=ref,
                    why="a worker takes it" if since_ms is None else "no worker takes it",
                )


def lifted(store: Store, has_refused: Callable[[str, str], bool]) -> None:
    """What refused threads refuses no more: those that it put off to later are due now. `has_refused` says of a thread,
    and the words that it was put off with, whether it was that. One that something else refuses as well is put off
    again.
    """
    now_ms = clock.now_ms()
    later = store.refs_by_tag(THREADS, wake.WAKE_AT, low=f"{now_ms + 1:013d}")
    ids = [ref.name.removeprefix(THREADS) for ref in later]
    found = [id for id, ref in zip(ids, later, strict=True) if has_refused(id, _why(ref)[1])]
    if not found:
        return
    with store.transaction("lifted", durable=False) as tx:
        for id in found:
            ref = tx.ref(THREADS + id)
            timer = None if ref is None else wake.of(ref.tags, id)
            if ref is not None and timer is not None:
                wake_by(tx, id, replace(timer, at_ms=now_ms, why=_why(ref)[0]))


def _why(ref: Ref) -> tuple[str, str]:
    """What a thread wakes for, and what it was put off with."""
    why = ref.tags.get(wake.WAKE_WHY, "").partition(": ")[2]
    wanted, _, refused = why.rpartition(wake.PUT_OFF)
    return wanted or refused, refused


def change(store: Store, id: str, wish: Wake | None) -> Ref:
    """Let thread `id` wake as `wish` says, or by its timer where that is earlier; None takes the timer away.
    A time that is over means now: nobody was asked to wake it before.

    Raises `StateError` for a thread that is cancelled: it never runs again.
    """
    with store.transaction("wake") as tx:
        ref = tx.ref(THREADS + id)
        assert ref is not None, "no act deletes a thread"
        if wish is None:
            if not wake.kept(ref.tags):
                return ref
            return move_head(tx, id, ref.id, wake.without, expect=ref, why=wake.CLEARED)
        if ref.tags.get(STATUS) == CANCELLED:
            raise StateError(
                f"thread {id} is cancelled, and never runs again; a fork goes on from its last step",
                hint=f"uwf thread fork {id}",
                code=CANCELLED,
            )
        at_ms = max(wish.at_ms, clock.now_ms())
        return wake_by(tx, id, replace(wish, at_ms=at_ms))
