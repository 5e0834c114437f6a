"""Counters and samples: what guards keep, the same in every store."""

from __future__ import annotations

import pytest

from uwf.store.protocols import Sample, Store


def test_a_counter_has_the_value_it_was_given(store: Store) -> None:
    with store.transaction() as tx:
        tx.set_counter("breaker/codex", {"state": "open", "failures": 3})
    assert store.counter("breaker/codex") == {"state": "open", "failures": 3}


def test_a_counter_that_was_never_set_is_none(store: Store) -> None:
    assert store.counter("breaker/codex") is None


def test_none_removes_a_counter(store: Store) -> None:
    with store.transaction() as tx:
        tx.set_counter("pause/all", 1)
        tx.set_counter("pause/all", None)
        tx.set_counter("pause/none", None)
    assert store.counters("pause/") == []


def test_counters_are_listed_by_prefix_in_order(store: Store) -> None:
    with store.transaction() as tx:
        for name in ("queue/b", "queue/a", "quota", "queues/c"):
            tx.set_counter(name, name)
    assert store.counters("queue/") == [("queue/a", "queue/a"), ("queue/b", "queue/b")]


def test_a_transaction_sees_its_own_counters_and_a_failed_one_leaves_none(store: Store) -> None:
    with store.transaction() as tx:
        tx.set_counter("a", 1)
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        tx.set_counter("a", 2)
        tx.set_counter("b", 1)
        tx.add_sample("s", 1, 10)
        assert (tx.counter("a"), tx.counter("b")) == (2, 1)
        assert tx.samples("s", 0) == [Sample("s", 10, 1)]
        raise ZeroDivisionError
    assert (store.counter("a"), store.counter("b"), store.samples("s", 0)) == (1, None, [])


def test_samples_come_in_the_order_of_their_time_from_the_moment_asked_for(store: Store) -> None:
    with store.transaction() as tx:
        tx.add_sample("step/x", "late", 30)
        tx.add_sample("step/y", "early", 10)
        tx.add_sample("step/x", "edge", 20)
        tx.add_sample("other", "no", 25)
    assert [sample.value for sample in store.samples("step/", 20)] == ["edge", "late"]


def test_dropped_samples_are_those_before_the_moment(store: Store) -> None:
    with store.transaction() as tx:
        for at_ms in (10, 20, 30):
            tx.add_sample("step/x", at_ms, at_ms)
            tx.add_sample("step/x/more", at_ms, at_ms)
        tx.drop_samples("step/x", 20)
    assert [sample.at_ms for sample in store.samples("step/x", 0)] == [10, 20, 20, 30, 30]
    assert len(store.samples("step/x/more", 0)) == 3


def test_samples_of_one_series_are_counted_from_the_moment_asked_for(store: Store) -> None:
    with store.transaction() as tx:
        for at_ms in (10, 20, 30):
            tx.add_sample("step/x", at_ms, at_ms)
            tx.add_sample("step/xy", at_ms, at_ms)
    assert [store.count_samples("step/x", since_ms) for since_ms in (0, 20, 31)] == [3, 2, 0]
