"""Counters and samples: what guards keep, the same in every store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from tests.store.conftest import alter
from uwf.errors import StoreError
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore
from uwf.store.values import Sample


def test_a_counter_has_the_value_it_was_given(store: Store) -> None:
    with store.transaction("test") as tx:
        tx.set_counter("breaker/codex", {"state": "open", "failures": 3})
    assert store.counter("breaker/codex") == {"state": "open", "failures": 3}


def test_a_counter_that_was_never_set_is_none(store: Store) -> None:
    assert store.counter("breaker/codex") is None


def test_none_removes_a_counter(store: Store) -> None:
    with store.transaction("test") as tx:
        tx.set_counter("pause/all", 1)
        tx.set_counter("pause/all", None)
        tx.set_counter("pause/none", None)
    assert store.counters("pause/") == []


def test_a_value_that_was_read_may_be_changed_without_a_change_to_the_counter(store: Store) -> None:
    with store.transaction("test") as tx:
        tx.set_counter("n", {"steps": 1})
        tx.counter("n")["steps"] = 2
        assert tx.counter("n") == {"steps": 1}
    assert store.counter("n") == {"steps": 1}


def test_what_a_transaction_has_read_is_what_it_sets_afterwards(store: Store) -> None:
    with store.transaction("test") as tx:
        for value in (None, 1, None, 2):
            tx.set_counter("n", value)
            assert tx.counter("n") == value
            assert tx.counters("n") == ([] if value is None else [("n", value)])


def test_counters_are_listed_by_prefix_in_order(store: Store) -> None:
    with store.transaction("test") as tx:
        for name in ("queue/b", "queue/a", "quota", "queues/c"):
            tx.set_counter(name, name)
    assert store.counters("queue/") == [("queue/a", "queue/a"), ("queue/b", "queue/b")]


def test_a_transaction_sees_its_own_counters_and_a_failed_one_leaves_none(store: Store) -> None:
    with store.transaction("test") as tx:
        tx.set_counter("a", 1)
    with pytest.raises(ZeroDivisionError), store.transaction("test") as tx:
        tx.set_counter("a", 2)
        tx.set_counter("b", 1)
        tx.add_sample("s", 1, 10)
        assert (tx.counter("a"), tx.counter("b")) == (2, 1)
        assert tx.samples("s", 0) == [Sample("s", 10, 1)]
        raise ZeroDivisionError
    assert (store.counter("a"), store.counter("b"), store.samples("s", 0)) == (1, None, [])


def test_samples_come_in_the_order_of_their_time_from_the_moment_asked_for(store: Store) -> None:
    with store.transaction("test") as tx:
        tx.add_sample("step/x", "late", 30)
        tx.add_sample("step/y", "early", 10)
        tx.add_sample("step/x", "edge", 20)
        tx.add_sample("other", "no", 25)
    assert [sample.value for sample in store.samples("step/", 20)] == ["edge", "late"]


def test_dropped_samples_are_those_before_the_moment(store: Store) -> None:
    with store.transaction("test") as tx:
        for at_ms in (10, 20, 30):
            tx.add_sample("step/x", at_ms, at_ms)
            tx.add_sample("step/x/more", at_ms, at_ms)
        tx.drop_samples("step/x", 20)
    assert [sample.at_ms for sample in store.samples("step/x", 0)] == [10, 20, 20, 30, 30]
    assert len(store.samples("step/x/more", 0)) == 3


def test_samples_of_one_series_are_counted_from_the_moment_asked_for(store: Store) -> None:
    with store.transaction("test") as tx:
        for at_ms in (10, 20, 30):
            tx.add_sample("step/x", at_ms, at_ms)
            tx.add_sample("step/xy", at_ms, at_ms)
    assert [store.count_samples("step/x", since_ms) for since_ms in (0, 20, 31)] == [3, 2, 0]


BAD = (b"\xc1\xc1", b"\x93", b"\x01\x01", b"")
"""Bytes that are no MessagePack, too few, too many, and none."""


def spoil(store: Store, value: bytes) -> None:
    """Two counters and two series, of each of which one holds `value`."""
    with store.transaction("test") as tx:
        for name in ("breaker/a", "queue/b"):
            tx.set_counter(name, 1)
        for series, at_ms in (("step/x", 10), ("step/x", 20), ("step/y", 30)):
            tx.add_sample(series, at_ms, at_ms)
    alter(store, "UPDATE counter SET value = ? WHERE name = 'breaker/a'", value)
    alter(store, "UPDATE sample SET value = ? WHERE at_ms = 20", value)


@pytest.mark.parametrize("value", BAD)
def test_a_value_that_cannot_be_decoded_is_an_error_that_names_it(
    store: Store, value: bytes
) -> None:
    spoil(store, value)
    reads: list[tuple[str, Callable[[], object]]] = [
        ("counter breaker/a", lambda: store.counter("breaker/a")),
        ("counter breaker/a", lambda: store.counters("breaker/")),
        ("a sample of step/x", lambda: store.samples("step/", 0)),
    ]
    for name, read in reads:
        with pytest.raises(StoreError, match=f"{name} cannot be read: .") as caught:
            read()
        assert (caught.value.code, caught.value.hint) == ("bad_counter", "uwf doctor --repair")
    assert store.counters("queue/") == [("queue/b", 1)]
    assert store.count_samples("step/x", 0) == 2


@pytest.mark.parametrize("value", BAD)
def test_what_cannot_be_decoded_is_found_and_removed_and_nothing_else(
    store: Store, value: bytes
) -> None:
    assert store.unreadable() == []
    spoil(store, value)
    found = store.unreadable()
    assert [(one.kind, one.name) for one in found] == [
        ("counter", "breaker/a"),
        ("sample", "step/x"),
    ]
    with pytest.raises(ZeroDivisionError), store.transaction("test") as tx:
        tx.drop_unreadable()
        raise ZeroDivisionError
    assert store.unreadable() == found
    with store.transaction("test") as tx:
        assert tx.drop_unreadable() == found
    assert store.unreadable() == []
    assert store.counter("breaker/a") is None
    assert store.counters("") == [("queue/b", 1)]
    assert [sample.at_ms for sample in store.samples("", 0)] == [10, 30]


def test_a_value_of_another_type_is_unreadable_too(disk: SqliteStore) -> None:
    with disk.transaction("test") as tx:
        tx.set_counter("switch/drain", 1)
    with sqlite3.connect(disk.place) as connection:
        connection.execute("UPDATE counter SET value = 'on'")
    with pytest.raises(StoreError, match="counter switch/drain cannot be read"):
        disk.counter("switch/drain")
    with disk.transaction("test") as tx:
        assert len(tx.drop_unreadable()) == 1
    assert disk.counters("") == []
