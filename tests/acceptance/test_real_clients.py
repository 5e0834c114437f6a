"""A short selection of `scripts/test-agents`, every run of the suite where npm is there: one real client."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "test_agents.py"
SKIPPED = 77


def test_the_real_claude_code_does_what_its_kind_is_made_for() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--short"],
        capture_output=True,
        text=True,
        timeout=300,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
    )
    if done.returncode == SKIPPED:
        pytest.skip(done.stderr.strip())
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.count(" ok ") == 6, done.stdout
    assert done.stdout.endswith("\n0 faults\n")
