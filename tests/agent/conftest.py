"""What every test of agents may ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import hatch_build
from tests.agent.supervised import Supervised, descriptors, marked
from uwf.agent.process import platform, started


@pytest.fixture(params=["starter", "fork"])
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """How agents are started: by the starter, or by a fork as where that cannot be had."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "fork":
            patch.setattr(started, "STARTER", "/nowhere/start")
        elif not os.access(started.STARTER, os.X_OK):
            if hatch_build.this_machine() and shutil.which("cc"):
                pytest.fail("the starter was not compiled: install uwf again")
            pytest.skip("nothing here compiles the starter")
        yield str(request.param)


@pytest.fixture
def supervised(tmp_path: Path, way: str) -> Iterator[Supervised]:
    """Runs commands. Afterwards nothing of them may be left: no process, corpse, descriptor, file or setting."""
    mark = f"test-{os.urandom(6).hex()}"
    before, children = descriptors(), set(platform.children(os.getpid()))
    this = Supervised(tmp_path, mark)
    try:
        yield this
        this.stop.close()
        assert marked(mark) == []
        assert set(platform.children(os.getpid())) <= children
        assert descriptors() == before
        assert not platform.adopts()
        assert [path for path in tmp_path.iterdir() if path.name.startswith(".spool")] == []
    finally:
        for pid in marked(mark):
            os.kill(pid, 9)
