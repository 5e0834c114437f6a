"""The registry of the kinds of agents."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from uwf.agent import kinds


@pytest.mark.parametrize("kind", kinds.NAMES)
def test_every_kind_makes_an_agent_of_that_name(kind: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("writer: [{text: x}]")
    own = {"base_url": "http://127.0.0.1:1", "scenario": f"{tmp_path}/s.yaml"}
    agent = kinds.make(kind, "mine", ("sh", "-c", "exit"), own)
    assert agent.name == "mine"
    assert agent.unavailable("/", "/bin:/usr/bin") is None


def test_asking_which_kinds_there_are_imports_none_of_them() -> None:
    code = "import sys, uwf.agent.kinds as k; print(*(f'uwf.agent.kinds.{n}' in sys.modules for n in k.NAMES))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(told.stdout.split()) == {"False"}
