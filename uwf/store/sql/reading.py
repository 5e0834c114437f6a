"""Reading objects, refs and the log. The same inside a transaction and outside."""

from __future__ import annotations

from blake3 import blake3
from msgpack import unpackb  # type: ignore[import-untyped]  # it ships none

from uwf.errors import InputError, ObjectMissing, StoreBusy, StoreError
from uwf.store.codec import ID_BYTES, ID_DIGITS, MAX_OBJECT_BYTES, Node, decode, key_of
from uwf.store.sql import ref_query
from uwf.store.sql.database import END_CHARS, blob
from uwf.store.validate import (
    SHOWN,
    bounds,
    check_name,
    check_page,
    check_text,
    damaged,
    hex_prefix,
    matches,
    missing,
    the_one,
    wanted_values,
)
from uwf.store.values import LoggedMove, Move, Ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from uwf.errors import UwfError
    from uwf.store.protocols import Wanted
    from uwf.store.sql.database import SqlDatabase

PLAIN, ZLIB = 0, 1  # object.encoding
SAMPLE = 2000  # index rows counted to choose the tag that leads a listing
PAGE = 1000

_MALFORMED = (TypeError, ValueError, AttributeError)
_GET = "SELECT data, encoding, size FROM object WHERE id = ?"
_REF = f"SELECT {ref_query.COLUMNS} FROM ref WHERE name = ?"
_MOVES = "SELECT name, version, old, new, tags, at_ms, why, process FROM ref_log WHERE"


_MOVES_AFTER = (
    "SELECT l.seq, (SELECT b.tags FROM ref_log AS b WHERE b.name = l.name AND b.seq < l.seq"
    " ORDER BY b.seq DESC LIMIT 1),"
    " l.name, l.version, l.old, l.new, l.tags, l.at_ms, l.why, l.process"
    " FROM ref_log AS l WHERE l.seq > ? ORDER BY l.seq LIMIT ?"
)


