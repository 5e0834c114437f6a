"""What every test of guards may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.guard.asking import Time
from uwf.store.sqlite import SqliteStore, open_in_memory


@pytest.fixture
def time() -> Iterator[Time]:
    with Time().patched() as time:
        yield time


@pytest.fixture
def store() -> SqliteStore:
    return open_in_memory()
