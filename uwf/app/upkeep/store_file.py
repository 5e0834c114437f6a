"""What only a store in a file can do: a home whose store is in a database is told what does it there."""

from __future__ import annotations

import shlex

from uwf.errors import StateError
from uwf.store.sqlite import SqliteStore
from uwf.store_address import shown, without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.app.opened import OpenHome

DUMP = ("pg_dump", "--format=custom", "--file=uwf.dump", "{}")
PUT_BACK = ("pg_restore", "--clean", "--if-exists", "--dbname={}", "uwf.dump")
"""What does in a database what `store backup` and `store restore` do with a file."""


def file_store(home: OpenHome, instead: Sequence[str]) -> SqliteStore:
    """The store where it is a file; else as `need_store_file`."""
    need_store_file(home, instead)
    store = home.store()
    assert isinstance(store, SqliteStore), "a file is opened as one"
    return store


def need_store_file(home: OpenHome, instead: Sequence[str]) -> None:
    """StateError where the store is in a database. `instead` is the command that does there what was wanted, with
    `{}` where the address stands in it.
    """
    if home.has_store_file:
        return
    address = without_password(home.store_address)
    raise StateError(
        f"the store is in a database, {shown(home.store_address)}: PostgreSQL's own programs back it up and "
        "put it back",
        hint=shlex.join(word.replace("{}", address) for word in instead),
        code="store_in_database",
    )
