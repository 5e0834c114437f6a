"""A store of each kind, and a clock that a test moves.

A test that asks for `store` runs on all of them. Those in PostgreSQL are one after the other in one database.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.helpers.postgres import Cluster
from uwf.store.database import open_place
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_in_memory, open_store

OpenAgain: TypeAlias = Callable[..., Store]


class Clock:
    """Wall time as the code under test sees it."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("uwf.clock.now_ms", clock)
    return clock


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "home" / "store.db")


@pytest.fixture
def disk(path: str) -> Iterator[SqliteStore]:
    store = open_store(path)
    yield store
    store.close()


@pytest.fixture
def memory() -> Iterator[SqliteStore]:
    store = open_in_memory()
    yield store
    store.close()


@pytest.fixture(scope="session")
def shared_database(cluster: Cluster) -> Iterator[str]:
    """A PostgreSQL database for the tests of this worker, one after the other."""
    with cluster.database() as url:
        yield url


@pytest.fixture
def emptied(shared_database: str) -> Iterator[str]:
    """That database, with nothing in it."""
    yield shared_database
    empty(shared_database)


@pytest.fixture
def postgres(emptied: str) -> Iterator[Store]:
    store = open_place(emptied)
    yield store
    store.close()


def this_process(store: Store) -> str:
    """As the log of a store names who moved a ref."""
    host = store.leases.host
    return f"pid {os.getpid()}" + (f" on {host}" if host else "")


def empty(database: str) -> None:
    """Leave the tables of a store as they were at first."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        # What a test that failed has left open is in the way of no other test.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'uwf'")
        tables = ", ".join(f"uwf.{name}" for (name,) in rows if name != "meta")
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY".encode())


@pytest.fixture(params=["disk", "postgres"])
def kept(request: pytest.FixtureRequest) -> Store:
    """A store that other processes can open, too."""
    store: Store = request.getfixturevalue(request.param)
    return store


@pytest.fixture
def again(kept: Store) -> Iterator[OpenAgain]:
    """Opens the store `kept` once more, as another process would."""
    opened = []

    def open_again(wait_s: float = 10.0) -> Store:
        opened.append(open_place(kept.place, wait_s=wait_s))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


def alter(store: Store, sql: str, *args: object) -> None:
    """Change one row of a store in a way that it does not do itself."""
    assert store._database.change(sql, args) == 1


@pytest.fixture(params=["disk", "memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    store: Store = request.getfixturevalue(request.param)
    return store
