"""The PostgreSQL that tests get: each its own, and nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.helpers import postgres

ROOT = Path(__file__).parent.parent.parent


def test_each_database_is_its_own_and_goes_with_its_test(cluster: postgres.Cluster) -> None:
    with cluster.database() as one, cluster.database() as other:
        with psycopg.connect(one) as first:
            first.execute("CREATE TABLE made_here (x int)")
        with psycopg.connect(other) as second, pytest.raises(psycopg.errors.UndefinedTable):
            second.execute("SELECT * FROM made_here")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(one)


def test_a_cluster_ends_with_the_last_that_uses_it_killed_or_not(
    cluster: postgres.Cluster,
) -> None:
    folder = f"{cluster.folder}-k"
    program = (
        "import sys; from tests.helpers.postgres import open_cluster\n"
        f"cluster = open_cluster({folder!r}); cluster.run('SELECT 1'); print('up', flush=True)\n"
        "sys.stdin.read()"
    )
    words = [sys.executable, "-c", program]
    users = [
        subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        for _ in range(2)
    ]
    for user in users:
        assert user.stdout is not None and user.stdout.readline() == b"up\n"
    server = int(Path(folder, "data", "postmaster.pid").read_text().split()[0])
    users[0].communicate()
    os.kill(server, 0)
    os.killpg(users[1].pid, signal.SIGKILL)
    users[1].communicate()
    deadline = time.monotonic() + 20
    while (os.path.exists(folder) or is_there(server)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not os.path.exists(folder) and not is_there(server)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