class Reading:
    """The reading half of `uwf.store.protocols.Store` and `Transaction`."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def get(self, id: str) -> Node:
        data = self.raw(id)
        try:
            return decode(data)
        except InputError as error:
            raise damaged(id, error.message) from error

    def raw(self, id: str) -> bytes:
        key = key_of(id)
        return self._whole(id, key, self._database.one(_GET, (blob(key),)))

    def _whole(self, id: str, key: bytes, row: Any) -> bytes:
        """The bytes of an object in what its row has of it; None: there is no row."""
        if row is None:
            raise missing(id)
        data: bytes
        data, encoding, size_bytes = row
        try:
            if encoding:
                data = _expanded(id, data, encoding, size_bytes)
            if blake3(data).digest() == key:
                return data
        except TypeError:  # a torn page may make one type look like another
            pass
        raise damaged(id, "its bytes do not hash to its id")

    def raw_many(self, ids: Sequence[str]) -> Iterator[bytes | UwfError]:
        for id in ids:
            try:
                yield self.raw(id)
            except StoreBusy:
                raise
            except (ObjectMissing, StoreError) as error:
                yield error

    def has(self, id: str) -> bool:
        return self._database.one("SELECT 1 FROM object WHERE id = ?", (key_of(id),)) is not None

    def find(self, prefix: str, *, what: str = "object") -> str:
        prefix = hex_prefix(prefix, what)
        span = (
            key_of(prefix.ljust(ID_DIGITS, "0")),
            key_of(prefix.ljust(ID_DIGITS, "f")),
            SHOWN + 1,
        )
        rows = self._database.all(
            "SELECT id FROM object WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?", span
        )
        return the_one(prefix, what, [row[0].hex() for row in rows])

    def ids(self, after: str = "") -> Iterator[str]:
        last = key_of(after) if after else b""
        while rows := self._database.all(
            "SELECT id FROM object WHERE id > ? ORDER BY id LIMIT ?", (last, PAGE)
        ):
            for (key,) in rows:
                yield key.hex()
            last = rows[-1][0]

    def recent(self, since_ms: int) -> list[str]:
        rows = self._database.all("SELECT id FROM object WHERE put_ms > ?", (since_ms,))
        return [row[0].hex() for row in rows]

    def stored_bytes(self, ids: Sequence[str]) -> int:
        sql, total = "SELECT length(data) FROM object WHERE id = ?", 0
        for id in ids:
            row = self._database.one(sql, (key_of(id),))
            total += row[0] if row else 0
        return total

    def ref(self, name: str) -> Ref | None:
        check_name(name)
        row = self._database.one(_REF, (name,))
        if row is None:
            return None
        try:
            return _ref(row)
        except _MALFORMED as error:
            raise self._damaged_ref(error) from error

    def refs(
        self,
        prefix: str = "",
        *,
        tags: Wanted | None = None,
        low: str | None = None,
        high: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Ref]:
        check_page(limit, offset)
        wanted = wanted_values(tags)
        query, complete = self._query(wanted, *bounds(prefix, low, high))
        database = self._database
        if complete:
            page = (self._most(limit), offset)
            return self._refs(database.all(*ref_query.select(database, query, newest_first, page)))
        page = (self._most(None), 0)
        rows = database.all(*ref_query.select(database, query, newest_first, page))
        found = [ref for ref in self._refs(rows) if matches(ref.tags, wanted)]
        return found[offset:] if limit is None else found[offset : offset + limit]

    def refs_by_tag(
        self,
        prefix: str,
        key: str,
        *,
        low: str | None = None,
        high: str | None = None,
        limit: int | None = None,
    ) -> list[Ref]:
        check_page(limit, 0)
        for text in (key, low or "", high or ""):
            check_text("tag", text)
        database, names = self._database, bounds(prefix, None, None)
        walk = ref_query.by_tag(database, key, low, high, names, self._most(limit))
        return self._refs(database.all(*walk))

    def names(self, prefix: str = "", *, ending: str = "", limit: int | None = None) -> list[str]:
        check_page(limit, 0)
        check_text("name", ending)
        where = "name >= ? AND name < ?"
        args: tuple[Any, ...] = bounds(prefix, None, None)
        if ending:
            where += f" AND {self._database.ends('name')} = ?"
            args += (len(ending), ending)
        if len(ending) >= END_CHARS:  # which the index has, where there is one
            where += f" AND {self._database.short_end('name')} = ?"
            args += (ending[-END_CHARS:],)
        sql = f"SELECT name FROM ref WHERE {where} ORDER BY name LIMIT ?"
        return [row[0] for row in self._database.all(sql, (*args, self._most(limit)))]

    def count_refs(self, prefix: str = "", *, tags: Wanted | None = None) -> int:
        if not tags and prefix[-1:] in ("", "/") and self._database.has_counts():
            sql = "SELECT CAST(coalesce(sum(number), 0) AS bigint) FROM ref_count WHERE folder >= ? AND folder < ?"
            total: int = self._database.one(sql, bounds(prefix, None, None))[0]
            return total
        query, complete = self._query(wanted_values(tags), *bounds(prefix, None, None))
        if complete:
            number: int = self._database.one(*ref_query.count(query))[0]
            return number
        return len(self.refs(prefix, tags=tags))

    def moves(self, name: str) -> list[Move]:
        check_name(name)
        return self._moves(self._database.all(f"{_MOVES} name = ? ORDER BY seq", (name,)))

    def moves_since(self, at_ms: int) -> list[Move]:
        return self._moves(self._database.all(f"{_MOVES} at_ms >= ? ORDER BY seq", (at_ms,)))

    def moves_after(self, number: int, limit: int) -> list[LoggedMove]:
        rows = self._database.all(_MOVES_AFTER, (number, limit))
        moves = self._moves([row[2:] for row in rows])
        try:
            return [
                LoggedMove(row[0], move, None if row[1] is None else _tags(row[1]))
                for row, move in zip(rows, moves, strict=True)
            ]
        except _MALFORMED as error:
            raise self._damaged_log(error) from error

    def last_move(self) -> int:
        number: int = self._database.one("SELECT coalesce(max(seq), 0) FROM ref_log")[0]
        return number

    def _refs(self, rows: list[Any]) -> list[Ref]:
        try:
            return [_ref(row) for row in rows]
        except _MALFORMED as error:
            raise self._damaged_ref(error) from error

    def _damaged_ref(self, error: Exception) -> Exception:
        return self._database.unreadable(f"a ref is damaged ({error})")

    def _damaged_log(self, error: Exception) -> Exception:
        return self._database.unreadable(f"the log is damaged ({error})")

    def _most(self, limit: int | None) -> Any:
        """The argument of a LIMIT."""
        return self._database.unlimited if limit is None else limit

    def _moves(self, rows: list[Any]) -> list[Move]:
        try:
            return [_move(row) for row in rows]
        except _MALFORMED as error:
            raise self._damaged_log(error) from error

    def _estimate(self, tag: tuple[str, tuple[Any, ...]]) -> int:
        number: int = self._database.one(*ref_query.sample(tag[0], tag[1], SAMPLE))[0]
        return number

    def _query(
        self, wanted: dict[str, tuple[str, ...]], low: str, high: str
    ) -> tuple[ref_query.Query, bool]:
        """The query, and whether it answers all of `wanted`. The rarest of the indexed tags leads."""
        if not all(wanted.values()):  # a tag that may have none of its values: nothing matches
            return ref_query.Query(low, low, None, ()), True
        indexed, others = ref_query.split(self._database, wanted)
        if len(indexed) > 1:
            indexed.sort(key=self._estimate)
        walk = indexed[0] if indexed else None
        return ref_query.Query(low, high, walk, tuple(indexed[1:])), not others


def _expanded(id: str, data: bytes, encoding: int, size_bytes: int) -> bytes:
    """The object in compressed `data`, never more than the size that was recorded with it."""
    if encoding != ZLIB or not 0 < size_bytes <= MAX_OBJECT_BYTES:
        raise damaged(id, f"encoding {encoding} with {size_bytes} bytes is unknown")
    import zlib

    stream = zlib.decompressobj()
    try:
        whole = stream.decompress(data, size_bytes)
    except zlib.error as error:
        raise damaged(id, f"{error}") from error
    if len(whole) != size_bytes:
        raise damaged(id, f"its length is {len(whole)} and was {size_bytes}")
    return whole


def _ref(row: tuple[Any, ...]) -> Ref:
    name, target, version, updated_ms, tags = row
    return Ref(name, _hex(target), version, _tags(tags), updated_ms)


def _move(row: tuple[Any, ...]) -> Move:
    name, version, old, new, tags, at_ms, why, process = row
    was = None if old is None else _hex(old)
    then = None if new is None else _hex(new)
    return Move(name, version, was, then, _tags(tags), at_ms, why, process)


def _hex(key: bytes) -> str:
    if len(key) != ID_BYTES:
        raise ValueError("an id of another length")
    return key.hex()


def _tags(packed: bytes) -> dict[str, str]:
    tags = unpackb(packed)
    if type(tags) is not dict:
        raise ValueError("its tags are no map")
    return tags
