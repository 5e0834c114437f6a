"""A store as the holder of a lease writes it: every transaction is fenced with it, so that none can be forgotten.

Reading is as ever.
"""

from __future__ import annotations

from uwf.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.store.protocols import Store, TransactionScope
    from uwf.store.values import Lease


class _Fenced:
    def __init__(self, store: Store, lease: Lease) -> None:
        self._store = store
        self._lease = lease

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def transaction(
        self, name: str, *, durable: bool = True, wait_s: float | None = None
    ) -> TransactionScope:
        return self._store.transaction(name, durable=durable, wait_s=wait_s, lease=self._lease)


def fenced(store: Store, lease: Lease) -> Store:
    """`store`, in which nothing is written any more once `lease` is lost: Superseded."""
    made: Any = _Fenced(store, lease)  # all of a store that it does not say itself, it hands on
    view: Store = made
    return view


def is_lost(store: Store) -> bool:
    """Whether a fenced store is known to have lost its lease."""
    if not isinstance(store, _Fenced):
        return False
    try:
        return not store.leases.renew(store._lease)
    except StoreError:
        return False


def unfenced(store: Store) -> Store:
    """The store behind the fence: for what is kept of a run that has lost its lease."""
    return store._store if isinstance(store, _Fenced) else store
