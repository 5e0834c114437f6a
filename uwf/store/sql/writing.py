"""Writing: the one transaction that is open at a time."""

from __future__ import annotations

from blake3 import blake3
from msgpack import packb  # type: ignore[import-untyped]  # it ships none

from uwf import clock, points
from uwf.errors import NotFound, StoreError
from uwf.store.codec import Node, check, encode, key_of
from uwf.store.sql.database import blob
from uwf.store.sql.facts import FactWriting
from uwf.store.sql.reading import PLAIN, ZLIB, Reading
from uwf.store.sql.ref_query import index_rows
from uwf.store.validate import check_expected, check_text, checked_tags, moved
from uwf.store.values import ANY, Ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any, Self, TypeVar, TypeVarTuple

    from uwf.store.protocols import Gate
    from uwf.store.sql.database import SqlDatabase
    from uwf.store.values import Anything, LoggedMove

    Given = TypeVarTuple("Given")
    T = TypeVar("T")

COMPRESS_OVER_BYTES = 64 << 10

_NEW_REF = "INSERT INTO ref (target, version, updated_ms, tags, name) VALUES (?, ?, ?, ?, ?)"
_MOVED_REF = (
    "UPDATE ref SET target = ?, version = ?, updated_ms = ?, tags = ?"
    " WHERE name = ? AND version = ? AND updated_ms = ?"
)
"""A server that recovers may have forgotten a version, and given its number to another one since."""

_LOG = (
    "INSERT INTO ref_log (seq, name, version, old, new, tags, at_ms, why, process)"
    " SELECT coalesce(max(seq), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ? FROM ref_log"
)
"""Numbers without a gap: there is no other writer."""

