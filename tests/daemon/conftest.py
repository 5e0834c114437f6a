"""What tests of the daemon may ask for."""

from __future__ import annotations

import pytest

from tests.daemon.clocks import Clocks
from uwf import clock


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """The clocks that all of uwf sees."""
    found = Clocks()
    monkeypatch.setattr(clock, "now_ms", lambda: found.wall_ms)
    monkeypatch.setattr(clock, "monotonic_s", lambda: found.steady_s)
    return found
