"""A small crowd: `scripts/stress` with few threads, every run of the suite."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "stress.py"


def test_a_crowd_keeps_to_its_places_and_leaves_nothing(tmp_path: Path) -> None:
    words = ["--threads", "24", "--limit", "3", "--wait", "60", "--seed", "5"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *words],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.endswith("\n0 violations\n")
    assert len(re.findall(r"threads lost +0\n", done.stdout)) == 2
    assert len(re.findall(r"survivors +0\n", done.stdout)) == 2
    assert all(int(most) <= 3 for most in re.findall(r"at most (\d+) of 3", done.stdout))
    assert not re.search(r" 0 killed ", done.stdout), "the crowd was not disturbed"
