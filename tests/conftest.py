"""What every test may ask for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.helpers import postgres
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


@pytest.fixture(scope="session")
def cluster() -> postgres.Cluster:
    """A running PostgreSQL. Tests that need one are skipped where there can be none."""
    why = postgres.missing()
    if why is not None:
        pytest.skip(f"no PostgreSQL: {why}")
    return postgres.shared()


@pytest.fixture
def database(cluster: postgres.Cluster) -> Iterator[str]:
    """The address of a PostgreSQL database that is this test's alone, with the tables of a store and nothing in it."""
    with cluster.database() as url:
        yield url


@pytest.fixture
def queue_url(database: str) -> str:
    """The same, with the queue of the workers."""
    import psycopg

    from uwf.jobs.schema import apply_schema

    with psycopg.connect(database, autocommit=True) as connection:
        apply_schema(connection)
    return database
