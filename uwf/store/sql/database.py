"""What a connection to a database offers to the reading and writing of a store, and the words in which two differ.

Statements are written once, with `?` for an argument. Only what is in `Dialect` is said differently.
"""

from __future__ import annotations

from uwf.store.values import REFRESH_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any, Protocol
else:
    Protocol = object


class Dialect(Protocol):
    """How this database says what others say in other words."""

    unlimited: Any
    """The argument of a LIMIT that is none."""
    onto: str
    """A join that goes through the rows on its left in their order."""
    merges: bool
    """Whether it merges walks that are put together with UNION ALL, and stops all of them at the limit."""
    by_state: str
    """Behind the table of entries: that the index by state is to be used."""

    def tag_value(self, value: str) -> Any:
        """A value of a tag as an argument: it may be any text, and is sorted by its bytes."""
        ...

    def ends(self, column: str) -> str:
        """The end of a column, as many characters of it as the argument says."""
        ...

    def short_end(self, column: str) -> str:
        """Its last `END_CHARS` characters, as the index of names by their end has them."""
        ...


class SqlDatabase(Dialect, Protocol):
    """One connection. It belongs to one caller at a time."""

    path: str
    """What errors call the store: where it is."""
    wait_s: float
    """How long to wait for other writers."""

    def one(self, sql: str, args: tuple[Any, ...] = ()) -> Any:
        """The first row, or None."""
        ...

    def all(self, sql: str, args: tuple[Any, ...] = ()) -> list[Any]:
        """All rows."""
        ...

    def put(self, row: tuple[Any, ...]) -> None:
        """Store one object: the arguments of `PUT`."""
        ...

    def send(self, sql: str, args: tuple[Any, ...]) -> None:
        """Write. It may be done later, but before anything is read and before the transaction ends."""
        ...

    def change(self, sql: str, args: tuple[Any, ...]) -> int:
        """Write now; how many rows that was about."""
        ...

    def begin(self, durable: bool, wait_s: float | None) -> None:
        """Become the one writer. StoreBusy when that takes longer than `wait_s`, by default that of the store."""
        ...

    def begin_reading(self) -> None:
        """Pin what reads see until `rollback`."""
        ...

    def commit(self) -> None: ...

    def rollback(self) -> None:
        """End the transaction without a trace. May be called when none is open."""
        ...

    def alone(self, what: str) -> AbstractContextManager[Any]:
        """The lock of work on the whole store, for which no writer waits. It is waited for as a writer waits."""
        ...

    def has_counts(self) -> bool:
        """Whether refs are counted by folder."""
        ...

    def has_entries(self) -> bool:
        """Whether there is a table of entries."""
        ...

    def process(self) -> str:
        """This process, as the log names who moved a ref."""
        ...

    def unreadable(self, why: str) -> Exception:
        """The error for rows that cannot be what was written."""
        ...

    def close(self) -> None: ...


END_CHARS = 4
"""So many characters at the end of a name are in an index."""

PUT = (
    "INSERT INTO object (id, put_ms, encoding, size, data) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET put_ms = excluded.put_ms"
    f" WHERE object.put_ms < excluded.put_ms - {REFRESH_MS}"
)
"""Store an object. One that is there is only put again, and that is noted when the last time was long enough ago."""

blob = bytearray
"""Bytes as an argument of a statement. For `bytes` itself sqlite3 looks for an adapter first, which takes as long as
the rest of a small statement. It copies: what is large is better given as it is.
"""
