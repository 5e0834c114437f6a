"""Verifying a store: is everything that the refs need there, and is it what it was?

The usual check reads each object that a ref reaches, once. The deep one also reads all others and has the store
examine its own structure. Nothing is repaired here.
"""

from __future__ import annotations

from uwf.errors import ObjectMissing, StoreError, UwfError
from uwf.record import Record
from uwf.store.whole.walk import batches, links_of_many, walk
from uwf.working import watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.store.protocols import Store
    from uwf.store.values import Ref
    from uwf.working import OnWork


class Damage(Record):
    """`kind` is "missing" or "damaged" for the object `id`, or "file" for the store's own structure, without an
    id. `needed_by` names the refs that reach the object, sorted; `detail` says more in words."""

    kind: str
    id: str
    needed_by: tuple[str, ...]
    detail: str


class Verification(Record):
    """How many objects were found sound, how many refs there are, and what is wrong."""

    objects: int
    refs: int
    problems: tuple[Damage, ...]


def verify(store: Store, deep: bool = False, on_work: OnWork | None = None) -> Verification:
    """Check the store as it is at this moment; others may go on writing.

    StoreUnreadable when not even the refs can be read.
    """
    with store.snapshot():
        refs, total = store.refs(), 0 if on_work is None else _objects(store)
        sound: set[str] = set()
        seen: set[str] = set()
        faults: dict[str, UwfError] = {}

        def note_present(id: str, error: UwfError) -> None:
            # An object that no ref needs may well link to what `gc` has removed.
            if not isinstance(error, ObjectMissing):
                faults[id] = error

        reached = walk(store, (ref.id for ref in refs), seen, faults.__setitem__)
        sound.update(watched(reached, "reading objects", total, on_work))
        if deep:
            others = walk(store, store.ids(), seen, note_present)
            sound.update(
                watched(others, "reading what no ref needs", max(0, total - len(seen)), on_work)
            )
        needed_by = _needed_by(store, refs, sound, faults) if faults else {}
        problems = [_damage(id, faults[id], needed_by[id]) for id in sorted(faults)]
        if deep:
            if on_work is not None:
                on_work("examining the file", 0, 0)
            problems += [Damage("file", "", (), text) for text in store.faults()]
    return Verification(len(sound), len(refs), tuple(problems))


def _objects(store: Store) -> int:
    """How many there are; 0 where that cannot be counted any more."""
    try:
        return store.stats().objects
    except StoreError:
        return 0


def _damage(id: str, error: UwfError, needed_by: tuple[str, ...]) -> Damage:
    kind = "missing" if isinstance(error, ObjectMissing) else "damaged"
    return Damage(kind, id, needed_by, error.message)


def _needed_by(
    store: Store, refs: list[Ref], sound: Iterable[str], faults: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """For each faulty object the refs that reach it. Reads the links again: faults are rare, memory is not free."""
    parents: dict[str, list[str]] = {}
    for some in batches(sound):
        for id, links in links_of_many(store, some):
            for link in () if isinstance(links, UwfError) else links:
                parents.setdefault(link, []).append(id)
    named: dict[str, list[str]] = {}
    for ref in refs:
        named.setdefault(ref.id, []).append(ref.name)
    result = {}
    for fault in faults:
        above, waiting = {fault}, [fault]
        while waiting:
            for parent in parents.get(waiting.pop(), ()):
                if parent not in above:
                    above.add(parent)
                    waiting.append(parent)
        result[fault] = tuple(sorted(name for id in above for name in named.get(id, ())))
    return result
