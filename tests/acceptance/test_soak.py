"""Two hours of the daemon in half a minute: see scripts/soak, which plays whole days."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parent.parent.parent / "scripts" / "soak.py"


@pytest.mark.parametrize("seed", [3])
def test_nothing_is_lost_doubled_or_late_in_two_hours_with_a_kill(seed: int) -> None:
    words = ["--hours", "2", "--threads", "8", "--per-hour", "20", "--burst", "100"]
    done = subprocess.run(
        [sys.executable, SOAK, *words, "--seed", str(seed)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = dict(line.split("  ", 1) for line in done.stdout.splitlines() if "  " in line)
    facts = {name.strip(): text.strip() for name, text in lines.items()}
    assert int(facts["words that must be told"]) > 20
    assert facts["told never"] == facts["told twice"] == "0"
    assert facts["occurrences missed, doubled"] == "0, 0"
    assert int(facts["runs"]) > 10


def test_a_clock_that_is_lost_is_a_fault() -> None:
    """What looks at the world sees what is wrong with one."""
    sys.path.insert(0, str(SOAK.parent))
    try:
        from soaking.load import make
        from soaking.verdict import Verdict, _wakes
    finally:
        sys.path.remove(str(SOAK.parent))
    verdict = Verdict()
    _wakes([{"what": "run", "late": 1001}], verdict)
    assert verdict.faults
    assert make(1, 2.0, 8, 20, 100).told == make(1, 2.0, 8, 20, 100).told != {}