_OLD_MOVE = (
    "INSERT INTO ref_log (seq, name, version, old, new, tags, at_ms, why, process)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class SqlTransaction(FactWriting, Reading):
    """See `uwf.store.protocols.Transaction`. `with` begins it; it ends once."""

    def __init__(
        self,
        database: SqlDatabase,
        gate: Gate | None,
        name: str,
        durable: bool,
        begin: Callable[[], None],
    ) -> None:
        """`begin` makes this process the one writer, or raises what forbids it."""
        super().__init__(database)
        self._gate = gate
        self._begin = begin
        self._name = name
        self._durable = durable
        self._usable = False
        self._has_moved = False  # whether a ref was moved here
        self._put: set[bytes] = set()  # keys put here: pointing a ref to them needs no look-up
        self._refs_now: dict[
            str, Ref | None
        ] = {}  # what was read or set here: there is no other writer
        self._counters_now = {}

    def __enter__(self) -> Self:
        self._begin()
        try:
            self._prepare()
        except BaseException:
            self._database.rollback()
            raise
        self._usable = True
        points.at(f"{self._name}: begun")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        usable, self._usable = self._usable, False
        if kind is None and usable:
            points.at(f"{self._name}: written")
            self._commit()
            points.at(f"{self._name}: done")
            return
        self._database.rollback()
        if kind is None:
            raise StoreError(
                f"nothing was written to {self._database.path}: a write in the transaction had failed"
            )

    def _prepare(self) -> None:
        """Before anything else is done in it."""

    def _commit(self) -> None:
        self._database.commit()

    def ref(self, name: str) -> Ref | None:
        if name not in self._refs_now:
            self._refs_now[name] = super().ref(name)
        return self._refs_now[name]

    def put(self, kind: str, payload: Any) -> str:
        return self.put_node(kind, payload)[0]

    def put_node(self, kind: str, payload: Any) -> tuple[str, Node]:
        if self._gate is not None:
            payload = self._gate.payload(kind, payload)
        return self._put_bytes(encode(kind, payload)), Node(kind, payload)

    def put_raw(self, data: bytes) -> str:
        check(data)
        return self._put_bytes(data)

    def set_ref(
        self,
        name: str,
        id: str,
        *,
        tags: Mapping[str, str] | None = None,
        expect: str | Ref | Anything | None = ANY,
        why: str,
    ) -> Ref:
        if self._gate is not None:
            why = self._gate.text(why)
            tags = None if tags is None else self._gate.tags(tags)
        key = key_of(id)
        old = self._current(name, expect, why)
        if (old is None or old.id != id) and key not in self._put and not self.has(id):
            raise NotFound(f"cannot point {name} to {id}: there is no such object")
        kept = old.tags if old else {}
        new_tags = kept if tags is None or tags == kept else checked_tags(tags)
        ref = Ref(name, key.hex(), self._next_version(name, old), new_tags, clock.now_ms())
        packed = blob(packb(new_tags))
        row = (blob(key), ref.version, ref.updated_ms, packed, name)
        if old is None:
            self._write(_NEW_REF, row)
        elif name in self._refs_now:  # it was looked at, and there is no other writer
            self._write(_MOVED_REF, (*row, old.version, old.updated_ms))
        elif not self._changed(_MOVED_REF, (*row, old.version, old.updated_ms)):
            raise moved(old)
        self._refs_now[name] = ref
        self._index(name, kept, new_tags)
        self._log(ref.version, name, old, blob(key), packed, ref.updated_ms, why)
        return ref

    def delete_ref(self, name: str, *, expect: str | Anything | None = ANY, why: str) -> None:
        if self._gate is not None:
            why = self._gate.text(why)
        old = self._current(name, expect, why)
        if old is None:
            raise NotFound(f"there is no ref {name}")
        self._write("DELETE FROM ref WHERE name = ?", (name,))
        self._refs_now[name] = None
        self._index(name, old.tags, {})
        self._log(old.version + 1, name, old, None, blob(packb({})), clock.now_ms(), why)

    def copy_moves(self, moves: Iterable[LoggedMove]) -> None:
        for one in moves:
            move, tags = one.move, blob(packb(one.move.tags))
            old, new = (None if id is None else blob(key_of(id)) for id in (move.old, move.new))
            row = (one.number, move.name, move.version, old, new, tags)
            self._write(_OLD_MOVE, (*row, move.at_ms, move.why, move.process))
            self._has_moved = True

    def copy_refs(self, refs: Iterable[Ref]) -> None:
        for ref in refs:
            tags = blob(packb(ref.tags))
            row = (blob(key_of(ref.id)), ref.version, ref.updated_ms, tags, ref.name)
            self._write(_NEW_REF, row)
            self._refs_now.pop(ref.name, None)
            self._index(ref.name, {}, ref.tags)

    def remove(self, id: str) -> None:
        key = key_of(id)
        self._write("DELETE FROM object WHERE id = ?", (key,))
        self._put.discard(key)

    def _put_bytes(self, data: bytes) -> str:
        key, size, encoding = blake3(data).digest(), len(data), PLAIN
        if size > COMPRESS_OVER_BYTES:
            import zlib

            packed = zlib.compress(data, 1)
            if len(packed) < size:
                data, encoding = packed, ZLIB
        column = blob(data) if size <= COMPRESS_OVER_BYTES else data
        self._attempt(self._database.put, (blob(key), clock.now_ms(), encoding, size, column))
        self._put.add(key)
        return key.hex()

    def _current(self, name: str, expect: str | Ref | Anything | None, why: str) -> Ref | None:
        """The ref as it is, checked against what the caller expects.

        Whether a ref is still as it was read before need not be asked: else the row to change is not found.
        """
        check_text("the reason", why)
        if isinstance(expect, Ref) and expect.name == name and name not in self._refs_now:
            return expect
        old = self.ref(name)
        check_expected(name, old, expect)
        return old

    def _next_version(self, name: str, old: Ref | None) -> int:
        if old:
            return old.version + 1
        row = self._database.one(
            "SELECT version FROM ref_log WHERE name = ? ORDER BY seq DESC LIMIT 1", (name,)
        )
        return row[0] + 1 if row else 1

    def _index(self, name: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        if old == new:
            return
        before, after = index_rows(self._database, old), index_rows(self._database, new)
        for key, value in before - after:
            self._write(
                "DELETE FROM ref_tag WHERE key = ? AND value = ? AND name = ?", (key, value, name)
            )
        for key, value in after - before:
            self._write(
                "INSERT INTO ref_tag (key, value, name) VALUES (?, ?, ?)", (key, value, name)
            )

    def _log(
        self,
        version: int,
        name: str,
        old: Ref | None,
        new: bytearray | None,
        tags: bytearray,
        at_ms: int,
        why: str,
    ) -> None:
        self._write(
            _LOG,
            (
                name,
                version,
                blob(key_of(old.id)) if old else None,
                new,
                tags,
                at_ms,
                why,
                self._database.process(),
            ),
        )
        self._has_moved = True

    def _write(self, sql: str, args: tuple[Any, ...]) -> None:
        self._attempt(self._database.send, sql, args)

    def _changed(self, sql: str, args: tuple[Any, ...]) -> int:
        return self._attempt(self._database.change, sql, args)

    def _attempt(self, write: Callable[[*Given], T], *args: *Given) -> T:
        if not self._usable:
            raise RuntimeError("this transaction has ended, or a write in it failed")
        try:
            return write(*args)
        except StoreError:
            # The database may have rolled back: what followed would be a transaction of its own.
            self._usable = False
            raise
