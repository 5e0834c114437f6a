"""Waiting for the lease of a thread."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guard.asking import Time
from uwf import clock
from uwf.engine.run import lock
from uwf.store.leases import FileLeases

THREAD = clock.ulid(1_700_000_000_000)
PATIENCE_S = 10.0


@pytest.fixture
def leases(tmp_path: Path) -> FileLeases:
    return FileLeases(str(tmp_path / "threads.lock"))


@pytest.fixture
def other(leases: FileLeases) -> Iterator[int]:
    """A process that holds the thread until the test has killed it."""
    held, holds = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            leases.take(THREAD)
            os.write(holds, b"x")
            time.sleep(60)
        finally:
            os._exit(0)
    os.close(holds)
    assert os.read(held, 1) == b"x"
    os.close(held)
    yield pid


def test_waiting_taker_gets_it_as_soon_as_it_is_free(leases: FileLeases, other: int) -> None:
    looks = 0

    def pause(seconds: float) -> bool:
        nonlocal looks
        looks += 1
        assert 0 < seconds < 0.1
        if looks == 3:
            os.kill(other, 9)
            os.waitpid(other, 0)
        return False

    lease = lock.take(leases, THREAD, wait_s=PATIENCE_S, pause=pause)
    assert lease is not None
    assert looks == 3
    leases.release(lease)


def test_waiting_ends_at_its_time(leases: FileLeases) -> None:
    lease = leases.take(THREAD)
    assert lease is not None
    moved = Time()

    def pause(seconds: float) -> bool:
        moved.pass_s(seconds)
        return False

    with moved.patched():
        began_s = moved.s
        assert lock.take(leases, THREAD, wait_s=5.0, pause=pause) is None
        assert 5.0 <= moved.s - began_s < 5.1
    leases.release(lease)


def test_what_a_pause_raises_ends_the_waiting(leases: FileLeases) -> None:
    lease = leases.take(THREAD)
    assert lease is not None

    def pause(seconds: float) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lock.take(leases, THREAD, wait_s=PATIENCE_S, pause=pause)
    leases.release(lease)


def test_a_pause_that_says_so_ends_the_waiting(leases: FileLeases) -> None:
    lease = leases.take(THREAD)
    assert lease is not None
    assert lock.take(leases, THREAD, wait_s=PATIENCE_S, pause=lambda seconds: True) is None
    leases.release(lease)
