"""Walking from object to object along their links, each object once, however deep the chains are."""

from __future__ import annotations

from uwf.errors import UwfError
from uwf.store.codec import links_in
from uwf.store.validate import damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from uwf.store.protocols import Objects

AT_ONCE = 200
"""So many objects are asked for at a time: where the store is far away, asking takes longer than answering."""


def links_of(objects: Objects, id: str) -> list[str]:
    """The links of one stored object. ObjectMissing, ObjectDamaged, StoreError."""
    return _links(id, objects.raw(id))


def links_of_many(
    objects: Objects, ids: Sequence[str]
) -> Iterator[tuple[str, list[str] | UwfError]]:
    """The same of several, each with its id; in place of the links of one that is missing or damaged, the error."""
    for id, data in zip(ids, objects.raw_many(ids), strict=True):
        if isinstance(data, UwfError):
            yield id, data
            continue
        try:
            yield id, _links(id, data)
        except UwfError as error:
            yield id, error


def walk(
    objects: Objects,
    roots: Iterable[str],
    seen: set[str],
    on_fault: Callable[[str, UwfError], None],
) -> Iterator[str]:
    """Yield every id that `roots` reach and that is not in `seen` yet, and add it there.

    An object that is missing or damaged is told to `on_fault` instead, which may raise; it is in `seen`, too.
    """
    waiting: list[str] = []
    left = iter(roots)
    while some := _next(waiting, left, seen):
        for id, links in links_of_many(objects, some):
            if isinstance(links, UwfError):
                on_fault(id, links)
                continue
            yield id
            waiting.extend(links)


def batches(ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids, `AT_ONCE` at a time."""
    batch: list[str] = []
    for id in ids:
        batch.append(id)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _next(waiting: list[str], left: Iterator[str], seen: set[str]) -> list[str]:
    """The next to be read, of those that wait and the roots that are left; they are in `seen` then."""
    some: list[str] = []
    while len(some) < AT_ONCE:
        id = waiting.pop() if waiting else next(left, None)
        if id is None:
            break
        if id not in seen:
            seen.add(id)
            some.append(id)
    return some


def _links(id: str, data: bytes) -> list[str]:
    try:
        return links_in(data)
    except UwfError as error:
        raise damaged(id, error.message) from error
