"""Walking from object to object along their links, each object once, however deep the chains are."""

from __future__ import annotations

from uwf.errors import ObjectMissing, StoreBusy, StoreError, UwfError
from uwf.store.codec import links_in
from uwf.store.validate import damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from uwf.store.protocols import Objects


def links_of(objects: Objects, id: str) -> list[str]:
    """The links of one stored object. ObjectMissing, ObjectDamaged, StoreError."""
    data = objects.raw(id)
    try:
        return links_in(data)
    except UwfError as error:
        raise damaged(id, error.message) from error


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
    for root in roots:
        waiting.append(root)
        while waiting:
            id = waiting.pop()
            if id in seen:
                continue
            seen.add(id)
            try:
                links = links_of(objects, id)
            except StoreBusy:
                raise
            except (ObjectMissing, StoreError) as error:
                on_fault(id, error)
                continue
            yield id
            waiting.extend(links)
