"""How a database becomes a store, and which stores a uwf may read and write."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import uwf
from tests.helpers.postgres import Cluster
from uwf.errors import InputError, StoreError, StoreTooNew, StoreUnreadable
from uwf.store.database import open_place
from uwf.store.postgres import Migrated, migrate, open_store, schema
from uwf.store.postgres.faults import place_of


@pytest.fixture
def bare(cluster: Cluster) -> Iterator[str]:
    """A database with nothing in it."""
    with cluster.database("template1") as url:
        yield url


def run(url: str, sql: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connected:
        cursor = connected.execute(sql.encode())
        return cursor.fetchall() if cursor.description else None


def test_a_database_without_tables_is_no_store_until_it_is_migrated(bare: str) -> None:
    with pytest.raises(StoreError, match="no store in") as error:
        open_store(bare)
    assert error.value.hint == "uwf store migrate"
    with pytest.raises(StoreError, match="no store in") as of_another:
        open_place(bare)  # not that of the home
    assert of_another.value.hint == f"uwf store migrate '{place_of(bare)}'"
    assert migrate(bare) == Migrated(place_of(bare), 0, schema.newest())
    assert migrate(bare) == Migrated(place_of(bare), schema.newest(), schema.newest())
    store = open_store(bare)
    assert store.stats().objects == store.stats().refs == 0
    assert store.faults() == []
    store.close()


def test_several_that_migrate_at_once_make_one_store(bare: str) -> None:
    found: list[Migrated] = []
    threads = [threading.Thread(target=lambda: found.append(migrate(bare))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(one.before for one in found) == [0, *[schema.newest()] * 3]


def test_a_migration_that_fails_leaves_nothing(
    bare: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE made (x int)")
    (tmp_path / "0002_bad.sql").write_text("CREATE NONSENSE")
    monkeypatch.setattr(schema, "_MIGRATIONS", str(tmp_path))
    with pytest.raises(StoreError):
        migrate(bare)
    assert run(bare, "SELECT 1 FROM pg_namespace WHERE nspname = 'uwf'") == []


def test_a_store_of_a_newer_uwf_is_read_and_not_written(database: str) -> None:
    writing = open_store(database)
    with writing.transaction("test") as tx:
        id = tx.put("k", 1)
    run(database, "UPDATE uwf.meta SET value = '99' WHERE key = 'schema'")
    run(database, "UPDATE uwf.meta SET value = 'uwf 9.1' WHERE key = 'writer'")
    store = open_store(database)
    assert store.get(id).payload == 1
    for opened in (store, writing):
        with pytest.raises(StoreTooNew, match=r"was written by uwf 9\.1 with schema 99") as error:
            opened.transaction("test").__enter__()
        assert uwf.__version__ in error.value.message and error.value.hint
        opened.close()
    with pytest.raises(StoreTooNew):
        migrate(database)


def test_a_store_of_an_older_uwf_is_to_be_migrated(database: str) -> None:
    run(database, "UPDATE uwf.meta SET value = '0' WHERE key = 'schema'")
    with pytest.raises(StoreError, match="has schema 0") as error:
        open_store(database)
    assert error.value.hint == "uwf store migrate"


def test_a_store_of_each_earlier_schema_is_brought_up_to_date_with_what_it_has(
    bare: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = schema._files()[0]
    shutil.copy(f"{schema._MIGRATIONS}/{first}", tmp_path)
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "_MIGRATIONS", str(tmp_path))
        assert migrate(bare).after == 1
    run(bare, "INSERT INTO uwf.lease VALUES ('T', 'ant', 7, '', 3, '', now() + interval '1h')")
    with pytest.raises(StoreError, match="has schema 1"):
        open_store(bare)
    assert migrate(bare) == Migrated(place_of(bare), 1, schema.newest())
    store = open_store(bare)
    holder = store.leases.holder("T")
    assert holder is not None and (holder.host, holder.pid) == ("ant", 7)
    assert store.leases.longest_s() == 60.0
    store.close()


def test_a_schema_that_has_no_number_is_said(database: str) -> None:
    run(database, "UPDATE uwf.meta SET value = 'x' WHERE key = 'schema'")
    for do in (migrate, open_store):
        with pytest.raises(StoreError, match="its schema has the number x"):
            do(database)


def test_a_database_in_another_encoding_is_refused(cluster: Cluster) -> None:
    cluster.run("CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'")
    try:
        with pytest.raises(StoreUnreadable, match="has the encoding LATIN1"):
            migrate(cluster.url("latin"))
    finally:
        cluster.run("DROP DATABASE latin")


@pytest.mark.parametrize(
    "address", ["postgresql://me:s3cr3t@[::1/x", "postgresql://me:s3/cr3t@h/x"]
)
def test_what_is_no_address_is_refused_without_its_password(address: str) -> None:
    for use in (migrate, open_store):
        with pytest.raises(InputError) as error:
            use(address)
        assert "cr3t" not in f"{error.value.message}{error.value.hint}"


def test_a_database_without_a_role_for_it_says_so(cluster: Cluster, database: str) -> None:
    cluster.run("CREATE ROLE looker LOGIN")
    try:
        url = database.replace("uwf@", "looker@")
        with pytest.raises(StoreError, match="may not do that") as error:
            open_store(url)
        assert error.value.code == "store_readonly"
    finally:
        cluster.run("DROP ROLE looker")
