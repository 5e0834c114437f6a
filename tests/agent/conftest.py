"""What every test of agents may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.supervised import Supervised, descriptors, marked
from uwf.agent.process import platform


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    """Runs commands. Afterwards nothing of them may be left: no process, zombie, descriptor, file or setting."""
    mark = f"test-{os.urandom(6).hex()}"
    before, children = descriptors(), set(platform.children(os.getpid()))
    this = Supervised(tmp_path, mark)
    try:
        yield this
        this.stop.close()
        assert marked(mark) == []
        assert set(platform.children(os.getpid())) <= children
        assert descriptors() <= before  # what an earlier test has left may be given back meanwhile
        assert not platform.is_subreaper()
        assert [path for path in tmp_path.iterdir() if path.name.startswith(".spool")] == []
    finally:
        for pid in marked(mark):
            os.kill(pid, 9)
