"""What every test of guards may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.guard.asking import Time
from uwf.store.memory import MemoryStore


@pytest.fixture
def time() -> Iterator[Time]:
    with Time().patched() as time:
        yield time


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()
