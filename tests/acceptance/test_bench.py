"""`scripts/bench` runs on the tree as it is. What it measures is not looked at here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench.py"


@pytest.mark.parametrize("guards", [[], ["--without-guards"]], ids=["with guards", "without"])
def test_its_parts_load_and_its_steps_run(tmp_path: Path, guards: list[str]) -> None:
    home = tmp_path / "home"
    words = [sys.executable, SCRIPT, "--only-steps", "3", "--folder", home, *guards]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert (home / "store.db").exists()
