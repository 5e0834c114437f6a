"""A store of each kind, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_in_memory, open_store


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


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest) -> Store:
    store: Store = request.getfixturevalue(request.param)
    return store
