"""Whoever has a store in PostgreSQL open is told its time again and again, whatever it does with it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from uwf import clock
from uwf.store.postgres import PostgresStore, open_store


def write(store: PostgresStore) -> None:
    with store.transaction("test"):
        pass


def read(store: PostgresStore) -> None:
    with store.snapshot():
        pass


def look(store: PostgresStore) -> None:
    store.is_taken_away()


def hold(store: PostgresStore) -> None:
    lease = store.leases.take("told")
    assert lease is not None
    store.leases.asked(lease)
    store.leases.release(lease)


def begin(store: PostgresStore) -> None:
    open_store(store.place).close()


@pytest.mark.parametrize("do", [write, read, look, hold, begin])
def test_it_comes_with(
    postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch, do: Callable[[PostgresStore], None]
) -> None:
    told: list[tuple[int, float]] = []
    monkeypatch.setattr(clock, "told", lambda there_ms, asked_ms: told.append((there_ms, asked_ms)))
    began_ms = clock.steady_ms()
    do(postgres)
    [(there_ms, asked_ms)] = told
    assert there_ms / 1000 == pytest.approx(time.time(), abs=5)
    assert began_ms <= asked_ms <= clock.steady_ms()
