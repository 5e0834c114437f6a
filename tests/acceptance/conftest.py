"""What acceptance tests may ask for."""

from __future__ import annotations

import pytest

from tests.helpers.program import Uwf
from tests.helpers.project import Project


@pytest.fixture
def project(uwf: Uwf) -> Project:
    """`uwf` in the folder of a project, with every call checked against what holds for all commands."""
    return Project(uwf.home, uwf.cwd)
