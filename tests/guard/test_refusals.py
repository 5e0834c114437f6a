"""Refusals are counted in a rolling window, and whatever befalls the counting, the refusal is what is told."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.guard.asking import Time
from uwf import clock
from uwf.errors import Busy, Refused, StoreBusy, StoreError
from uwf.guard import refusals
from uwf.guard.contract import refuse
from uwf.guard.success_rate import SuccessRate
from uwf.store.sqlite import SqliteStore, open_store


def note(store: SqliteStore, *reasons: str) -> None:
    for reason in reasons:
        refusals.note_refusal(store, SuccessRate.Rules(), refuse(reason, "not now"))


def test_reasons_are_counted_the_most_frequent_first(store: SqliteStore, time: Time) -> None:
    note(store, "draining", "paused", "paused")
    refusals.note_refusal(store, SuccessRate.Rules(), Busy("thread T1 is running"))
    counts = refusals.refusals(store, SuccessRate.Rules())
    assert list(counts.items()) == [("paused", 2), ("busy", 1), ("draining", 1)]


def test_a_refusal_counts_until_exactly_the_end_of_the_window(
    store: SqliteStore, time: Time
) -> None:
    note(store, "draining")
    time.pass_s(3599.999)
    assert refusals.refusals(store, SuccessRate.Rules()) == {"draining": 1}
    time.pass_s(0.001)
    assert refusals.refusals(store, SuccessRate.Rules()) == {}


def test_what_no_window_reaches_is_forgotten_also_of_other_reasons(
    store: SqliteStore, time: Time
) -> None:
    note(store, "draining", "draining", "paused")
    time.pass_s(7200.001)
    note(store, "paused")
    assert [sample.series for sample in store.samples(refusals.REFUSED, 0)] == ["refused/paused"]


def test_a_refusal_from_the_future_counts_as_of_now(store: SqliteStore, time: Time) -> None:
    time.jump_s(365 * 86_400)
    note(store, "draining")
    time.jump_s(-365 * 86_400)
    note(store, "draining")
    assert refusals.refusals(store, SuccessRate.Rules()) == {"draining": 2}
    time.pass_s(3600)
    assert refusals.refusals(store, SuccessRate.Rules()) == {}


def test_a_reason_from_the_future_leaves_those_alone_whose_names_begin_like_it(
    store: SqliteStore, time: Time
) -> None:
    time.jump_s(365 * 86_400)
    note(store, "drain", "draining")
    time.jump_s(-365 * 86_400)
    note(store, "drain")
    series = [sample.series.removeprefix("refused/") for sample in store.samples("refused/", 0)]
    assert sorted(series) == ["drain", "drain", "draining"]


@pytest.mark.parametrize(
    "fault",
    [
        StoreBusy("in use by another process"),
        StoreError("the disk is full", code="store_full"),
        StoreError("the file is read-only", code="store_readonly"),
        RuntimeError("a transaction is already open"),
    ],
)
def test_what_cannot_be_counted_is_let_go(
    fault: Exception, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def transaction(*args: Any, **how: Any) -> Any:
        raise fault

    monkeypatch.setattr(store, "transaction", transaction)
    refusal = refuse("draining", "not now")
    refusals.note_refusal(store, SuccessRate.Rules(), refusal)
    assert refusal.message == "not now"
    assert refusal.__notes__ == [f"and it could not be counted: {fault}"]


def test_another_writer_is_not_waited_for_as_for_a_step(tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    store = open_store(path, wait_s=60.0)
    other: AbstractContextManager[object] = open_store(path).transaction("test")
    with other:
        began_s = clock.monotonic_s()
        refusals.note_refusal(store, SuccessRate.Rules(), Refused("not now", reason="draining"))
        assert clock.monotonic_s() - began_s < 10
    assert refusals.refusals(store, SuccessRate.Rules()) == {}
    refusals.note_refusal(store, SuccessRate.Rules(), Refused("not now", reason="draining"))
    assert refusals.refusals(store, SuccessRate.Rules()) == {"draining": 1}
    store.close()


def test_a_store_that_lost_its_table_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    store = open_store(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE sample")
    refusals.note_refusal(store, SuccessRate.Rules(), Refused("not now", reason="draining"))
    store.close()
