"""What only a store in PostgreSQL can suffer: connections that end, clients that freeze, and text as servers see it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.helpers import postgres as postgres_programs
from tests.store.conftest import OpenAgain
from uwf.errors import StoreBusy, StoreError
from uwf.store.postgres import PostgresStore, batch, connection, open_store
from uwf.store.postgres import database as database_module


@contextmanager
def administrator(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connected:
        yield connected


def end_others(url: str) -> None:
    """The server ends every other connection to the database, as when it is stopped."""
    with administrator(url) as connected:
        connected.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


FROZEN = f"'{connection.FROZEN_S}s'"


def put(store: PostgresStore, payload: Any) -> str:
    with store.transaction("test") as tx:
        return tx.put("k", payload)


def test_who_looks_does_not_notice_that_a_connection_was_lost(
    postgres: PostgresStore, emptied: str
) -> None:
    id = put(postgres, 1)
    end_others(emptied)
    assert postgres.get(id).payload == 1
    end_others(emptied)
    assert put(postgres, 2)
    end_others(emptied)
    with postgres.snapshot():
        assert postgres.stats().objects == 2


def test_a_transaction_whose_connection_is_lost_writes_nothing_and_the_next_one_does(
    postgres: PostgresStore, emptied: str
) -> None:
    with pytest.raises(StoreError, match="lost"), postgres.transaction("test") as tx:
        tx.set_counter("a", 1)
        end_others(emptied)
        tx.counter("a")
    with postgres.transaction("test") as tx:
        tx.set_counter("b", 1)
    assert postgres.counters("") == [("b", 1)]


@pytest.mark.parametrize("is_done", [False, True])
def test_a_connection_that_is_lost_with_the_commit_leaves_no_doubt(
    postgres: PostgresStore, emptied: str, is_done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server says of the transaction counts, not what was heard of it."""
    send = batch.Batch.send

    def lose(self: batch.Batch, *args: Any) -> None:
        monkeypatch.undo()
        if is_done:
            send(self, *args)
        end_others(emptied)
        send(self, *args) if not is_done else args[0].execute(b"SELECT 1")

    def write() -> None:
        with postgres.transaction("test") as tx:
            tx.set_counter("a", 1)
            monkeypatch.setattr(batch.Batch, "send", lose)

    if is_done:
        write()
    else:
        with pytest.raises(StoreError, match="nothing was written"):
            write()
    assert postgres.counter("a") == (1 if is_done else None)


def test_a_transaction_in_which_a_statement_failed_is_no_success_whoever_has_caught_that(
    postgres: PostgresStore,
) -> None:
    with pytest.raises(StoreError, match="nothing was written"), postgres.transaction("test") as tx:
        tx.set_counter("a", 1)
        with pytest.raises(StoreError):
            postgres._database.one("SELECT 1 / 0")
    assert postgres.counter("a") is None


