"""All of a store in another one, id for id: objects first, some at a time, then in one transaction all that points to
them.

Killed between any two instructions the copy has objects that nothing needs yet, or all there is. Begun again, it goes
on with the objects that are missing. What is copied is the store as it was at the beginning; one that was written to
meanwhile is not left half behind: the copy is refused, and begun again.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import zip_longest

from uwf.errors import Conflict, StoreBusy, StoreError, UwfError
from uwf.record import Record
from uwf.store.whole.walk import batches
from uwf.working import watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.store.protocols import Store, Transaction
    from uwf.store.values import Entry, LoggedMove, Ref, Sample
    from uwf.working import OnWork

PAGE = 1000


class StoreCopy(Record):
    """What is in the copy now; `new` are the objects that this run has stored, `place` where it is."""

    place: str
    new: int
    objects: int
    refs: int
    moves: int
    entries: int


def copy(source: Store, target: Store, on_work: OnWork | None = None) -> StoreCopy:
    """Copy all of `source` into `target`, and look that all of it is there.

    The target is empty, or has some or all of it from a copy that was killed: Conflict for one with anything else.
    StoreBusy while a thread of either runs.
    """
    for store in (source, target):
        _refuse_running(store)
    with source.alone("backup"), target.alone("backup"):
        with ExitStack() as snapshot:
            snapshot.enter_context(source.snapshot())
            is_whole = _is_whole(source, target)
            new = _copy_objects(source, target, on_work)
            if not is_whole:
                _copy_facts(source, target, snapshot, on_work)
        stats = target.stats()
    return StoreCopy(target.place, new, stats.objects, stats.refs, stats.moves, stats.entries)


def _refuse_running(store: Store) -> None:
    holder = store.leases.anyone()
    if holder is not None:
        where = f" on {holder.host}" if holder.host else ""
        raise StoreBusy(
            f"process {holder.pid}{where} runs a thread of {store.place}, or is a daemon: it is copied when nobody "
            "works with it",
            hint="uwf daemon stop",
        )


def _is_whole(source: Store, target: Store) -> bool:
    """Whether the target has all that points to objects; False when it has nothing of it."""
    if next(_facts(target), None) is None:
        return False
    difference = _first_difference(source, target)
    if difference is None:
        return True
    raise Conflict(
        f"{target.place} has things of its own, which are not in {source.place}: {difference}; a store is copied into "
        "an empty one",
        hint="uwf store copy --help",
        code="store_not_empty",
    )


def _copy_objects(source: Store, target: Store, on_work: OnWork | None) -> int:
    """Store what the target lacks; how many that was."""
    total = 0 if on_work is None else source.stats().objects
    new = 0
    for batch in batches(_missing(source, target, total, on_work)):
        with target.transaction("copy objects", durable=False) as tx:
            for data in source.raw_many(batch):
                if isinstance(data, UwfError):
                    raise data
                tx.put_raw(data)
        new += len(batch)
    return new


def _missing(source: Store, target: Store, total: int, on_work: OnWork | None) -> Iterator[str]:
    """The ids of the source that the target has not, ascending. What is stored meanwhile lies behind both."""
    there = target.ids()
    at = next(there, None)
    for id in watched(source.ids(), "copying objects", total, on_work):
        while at is not None and at < id:
            at = next(there, None)
        if at != id:
            yield id


def _copy_facts(source: Store, target: Store, snapshot: ExitStack, on_work: OnWork | None) -> None:
    """Copy all that is no object, and compare it, in one transaction; `snapshot` is that of the source."""
    last = source.last_move()
    with target.transaction("copy") as tx:
        tx.copy_moves(watched(_moves(source), "copying the log", last, on_work))
        tx.copy_refs(watched(_refs(source), "copying refs", source.count_refs(), on_work))
        _copy_small(source, tx, on_work)
        lost = next(_missing(source, target, 0, None), None)
        difference = f"it has no object {lost}" if lost else _first_difference(source, tx)
        if difference is not None:
            raise StoreError(
                f"the copy in {target.place} is not the same: {difference}", code="copy_differs"
            )
        snapshot.close()
        if source.last_move() != last:
            raise Conflict(
                f"{source.place} was written to meanwhile: the copy is not complete, and goes on where it was",
                hint="uwf daemon stop",
                code="store_moved",
            )


def _copy_small(source: Store, tx: Transaction, on_work: OnWork | None) -> None:
    for name, value in source.counters(""):
        tx.set_counter(name, value)
    for sample in watched(source.samples("", 0), "copying samples", 0, on_work):
        tx.add_sample(sample.series, sample.value, sample.at_ms)
    for one in watched(_entries(source), "copying entries", 0, on_work):
        tx.add_entry(one.kind, one.key, one.at_ms, one.state, one.value)


def _first_difference(source: Store, target: Store | Transaction) -> str | None:
    """What the two do not have in common, in words; None when all but objects is the same."""
    for here, there in zip_longest(_facts(source), _facts(target)):
        if here != there:
            return _named(here if there is None else there)
    return None


def _facts(
    store: Store | Transaction,
) -> Iterator[LoggedMove | Ref | tuple[str, object] | Sample | Entry]:
    """All that a store has beside objects, in an order that is the same for two that are the same."""
    yield from _moves(store)
    yield from _refs(store)
    yield from store.counters("")
    yield from store.samples("", 0)
    yield from _entries(store)


def _moves(store: Store | Transaction) -> Iterator[LoggedMove]:
    at = 0
    while moves := store.moves_after(at, PAGE):
        yield from moves
        at = moves[-1].number


def _refs(store: Store | Transaction) -> Iterator[Ref]:
    low = None
    while refs := store.refs(low=low, limit=PAGE):
        yield from refs
        low = f"{refs[-1].name} "  # the next name there can be: a space is the least of what prints


def _entries(store: Store | Transaction) -> Iterator[Entry]:
    for kind in store.entry_kinds():
        yield from store.entries(kind)


def _named(one: object) -> str:
    """What a fact is about."""
    from uwf.store.values import Entry, LoggedMove, Ref, Sample

    match one:
        case LoggedMove():
            return f"move {one.number} of {one.move.name}"
        case Ref():
            return f"ref {one.name}"
        case Sample():
            return f"a sample of {one.series}"
        case Entry():
            return f"{one.kind} {one.key}"
        case (name, _):
            return f"counter {name}"
    return f"{one}"
