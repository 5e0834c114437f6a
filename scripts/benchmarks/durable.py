"""A step in PostgreSQL against one of DBOS, which keeps workflows in PostgreSQL too: both durable, each its own way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import columns, report, seconds
from benchmarks.stepping import Unguarded, Uwf
from tests.helpers.postgres import Cluster
from uwf.engine.run.admission import Admission

AT_ONCE = 50
TARGET = 1.5


def bench_durable(folder: Path, cluster: Cluster, rounds: int) -> None:
    """DBOS is that of DBOS_PYTHON, else of this Python. It has no guards: the target is that of a step without them."""
    from uwf.store.postgres import open_store

    python = os.environ.get("DBOS_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import dbos"], capture_output=True).returncode:
        print("SKIPPED: a step against one of DBOS: pip install dbos, and DBOS_PYTHON=its Python")
        return
    with (
        cluster.database() as url,
        cluster.database("template0") as other,
        _dbos(python, other) as theirs,
    ):
        for name, admission, target in (
            ("step, against one of DBOS", Unguarded, TARGET),
            ("step with guards, against the same", Admission, None),
        ):
            home = folder / admission.__name__
            home.mkdir()
            ours = Uwf(home, admission, open_store(url))
            pairs = [(_stepped(ours), _asked(theirs)) for _ in range(rounds + 1)]
            report(name, *columns(pairs[1:]), target, most=False)
            ours.store.close()


def _stepped(ours: Uwf) -> float:
    """Seconds a step."""
    return seconds(lambda: ours.steps(AT_ONCE)) / AT_ONCE


def _asked(process: subprocess.Popen[str]) -> float:
    """The same of DBOS."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{AT_ONCE}\n")
    process.stdin.flush()
    return float(process.stdout.readline()) / AT_ONCE


@contextmanager
def _dbos(python: str, url: str) -> Iterator[subprocess.Popen[str]]:
    script = str(Path(__file__).with_name("dbos_steps.py"))
    with subprocess.Popen(
        [python, script, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()
