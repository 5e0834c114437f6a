"""Three machines that share a store, one of which is killed: what a reader of the guide runs first."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.helpers import postgres

CLUSTER = Path(__file__).parent.parent.parent / "scripts" / "cluster.py"


def test_the_threads_of_a_machine_that_is_killed_are_finished_by_others(
    cluster: postgres.Cluster,
) -> None:
    done = subprocess.run(
        [sys.executable, str(CLUSTER), "--threads", "5"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done
    assert "each thread has its two steps, once; the store is whole; steps: 10" in done.stdout
    after = re.search(r"completed, ([\d.]+) s after that; a lease lasts (\d+) s", done.stdout)
    assert after is not None and float(after[1]) < 60
    folder = re.search(r"PostgreSQL runs in (\S+)/pg", done.stdout)
    assert folder is not None and not Path(folder[1]).exists()
