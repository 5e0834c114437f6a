"""A store in a database, opened by what is installed for that: an extra, which nothing else needs."""

from __future__ import annotations

from importlib import import_module

from uwf.errors import StoreError
from uwf.store_address import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Gate, Store

INSTALL = "pip install 'uwf[postgres]'"


def open_store(address: str, *, wait_s: float = 10.0, gate: Gate | None = None) -> Store:
    """The store in the database at `address`, a URL. StoreError says why it cannot be had."""
    try:
        postgres = import_module("uwf.store.postgres")
    except ImportError as error:
        raise StoreError(
            f"the store is in a database, {shown(address)}, and what speaks to it is not installed ({error})",
            hint=INSTALL,
            code="no_postgres",
        ) from error
    store: Store = postgres.open_store(address, wait_s=wait_s, gate=gate)
    return store
