"""What every test may ask for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.helpers.program import PROGRAM, Uwf

# A loaded machine is slow now and then, and a slow example is no failure.
settings.register_profile("uwf", deadline=None)
settings.load_profile("uwf")


@pytest.fixture
def uwf(tmp_path: Path) -> Uwf:
    """The installed command, with a home that does not exist yet and an empty working directory."""
    if not os.path.exists(PROGRAM):
        pytest.fail(f"uwf is not installed beside {sys.executable}: run scripts/test")
    cwd = tmp_path / "user" / "project"
    cwd.mkdir(parents=True)
    return Uwf(tmp_path / "home", cwd)
