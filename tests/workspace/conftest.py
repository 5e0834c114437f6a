"""A repository for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.repository import copied


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return copied(tmp_path / "repo")
