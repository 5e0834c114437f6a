"""A short night: `scripts/night` with few threads, every run of the suite."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "night.py"


def test_in_the_morning_no_thread_waits_for_what_time_has_cured(tmp_path: Path) -> None:
    words = ["--threads", "10", "--limit", "10", "--speed", "160"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *words],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.endswith("\n0 violations\n")
    for name in ("overloaded", "refusing", "limited", "throttled"):
        assert re.search(rf"^{name} +2 +0 +0 +[1-9]\d*$", done.stdout, re.M), done.stdout
    assert re.search(r"^expired +0 +2 +0 +0$", done.stdout, re.M), done.stdout
