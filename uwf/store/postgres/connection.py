"""Connecting to the database of a store: what a session is set to, and what is asked of it first."""

from __future__ import annotations

import functools
import logging

import psycopg
from psycopg import RawCursor
from psycopg.types.array import ListBinaryDumper
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import StrBinaryDumper

from uwf import clock
from uwf.errors import StoreError
from uwf.store.postgres.faults import explain
from uwf.store.postgres.reaching import PINNED, reach
from uwf.store.postgres.schema import SCHEMA, recognise
from uwf.store.values import NOW_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from psycopg import Connection

FROZEN_S = 5
"""A client that does nothing for so long inside of a transaction is put out, or all writers would wait for it."""

RECOVERED = "recovered"
"""Under this name: since when the server counts what it does: anew when it has ended as by a power cut."""

_CLOCK = "clock"

INSTANCE = "instance"
AS_IT_IS = f"CASE key WHEN '{INSTANCE}' THEN value || '/' || tableoid ELSE value END"
"""A value of `meta`. Which store it is, is told by its table, too: a dump that was put back has the same rows in new
tables, and what was drawn from its sequences before that may be drawn again."""

_SESSION = (
    f"{PINNED}; SET search_path = {SCHEMA};"
    f" SET idle_in_transaction_session_timeout = '{FROZEN_S}s'; SET jit = off;"
    " SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
    f" SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT key, {AS_IT_IS} FROM {SCHEMA}.meta"
    f" UNION ALL SELECT '{RECOVERED}', stats_reset::text FROM pg_stat_bgwriter"
    f" UNION ALL SELECT '{_CLOCK}', {NOW_MS}::text"
)
"""The server, too, is to see within half a minute that a machine is gone, and let go of what that had locked.
Every listing is a walk of an index in its order: a table of which the server has no figures yet is not to be read
whole for it, and sorted."""

logging.getLogger("psycopg").addHandler(logging.NullHandler())
"""What it would print of a lost connection is told by the error that is raised."""


class _Text(StrBinaryDumper):
    """Text has no NUL in PostgreSQL. No name or key has one, so that none is found by this, and the order stays."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\x01") if "\0" in obj else obj)


def connect(url: str, place: str, wait_s: float) -> tuple[Connection[Any], dict[str, str]]:
    """A connection in autocommit mode, and what the store says of itself. StoreError where there is none that can be
    read, and StoreBusy where the server has no room within `wait_s`.
    """
    connection = reach(url, place, wait_s, autocommit=True, cursor_factory=RawCursor)
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    connection.adapters.register_dumper(list, ListBinaryDumper)
    asked_ms = clock.steady_ms()
    try:
        meta = _last_rows(connection.execute(_SESSION.encode()))
        clock.told(int(meta.pop(_CLOCK)), asked_ms)
        recognise(meta, place)
    except psycopg.Error as error:
        connection.close()
        raise explain(error, place) from error
    except StoreError:
        connection.close()
        raise
    return connection, meta


def _last_rows(cursor: psycopg.Cursor[Any]) -> dict[str, str]:
    while cursor.nextset():
        pass
    return dict(cursor.fetchall())


@functools.lru_cache(512)
def numbered(sql: str) -> bytes:
    """A statement with its arguments as PostgreSQL numbers them: `$1` for the first `?`."""
    first, *others = sql.split("?")
    return "".join((first, *(f"${at}{text}" for at, text in enumerate(others, 1)))).encode()