def test_a_client_that_freezes_in_a_transaction_is_put_out(
    emptied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FROZEN_S", 0.2)
    monkeypatch.setattr(
        connection, "_SESSION", connection._SESSION.replace(FROZEN, "'200ms'"), raising=True
    )
    frozen, other = open_store(emptied), open_store(emptied)
    tx = frozen.transaction("test")
    tx.__enter__()
    tx.set_counter("frozen", 1)
    with other.transaction("test", wait_s=20) as later:
        later.set_counter("other", 1)
    with pytest.raises(StoreError, match=r"lost|nothing was written"):
        tx.__exit__(None, None, None)
    assert other.counters("") == [("other", 1)]
    assert frozen.counters("") == [("other", 1)], "it goes on with a new connection"
    frozen.close()
    other.close()


def test_a_client_that_freezes_behind_a_pipeline_is_put_out_by_who_waits(
    emptied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last message was a Flush, upon which the server does not count how long it is idle."""
    monkeypatch.setattr(
        connection, "_SESSION", connection._SESSION.replace(FROZEN, "'200ms'"), raising=True
    )
    monkeypatch.setattr(
        database_module, "_PUT_OUT", database_module._PUT_OUT.replace(FROZEN, "'200ms'")
    )
    frozen, other = open_store(emptied), open_store(emptied)
    tx = frozen.transaction("test")
    tx.__enter__()
    tx.set_ref("frozen", tx.put("output", "x"), why="test")
    assert tx.ref("other") is None
    with other.transaction("test", wait_s=1.0) as later:
        later.set_counter("other", 1)
    with pytest.raises(StoreError, match=r"lost|nothing was written"):
        tx.__exit__(None, None, None)
    assert other.ref("frozen") is None
    frozen.close()
    other.close()


def test_who_waits_in_vain_for_another_writer_is_told_so(
    kept: PostgresStore, again: OpenAgain
) -> None:
    other = again(wait_s=0.05)
    with kept.transaction("test"), pytest.raises(StoreBusy, match=r"gave up after 0\.05 s"):
        other.transaction("test").__enter__()
    with other.transaction("test") as tx:
        tx.set_counter("a", 1)


def test_a_thread_of_the_process_waits_until_a_transaction_has_ended(
    postgres: PostgresStore,
) -> None:
    """Or what it writes would be undone with it, and what it reads be what never was."""
    seen: list[Any] = []
    with pytest.raises(ZeroDivisionError), postgres.transaction("test") as tx:
        tx.set_counter("a", 1)
        reader = threading.Thread(target=lambda: seen.append(postgres.counter("a")))
        reader.start()
        assert tx.counter("a") == 1
        raise ZeroDivisionError
    reader.join(10)
    assert seen == [None]


@pytest.mark.parametrize("count", [batch.MANY - 1, batch.MANY, 3 * batch.MANY, 2500])
def test_objects_are_the_same_whether_some_or_many_are_put(
    postgres: PostgresStore, count: int
) -> None:
    there = put(postgres, 1)
    with postgres.transaction("test") as tx:
        ids = [tx.put("k", number) for number in range(count)]
        ids += [tx.put("k", number) for number in range(count)]
    assert there in ids
    assert list(postgres.ids()) == sorted(set(ids))
    assert [postgres.get(id).payload for id in ids[:count]] == list(range(count))


def test_an_object_that_is_put_removed_and_put_again_is_there(postgres: PostgresStore) -> None:
    with postgres.transaction("test") as tx:
        for number in range(2 * batch.MANY):
            id = tx.put("k", number)
        tx.remove(id)
        assert tx.put("k", number) == id
    assert postgres.has(id)


def test_the_log_has_no_gap_where_a_move_was_undone(postgres: PostgresStore) -> None:
    def move(name: str) -> None:
        with postgres.transaction("test") as tx:
            tx.set_ref(name, tx.put("k", 1), why="test")
            if name == "undone":
                raise ZeroDivisionError

    move("a")
    with pytest.raises(ZeroDivisionError):
        move("undone")
    move("b")
    assert [one.number for one in postgres.moves_after(0, 9)] == [1, 2]


NAMES = ["Z", "a", "a b", "a-b", "a/b", "aa", "b", "é", "\u212a", "\uff21", "\U0001f600"]
"""By their bytes. The rules of a language would sort them in another way."""


def test_the_order_is_that_of_bytes_whatever_the_database_sorts_by(
    postgres: PostgresStore,
) -> None:
    with postgres.transaction("test") as tx:
        id = tx.put("k", 1)
        for name in reversed(NAMES):
            tx.set_ref(name, id, tags={"t": name}, why="x")
            tx.set_counter(name, 1)
            tx.add_entry("kind", name, 1, "new", 1)
    assert [ref.name for ref in postgres.refs()] == NAMES
    assert postgres.names() == NAMES
    assert [name for name, _ in postgres.counters("")] == NAMES
    assert postgres.entry_keys("kind") == NAMES
    assert [ref.name for ref in postgres.refs_by_tag("", "t")] == NAMES
    assert [ref.name for ref in postgres.refs_by_tag("", "t", low="a-b", high="b")] == NAMES[3:6]


def test_a_character_that_postgres_has_no_text_with_is_kept_in_tags(
    postgres: PostgresStore,
) -> None:
    with postgres.transaction("test") as tx:
        for name, value in {"a": "x\0y", "b": "x\1y", "c": "xy"}.items():
            tx.set_ref(name, tx.put("k", f"{name}\0"), tags={"t": value}, why="because of \0")
    assert [ref.name for ref in postgres.refs(tags={"t": "x\0y"})] == ["a"]
    assert [ref.tags["t"] for ref in postgres.refs_by_tag("", "t")] == ["x\0y", "x\1y", "xy"]
    for ask in (postgres.names, postgres.refs, postgres.counters, postgres.count_refs):
        assert not ask("a\0")
    assert postgres.entry("kind", "a\0") is None
    assert postgres.faults() == []


def test_no_statement_is_made_of_what_was_given(postgres: PostgresStore) -> None:
    name = "'; DROP TABLE uwf.ref; -- ?$1%s"
    with postgres.transaction("test") as tx:
        tx.set_ref(name, tx.put("k", name), tags={name: name}, why=name)
    assert [ref.tags for ref in postgres.refs(name, tags={name: name})] == [{name: name}]


def test_a_store_that_was_replaced_is_noticed(postgres: PostgresStore, emptied: str) -> None:
    assert not postgres.is_taken_away()
    with administrator(emptied) as connected:
        (before,) = connected.execute(
            "SELECT value FROM uwf.meta WHERE key = 'instance'"
        ).fetchone() or ("",)
        set_instance = "UPDATE uwf.meta SET value = %s WHERE key = 'instance'"
        connected.execute(set_instance, ("another",))
        assert postgres.is_taken_away()
        end_others(emptied)
        try:
            with pytest.raises(StoreError, match="replaced by another") as error:
                postgres.refs()
            assert error.value.code == "store_gone"
            assert postgres.is_taken_away(), "also by who finds that out as it connects again"
        finally:
            with administrator(emptied) as anew:
                anew.execute(set_instance, (before,))


def test_a_dump_that_was_put_back_is_another_store(database: str, tmp_path: Path) -> None:
    """What its sequences gave after the dump they give again: nobody writes under a lease of before."""
    programs, dump = postgres_programs.binaries(), f"{tmp_path}/dump"
    store = open_store(database)
    with administrator(database) as connected:
        connected.execute("SELECT nextval('uwf.lease_epoch')")
        subprocess.run(
            [f"{programs}/pg_dump", "--format=custom", f"--file={dump}", database], check=True
        )
    lease = store.leases.take("a thread")
    assert lease is not None
    restore = [f"{programs}/pg_restore", "--clean", "--if-exists", f"--dbname={database}", dump]
    subprocess.run(restore, check=True)
    anew = open_store(database)
    same = anew.leases.take("a thread")
    assert same is not None and same.epoch == lease.epoch
    late = store.transaction("test", lease=lease)
    with pytest.raises(StoreError, match="by a backup") as error, late as tx:
        tx.set_counter("a", 1)
    assert error.value.code == "store_gone"
    assert store.is_taken_away() and not anew.is_taken_away()
    with anew.transaction("test", lease=same) as tx:
        tx.set_counter("a", 2)
    assert anew.counter("a") == 2
    store.close()
    anew.close()


def test_an_outcome_that_cannot_be_learned_is_said(
    postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "OUTCOME_S", 0.0)
    with pytest.raises(StoreError, match="is not known"):
        postgres._database._ask_outcome("1", psycopg.OperationalError("gone"))


def test_a_pooler_that_gives_sessions_to_others_is_named(postgres: PostgresStore) -> None:
    for _ in range(10):
        assert postgres.ref("t/a") is None
    # Another session knows nothing of what was prepared in this one.
    postgres._database._plain.execute(b"DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
    with pytest.raises(
        StoreError, match="a pooler is in between that pools by transaction"
    ) as seen:
        postgres.ref("t/a")
    assert (seen.value.code, seen.value.hint) == ("store_pooled", "uwf help scale")


def test_so_it_is_where_another_session_finds_no_table(
    postgres: PostgresStore, emptied: str
) -> None:
    """It was never told where to look."""
    for begin in (nullcontext, lambda: postgres.transaction("test")):
        postgres._database._plain.execute(b"SET search_path TO public")
        with pytest.raises(StoreError, match="pools by transaction") as seen, begin():
            postgres.ref("t/b")
        assert seen.value.code == "store_pooled"
    postgres._database._plain.execute(b"SET search_path TO uwf")
    assert postgres.ref("t/b") is None
    with administrator(emptied) as connected:
        connected.execute("ALTER SCHEMA uwf RENAME TO away")
        try:
            with pytest.raises(StoreError, match="no store in") as gone:
                postgres.ref("t/b")
            assert gone.value.hint is not None and gone.value.hint.startswith("uwf store migrate")
        finally:
            connected.execute("ALTER SCHEMA away RENAME TO uwf")
