"""What ends the sleep of the loop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from uwf import clock
from uwf import home as paths
from uwf.app.unattended import poke
from uwf.daemon.loop.wakeups import Wakeups


@pytest.fixture
def wakeups(tmp_path: Path) -> Iterator[Wakeups]:
    found = Wakeups(str(tmp_path))
    yield found
    found.close()


def is_woken(wakeups: Wakeups, home: Path) -> bool:
    """Whether a poke ends its sleep, which would be long."""
    poke.send(str(home))
    begun_s = clock.monotonic_s()
    wakeups.until(3)
    return clock.monotonic_s() - begun_s < 2


def test_a_socket_that_was_removed_is_made_again_at_the_next_look(
    wakeups: Wakeups, tmp_path: Path
) -> None:
    assert is_woken(wakeups, tmp_path)
    os.unlink(paths.daemon_socket(str(tmp_path)))
    wakeups.until(0)
    assert is_woken(wakeups, tmp_path)


def test_one_that_could_not_listen_does_as_soon_as_it_can(tmp_path: Path) -> None:
    in_the_way = Path(paths.daemon_socket(str(tmp_path)))
    in_the_way.mkdir()
    wakeups = Wakeups(str(tmp_path))
    try:
        wakeups.until(0)
        assert wakeups.deaf is not None
        in_the_way.rmdir()
        wakeups.until(0)
        assert wakeups.deaf is None
        assert is_woken(wakeups, tmp_path)
    finally:
        wakeups.close()
