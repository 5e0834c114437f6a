"""A store in a database, opened and made by what is installed for that: an extra, which nothing else needs."""

from __future__ import annotations

from uwf.errors import StoreError
from uwf.store_address import is_database, shown, without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from psycopg import Connection

    from uwf.store.object_cache import ObjectCache
    from uwf.store.owner import Owner
    from uwf.store.postgres import Migrated, PostgresStore
    from uwf.store.protocols import Gate, Store

    T = TypeVar("T")

INSTALL = "pip install 'uwf[postgres]'"
MIGRATE = "uwf store migrate"


def open_store(
    address: str,
    *,
    wait_s: float = 10.0,
    gate: Gate | None = None,
    owner: Owner | None = None,
    may_live: Callable[[Owner], bool] = lambda owner: True,
    lease_s: float = 60.0,
    cache: ObjectCache | None = None,
) -> PostgresStore:
    """The store in the database at `address`, a URL. StoreError says why it cannot be had.

    `owner` is this process, with its machine as it is called among those that share it; `may_live` tells of others on
    it whether they live, or cannot be seen. A lease that is not renewed lasts for `lease_s`. `cache` keeps near what
    was read.
    """
    try:
        from uwf.store import postgres
    except ImportError as error:
        raise not_installed(address, error) from error
    return postgres.open_store(
        address,
        wait_s=wait_s,
        gate=gate,
        owner=owner,
        may_live=may_live,
        lease_s=lease_s,
        cache=cache,
    )


def open_place(place: str, *, create: bool = False, wait_s: float = 10.0) -> Store:
    """The store in the file or the database `place`. A file is made with `create` where there is none.

    It need not be that of the home, so its errors say how any store is named.
    """
    if is_database(place):
        try:
            return open_store(place, wait_s=wait_s)
        except StoreError as error:
            if error.hint == MIGRATE:  # which is about the store of the home
                import shlex

                error.hint = f"{MIGRATE} {shlex.quote(without_password(place))}"
            raise
    from uwf.store import sqlite
    from uwf.store.sqlite.schema import NO_STORE

    try:
        return sqlite.open_store(place, create=create, wait_s=wait_s)
    except StoreError as error:
        if error.code == NO_STORE:
            error.message += (
                "; a store is named by the folder of its home, by its file, NAME.db, or by the address of a database, "
                "postgresql://USER@HOST/DATABASE"
            )
            error.hint = "uwf store copy --help"
        raise


def migrate(address: str) -> Migrated:
    """Make the store in the database at `address`, or bring that of an earlier uwf up to date."""
    try:
        from uwf.store import postgres
    except ImportError as error:
        raise not_installed(address, error) from error
    return postgres.migrate(address)


def ask(address: str, what: Callable[[Connection[Any]], T]) -> T:
    """What `what` answers over a connection to the database at `address`. StoreError says why that cannot be."""
    import psycopg

    from uwf.store.postgres.faults import explain, place_of
    from uwf.store.postgres.reaching import MOST_S, PINNED, reach

    place = place_of(address)
    with reach(address, place, MOST_S, autocommit=True) as connection:
        try:
            connection.execute(PINNED)
            return what(connection)
        except psycopg.Error as error:
            raise explain(error, place) from error


def not_installed(address: str, error: ImportError) -> StoreError:
    return StoreError(
        f"the store is in a database, {shown(address)}, and what speaks to it is not installed ({error})",
        hint=INSTALL,
        code="no_postgres",
    )
