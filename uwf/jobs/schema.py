"""The tables of the queue, in a PostgreSQL schema of their own: Procrastinate's, and what we know of workers.

Procrastinate's tables stand as its release made them, then as its migrations change them, in their order.
"""

from __future__ import annotations

import shlex

from uwf.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from psycopg import Connection

SCHEMA = "uwf_queue"

_OURS = """
CREATE TABLE IF NOT EXISTS workers (
    id bigint PRIMARY KEY REFERENCES procrastinate_workers (id) ON DELETE CASCADE,
    host text NOT NULL,
    home text NOT NULL,
    pid integer NOT NULL,
    labels text[] NOT NULL,
    agents text[] NOT NULL,
    slots integer NOT NULL,
    running text[] NOT NULL DEFAULT '{}',
    version text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    asked text
)
"""
_CHANGES = {
    "workers: unfit": "ALTER TABLE workers ADD COLUMN IF NOT EXISTS unfit text NOT NULL DEFAULT ''",
    "workers: machine": "ALTER TABLE workers ADD COLUMN machine text NOT NULL DEFAULT ''",
}
"""What has changed in ours since, by the name under which it is noted as applied."""
_APPLIED = (
    "CREATE TABLE IF NOT EXISTS applied (name text PRIMARY KEY, at timestamptz DEFAULT now())"
)

_OF_OTHERS = "SELECT 1 FROM pg_tables WHERE schemaname = %(schema)s AND tablename <> 'applied'"


def apply_schema(connection: Connection[Any]) -> list[str]:
    """Make the tables, or bring them up to date, in one transaction; the names of what was done. May be repeated."""
    with connection.transaction():
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        connection.execute(f"SET LOCAL search_path TO {SCHEMA}")
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('uwf_queue'))")
        connection.execute(_APPLIED)
        done = {row[0] for row in connection.execute("SELECT name FROM applied")}
        if not done and connection.execute(_OF_OTHERS, {"schema": SCHEMA}).fetchone():
            at = connection.info
            where = shlex.join(["-h", at.host, "-p", f"{at.port}", "-U", at.user, at.dbname])
            raise StoreError(
                f"the schema {SCHEMA} of this database has tables that uwf has not made",
                hint=f"psql {where} -c '\\dt {SCHEMA}.*'",
                code="not_ours",
            )
        if done:
            new = [name for name in _migrations() if name not in done]
            for name in new:
                connection.execute(_text("migrations", name).encode())
        else:
            new = ["schema", *_migrations()]
            connection.execute(_text("schema.sql").encode())
            connection.execute(_OURS)
        for name, statement in _CHANGES.items():
            if name not in done:
                connection.execute(statement.encode())
                new.append(name)
        connection.cursor().executemany(
            "INSERT INTO applied VALUES (%s)", [(name,) for name in new]
        )
    return new


def _migrations() -> list[str]:
    from importlib import resources

    folder = resources.files("procrastinate.sql") / "migrations"
    return sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))


def _text(*path: str) -> str:
    from importlib import resources

    return resources.files("procrastinate.sql").joinpath(*path).read_text(encoding="utf-8")
