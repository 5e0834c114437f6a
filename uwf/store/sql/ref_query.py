"""The SQL of ref listings. Pure: it takes what is asked and gives a statement with its arguments.

A filter by one tag walks the index `ref_tag` in name order and stops at the limit. Several values of a tag are
several such walks, merged, or each up to the limit where the database does not merge them. Further tags are
looked up for each name of the walk: with EXISTS, PostgreSQL would first join all that have them. What is ordered by the
value of a tag is one walk of that index, too.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.store.sql.database import Dialect

    Statement = tuple[str, tuple[Any, ...]]

INDEXED_BYTES = 200  # longer tag values are not in the index
COLUMNS = "name, target, version, updated_ms, tags"


class Query(Record):
    """What to list. `walk` is the tag filter that leads, if any; `also` are the others."""

    low: str
    high: str
    walk: tuple[str, tuple[Any, ...]] | None
    also: tuple[tuple[str, tuple[Any, ...]], ...]


def is_indexed(value: str) -> bool:
    """Whether a tag value has a row in the index."""
    return len(value) <= INDEXED_BYTES and len(value.encode()) <= INDEXED_BYTES


def index_rows(dialect: Dialect, tags: Mapping[str, str]) -> set[tuple[str, Any]]:
    """The tags that are in the index, as they are in it."""
    return {(key, dialect.tag_value(value)) for key, value in tags.items() if is_indexed(value)}


def split(
    dialect: Dialect, wanted: Mapping[str, tuple[str, ...]]
) -> tuple[list[tuple[str, tuple[Any, ...]]], bool]:
    """The filters that the index can answer, and whether there are others."""
    indexed = [
        (key, tuple(map(dialect.tag_value, values)))
        for key, values in wanted.items()
        if all(map(is_indexed, values))
    ]
    return indexed, len(indexed) < len(wanted)


def select(dialect: Dialect, query: Query, newest_first: bool, page: tuple[Any, int]) -> Statement:
    """The refs in name order, of a page: its limit and offset."""
    order = "DESC" if newest_first else "ASC"
    limit, offset = page
    is_whole = dialect.merges or limit == dialect.unlimited
    most = None if is_whole else limit + offset
    names, args = _names(query, order, most)
    if query.walk is None:
        sql = f"SELECT {COLUMNS} FROM ref AS t {names} ORDER BY name {order} LIMIT ? OFFSET ?"
    else:
        sql = (
            f"SELECT {COLUMNS} FROM ({names} ORDER BY name {order} LIMIT ? OFFSET ?) AS page "
            f"{dialect.onto} ref USING (name) ORDER BY name {order}"
        )
    return sql, (*args, *page)


def by_tag(
    dialect: Dialect,
    key: str,
    low: str | None,
    high: str | None,
    names: tuple[str, str],
    limit: Any,
) -> Statement:
    """The refs between two names that have a tag, in the order of its value."""
    where, args = "key = ?", [key]
    for sign, value in ((">=", low), ("<", high)):
        if value is not None:
            where += f" AND value {sign} ?"
            args.append(dialect.tag_value(value))
    sql = (
        f"SELECT {COLUMNS} FROM (SELECT name, value FROM ref_tag WHERE {where} AND name >= ? AND name < ?"
        f" ORDER BY value, name LIMIT ?) AS page {dialect.onto} ref USING (name) ORDER BY value, name"
    )
    return sql, (*args, *names, limit)


def count(query: Query) -> Statement:
    """How many refs there are."""
    names, args = _names(query)
    if query.walk is None:
        return f"SELECT count(*) FROM ref AS t {names}", args
    return f"SELECT count(*) FROM ({names}) AS found", args


def sample(key: str, values: tuple[Any, ...], most: int) -> Statement:
    """How many refs have one of the values, counted up to `most`: tells which filter should lead."""
    marks = ", ".join("?" * len(values))
    return (
        f"SELECT count(*) FROM (SELECT 1 FROM ref_tag WHERE key = ? AND value IN ({marks}) LIMIT ?) AS found",
        (key, *values, most),
    )


def _names(query: Query, order: str = "ASC", most: int | None = None) -> Statement:
    """A WHERE clause on `ref`, or with a leading tag a SELECT of names: of each value not more than `most`."""
    where = "t.name >= ? AND t.name < ?"
    args: tuple[Any, ...] = (query.low, query.high)
    for key, values in query.also:
        marks = ", ".join("?" * len(values))
        where += (
            " AND (SELECT 1 FROM ref_tag AS a"
            f" WHERE a.key = ? AND a.value IN ({marks}) AND a.name = t.name) IS NOT NULL"
        )
        args += (key, *values)
    if query.walk is None:
        return f"WHERE {where}", args
    key, values = query.walk
    arm = f"SELECT t.name AS name FROM ref_tag AS t WHERE t.key = ? AND t.value = ? AND {where}"
    if most is not None and len(values) > 1:
        arm, args = f"SELECT name FROM ({arm} ORDER BY name {order} LIMIT ?) AS one", (*args, most)
    return " UNION ALL ".join([arm] * len(values)), tuple(
        arg for value in values for arg in (key, value, *args)
    )
