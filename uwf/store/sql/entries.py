"""Entries: what happens often, once by its key, and has a state. Events are kept like this.

A store of before there were entries has no table for them: it holds none, and its next write makes it.
"""

from __future__ import annotations

from msgpack import packb  # type: ignore[import-untyped]  # it ships none

from uwf.errors import CounterUnreadable, InputError, NotFound
from uwf.store.sql.database import blob
from uwf.store.validate import bounds, check_key, check_kind, check_page, check_text, entry_value
from uwf.store.values import ENTRY, Entry, Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from uwf.store.protocols import Gate
    from uwf.store.sql.database import SqlDatabase

    States: TypeAlias = str | tuple[str, ...] | None

_READ = "SELECT kind, key, at_ms, state, value FROM entry WHERE"
_ADD = (
    "INSERT INTO entry (kind, key, at_ms, state, value) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (kind, key) DO NOTHING"
)
_CANNOT_HOLD = (ValueError, TypeError, OverflowError, RecursionError)


class EntryReading:
    """The reading half of `uwf.store.protocols.Entries`."""

    _database: SqlDatabase

    def entry(self, kind: str, key: str) -> Entry | None:
        if not self._database.has_entries():
            return None
        row = self._database.one(f"{_READ} kind = ? AND key = ?", (kind, key))
        return None if row is None else _entry(row)

    def entries(
        self,
        kind: str,
        *,
        state: States = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        on_unreadable: Callable[[Unreadable], None] | None = None,
    ) -> list[Entry]:
        check_page(limit, 0)
        if not self._database.has_entries():
            return []
        where, args = _where(kind, state)
        for limited, at_ms in (("at_ms >= ?", since_ms), ("at_ms < ?", until_ms)):
            if at_ms is not None:
                where += f" AND {limited}"
                args += (at_ms,)
        order = "DESC" if newest_first else "ASC"
        # Of several states the planner would read the whole kind to spare itself sorting what few are in them.
        read, unlimited = _READ, self._database.unlimited
        if limit is None and isinstance(state, tuple):
            read = read.replace("entry", f"entry{self._database.by_state}", 1)
        sql = f"{read} {where} ORDER BY at_ms {order}, seq {order} LIMIT ?"
        rows = self._database.all(sql, (*args, unlimited if limit is None else limit))
        if on_unreadable is None:
            return [_entry(row) for row in rows]
        found = []
        for row in rows:
            try:
                found.append(_entry(row))
            except CounterUnreadable as error:
                on_unreadable(Unreadable(ENTRY, f"{row[0]}/{row[1]}", error.message))
        return found

    def entry_kinds(self) -> list[str]:
        if not self._database.has_entries():
            return []
        return [
            row[0] for row in self._database.all("SELECT DISTINCT kind FROM entry ORDER BY kind")
        ]

    def entry_keys(
        self, kind: str, prefix: str = "", *, ending: str = "", limit: int | None = None
    ) -> list[str]:
        check_page(limit, 0)
        check_text("key", ending)
        if not self._database.has_entries():
            return []
        where = "kind = ? AND key >= ? AND key < ?"
        args: tuple[Any, ...] = (kind, *bounds(prefix, None, None))
        if ending:
            where += f" AND {self._database.ends('key')} = ?"
            args += (len(ending), ending)
        sql = f"SELECT key FROM entry WHERE {where} ORDER BY key LIMIT ?"
        most = self._database.unlimited if limit is None else limit
        return [row[0] for row in self._database.all(sql, (*args, most))]

    def count_entries(self, kind: str, state: States = None, *, until_ms: int | None = None) -> int:
        if not self._database.has_entries():
            return 0
        where, args = _where(kind, state)
        if until_ms is not None:
            where += " AND at_ms < ?"
            args += (until_ms,)
        number: int = self._database.one(f"SELECT count(*) FROM entry WHERE {where}", args)[0]
        return number

    def _packed_entries(self) -> list[tuple[str, object]]:
        if not self._database.has_entries():
            return []
        return self._database.all("SELECT kind || '/' || key, value FROM entry ORDER BY kind, key")


class EntryWriting(EntryReading):
    """The writing half, part of a transaction."""

    _gate: Gate | None

    if TYPE_CHECKING:

        def _changed(self, sql: str, args: tuple[Any, ...]) -> int: ...

    def add_entry(self, kind: str, key: str, at_ms: int, state: str, value: Any) -> bool:
        check_kind(kind)
        check_key(f"the key of the {kind}", key)
        packed = self._packed_entry(kind, key, value)
        return bool(self._changed(_ADD, (kind, key, at_ms, state, blob(packed))))

    def set_entry(self, kind: str, key: str, *, state: str, value: Any) -> None:
        sql = "UPDATE entry SET state = ?, value = ? WHERE kind = ? AND key = ?"
        packed = self._packed_entry(kind, key, value)
        if not self._changed(sql, (state, blob(packed), kind, key)):
            raise NotFound(f"there is no {kind} {key}")

    def drop_entries(self, kind: str, before_ms: int, state: States = None) -> int:
        where, args = _where(kind, state)
        sql = f"DELETE FROM entry WHERE {where} AND at_ms < ?"
        return self._changed(sql, (*args, before_ms))

    def _packed_entry(self, kind: str, key: str, value: Any) -> bytes:
        try:
            packed: bytes = packb(value)
            if self._gate is not None and not self._gate.is_clean(packed):
                packed = packb(self._gate.value(value))
        except _CANNOT_HOLD as error:
            raise InputError(f"{kind} {key} has a value that cannot be stored: {error}") from error
        return packed


def _where(kind: str, state: States) -> tuple[str, tuple[Any, ...]]:
    if state is None:
        return "kind = ?", (kind,)
    states = (state,) if isinstance(state, str) else state
    marks = ", ".join("?" * len(states)) or "NULL"
    return f"kind = ? AND state IN ({marks})", (kind, *states)


def _entry(row: tuple[Any, ...]) -> Entry:
    kind, key, at_ms, state, packed = row
    return Entry(kind, key, at_ms, state, entry_value(kind, key, packed))
