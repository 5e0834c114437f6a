"""Entries: what happens once by its key and has a state, the same in every store."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from tests.store.conftest import alter
from tests.store.test_counters import BAD
from uwf.errors import CounterUnreadable, InputError, NotFound
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_store
from uwf.store.values import Entry, Unreadable


def add(store: Store, *keys: str, at_ms: int = 10, state: str = "new", kind: str = "event") -> None:
    with store.transaction("test") as tx:
        for key in keys:
            assert tx.add_entry(kind, key, at_ms, state, {"key": key})


def keys(store: Store, **asked: Any) -> list[str]:
    return [entry.key for entry in store.entries("event", **asked)]


def test_an_entry_is_read_as_it_was_added(store: Store) -> None:
    add(store, "github/1")
    entry = Entry("event", "github/1", 10, "new", {"key": "github/1"})
    assert store.entry("event", "github/1") == entry
    assert store.entries("event") == [entry]
    assert store.entry("event", "github/2") is None
    assert store.entry("alert", "github/1") is None


def test_a_key_is_there_once_and_the_first_entry_stays(store: Store) -> None:
    add(store, "1")
    with store.transaction("test") as tx:
        assert not tx.add_entry("event", "1", 99, "other", "other")
        assert tx.add_entry("alert", "1", 99, "other", "other")
    assert store.entry("event", "1") == Entry("event", "1", 10, "new", {"key": "1"})
    assert store.entry("alert", "1") == Entry("alert", "1", 99, "other", "other")


def test_an_entry_changes_its_state_and_value_and_keeps_its_time(store: Store) -> None:
    add(store, "1", "2")
    with store.transaction("test") as tx:
        tx.set_entry("event", "1", state="told", value=[1, 2])
        assert tx.entry("event", "1") == Entry("event", "1", 10, "told", [1, 2])
    assert store.entry("event", "1") == Entry("event", "1", 10, "told", [1, 2])
    assert keys(store, state="new") == ["2"]
    with pytest.raises(NotFound, match="there is no event 3"), store.transaction("test") as tx:
        tx.set_entry("event", "3", state="told", value=None)


def test_entries_come_by_time_and_those_of_one_time_as_they_were_added(store: Store) -> None:
    add(store, "c", at_ms=30)
    add(store, "b", "a", at_ms=20)
    add(store, "d", at_ms=10)
    assert keys(store) == ["d", "b", "a", "c"]
    assert keys(store, newest_first=True) == ["c", "a", "b", "d"]
    assert keys(store, newest_first=True, limit=2) == ["c", "a"]
    assert keys(store, since_ms=20) == ["b", "a", "c"]
    assert keys(store, until_ms=20) == ["d"]
    assert keys(store, since_ms=20, until_ms=30, limit=1) == ["b"]
    assert keys(store, limit=0) == []
    with pytest.raises(InputError, match="cannot be negative"):
        keys(store, limit=-1)


def test_entries_are_listed_and_counted_by_state(store: Store) -> None:
    add(store, "1", state="new", at_ms=30)
    add(store, "2", state="told", at_ms=20)
    add(store, "3", state="ignored", at_ms=10)
    add(store, "1", kind="events")
    assert keys(store, state="told") == ["2"]
    assert keys(store, state=("new", "ignored")) == ["3", "1"]
    assert keys(store, state=()) == []
    assert [
        store.count_entries("event", state)
        for state in (None, "new", ("new", "told"), (), "unknown")
    ] == [3, 1, 2, 0, 0]
    assert store.count_entries("event", ("told", "ignored"), until_ms=20) == 1


def test_keys_are_found_by_how_they_begin_and_end(store: Store) -> None:
    add(store, "github/42", "gitea/42", "github/7", "é")
    add(store, "github/42", kind="alert")
    assert store.entry_keys("event") == ["gitea/42", "github/42", "github/7", "é"]
    assert store.entry_kinds() == ["alert", "event"]
    assert store.entry_keys("event", "github/") == ["github/42", "github/7"]
    assert store.entry_keys("event", ending="42", limit=1) == ["gitea/42"]
    assert store.entry_keys("event", "gith", ending="2") == ["github/42"]
    assert store.entry_keys("none") == []


def test_old_entries_are_dropped(store: Store) -> None:
    for number, state in enumerate(("told", "new", "told", "told")):
        add(store, str(number), at_ms=number, state=state)
    add(store, "0", at_ms=0, kind="alert")
    with store.transaction("test") as tx:
        assert tx.drop_entries("event", 3, ("told", "ignored")) == 2
    assert keys(store) == ["1", "3"]
    with store.transaction("test") as tx:
        assert tx.drop_entries("event", 3) == 1
        assert tx.drop_entries("event", 3) == 0
    assert (keys(store), store.count_entries("alert")) == (["3"], 1)


def test_a_transaction_that_fails_leaves_entries_as_they_were(store: Store) -> None:
    add(store, "1")
    with pytest.raises(ZeroDivisionError), store.transaction("test") as tx:
        tx.add_entry("event", "2", 1, "new", 1)
        tx.set_entry("event", "1", state="told", value=1)
        assert keys(tx, state="new") == ["2"]  # type: ignore[arg-type]
        tx.drop_entries("event", 100)
        raise ZeroDivisionError
    assert keys(store, state="new") == ["1"]


@pytest.mark.parametrize(
    "value",
    [2**64, -(2**63) - 1, {"deep": object()}, "\udcff"],
    ids=["big", "small", "object", "text"],
)
def test_a_value_that_cannot_be_stored_is_refused(store: Store, value: Any) -> None:
    why = "event 1 has a value that cannot be stored"
    with pytest.raises(InputError, match=why), store.transaction("test") as tx:
        tx.add_entry("event", "1", 1, "new", [value])
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(InputError, match="cannot be stored"), store.transaction("test") as tx:
        tx.add_entry("event", "1", 1, "new", deep)
    assert keys(store) == []


@pytest.mark.parametrize("key", ["", "x" * 301, "a\nb", "\udcff"])
def test_a_key_is_printable_and_not_too_long(store: Store, key: str) -> None:
    with pytest.raises(InputError, match="the key of the event"), store.transaction("test") as tx:
        tx.add_entry("event", key, 1, "new", 1)
    with pytest.raises(InputError, match="has a slash"), store.transaction("test") as tx:
        tx.add_entry("event/x", "1", 1, "new", 1)


@pytest.mark.parametrize("value", BAD)
def test_one_that_cannot_be_decoded_is_named_and_hides_no_other(store: Store, value: bytes) -> None:
    add(store, "a/1", "a/2")
    alter(store, "UPDATE entry SET value = ? WHERE key = 'a/1'", value)
    for read in (lambda: store.entry("event", "a/1"), lambda: store.entries("event")):
        with pytest.raises(CounterUnreadable, match=r"the value of event a/1 cannot be read: ."):
            read()
    told: list[Unreadable] = []
    assert keys(store, on_unreadable=told.append) == ["a/2"]
    assert [(one.kind, one.name) for one in told] == [("entry", "event/a/1")]
    assert store.unreadable() == told
    assert [fault for fault in store.faults() if "event a/1" in fault]
    with store.transaction("test") as tx:
        assert not tx.add_entry("event", "a/1", 1, "new", 1), "it was taken all the same"
        assert tx.drop_unreadable() == told
    assert (store.unreadable(), store.faults(), keys(store)) == ([], [], ["a/2"])


def test_a_store_of_before_there_were_entries_has_none_and_gets_them_with_a_write(
    disk: SqliteStore, path: str
) -> None:
    disk.close()
    with sqlite3.connect(path) as connection:
        connection.executescript("DROP TABLE entry")
    store, looking = open_store(path), open_store(path)
    assert (looking.entry("event", "1"), looking.entries("event")) == (None, [])
    assert (looking.count_entries("event"), looking.stats().entries) == (0, 0)
    assert (looking.unreadable(), looking.faults()) == ([], [])
    with pytest.raises(ZeroDivisionError), store.transaction("test"):
        raise ZeroDivisionError
    add(store, "1")
    assert keys(looking) == ["1"], "also for a connection that was open before"
    add(looking, "2")
    assert looking.stats().entries == 2
    store.close()
    looking.close()


def test_listings_of_entries_sort_nothing(disk: SqliteStore) -> None:
    add(disk, "1")
    run, plans = disk._database.run, []

    def explained(sql: str, args: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        if "FROM entry" in sql:
            plans.extend(row[3] for row in run(f"EXPLAIN QUERY PLAN {sql}", args).fetchall())
        return run(sql, args)

    disk._database.run = explained  # type: ignore[method-assign]
    disk.entries("event", limit=5)
    disk.entries("event", newest_first=True, since_ms=3)
    disk.entries("event", state="new", until_ms=9)
    disk.count_entries("event", "new")
    disk.entry_keys("event", "a")
    assert plans and not [plan for plan in plans if "SCAN" in plan or "TEMP" in plan], plans
