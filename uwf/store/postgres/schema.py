"""The tables of a store in PostgreSQL: numbered migrations, and what a database is by the last that it has had.

All is in the schema `uwf`. Its table `meta` has the number of the last migration, and which uwf made it. A database of
a newer uwf may be read by an older one, as it only ever gets more, and is not written by it.
"""

from __future__ import annotations

import os

import psycopg

import uwf
from uwf import clock
from uwf.errors import StoreError, StoreTooNew, StoreUnreadable
from uwf.record import Record
from uwf.store.postgres.faults import explain, no_tables, place_of, unreadable
from uwf.store.postgres.reaching import PINNED, reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "uwf"
WRITING, UPKEEP = 0x7577_6673_0001, 0x7577_6673_0002
"""Advisory locks: of the one writer, and of work on the whole store."""
OLDEST_SERVER = 130_000
WAIT_S = 10.0
"""So long it is waited for room."""

_MIGRATIONS = os.path.join(os.path.dirname(__file__), "migrations")
_META = "CREATE TABLE meta (key text PRIMARY KEY, value text NOT NULL)"
_SET = "INSERT INTO meta VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


class Migrated(Record):
    """What the store in `place` was before, 0 where there was none, and what it is now, by its migrations."""

    place: str
    before: int
    after: int


def newest() -> int:
    """The number of the last migration that this uwf knows."""
    return len(_files())


def migrate(url: str) -> Migrated:
    """Make the store in the database at `url`, or bring that of an earlier uwf up to date: all of it, or nothing.

    May be called at any time, and by several at once. StoreTooNew for one of a newer uwf.
    """
    place = place_of(url)
    connection = reach(url, place, WAIT_S, autocommit=True)
    try:
        connection.execute(PINNED)
        with connection, connection.transaction(), connection.cursor() as cursor:
            return _migrated(cursor, place)
    except psycopg.Error as error:
        raise explain(error, place) from error


def recognise(meta: Mapping[str, str], place: str) -> int:
    """The number of the schema that a database has by its `meta`. StoreError for one that this uwf cannot read."""
    if "schema" not in meta:
        raise no_tables(place)
    number = meta["schema"]
    if not number.isdigit():
        raise unreadable(place, f"its schema has the number {number}")
    if int(number) < newest():
        raise StoreError(
            f"{place} has schema {number}, and this uwf needs {newest()}", hint="uwf store migrate"
        )
    return int(number)


def too_new(number: int, writer: str, place: str) -> StoreTooNew:
    """The error of who would write to a store of a newer uwf."""
    return StoreTooNew(
        f"{place} was written by {writer} with schema {number}; this is uwf {uwf.__version__}, which can read it, "
        f"and writes schema {newest()}",
        hint="pip install --upgrade uwf",
    )


def _migrated(cursor: psycopg.Cursor[tuple[str, ...]], place: str) -> Migrated:
    info = cursor.connection.info
    if info.server_version < OLDEST_SERVER:
        raise StoreError(f"{place} is older than PostgreSQL {OLDEST_SERVER // 10_000}")
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreUnreadable(f"{place} has the encoding {encoding}: a store is kept in UTF8")
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (WRITING,))
    cursor.execute("SELECT to_regnamespace(%s), to_regclass(%s)", (SCHEMA, f"{SCHEMA}.meta"))
    schema, table = cursor.fetchone() or (None, None)
    if schema is None:  # an administrator may have made it for a role that may not
        cursor.execute(f"CREATE SCHEMA {SCHEMA}".encode())
    cursor.execute(f"SET LOCAL search_path = {SCHEMA}".encode())
    meta: dict[str, str] = {}
    if table is not None:
        cursor.execute("SELECT key, value FROM meta")
        meta = {row[0]: row[1] for row in cursor}
    else:
        cursor.execute(_META)
    number = meta.get("schema", "0")
    if not number.isdigit():
        raise unreadable(place, f"its schema has the number {number}")
    before, after = int(number), newest()
    if before > after:
        raise too_new(before, meta.get("writer", "a newer uwf"), place)
    for name in _files()[before:]:
        with open(os.path.join(_MIGRATIONS, name), "rb") as file:
            cursor.execute(file.read())
    facts = {"schema": f"{after}", "writer": f"uwf {uwf.__version__}"}
    if not before:
        facts |= {"created": clock.iso(clock.now_ms()), "instance": os.urandom(16).hex()}
    if before < after:
        cursor.executemany(_SET, list(facts.items()))
    return Migrated(place, before, after)


def _files() -> list[str]:
    """The migrations in their order: `0001_…`, without a gap."""
    return sorted(name for name in os.listdir(_MIGRATIONS) if name.endswith(".sql"))
