"""The demo: what its commands are run with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from uwf.cli.demo import tour
from uwf.cli.screen.output import Output


def test_no_command_of_the_demo_waits_for_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "less")
    monkeypatch.setattr(tour, "own_command", lambda *words: ["sh", "-c", 'echo "<$PAGER>"'])
    ctx: Any = SimpleNamespace(out=Output(), home=str(tmp_path), json=False, quiet=False)
    assert tour.Tour(ctx, str(tmp_path)).run("thread", "read", keep=True).out == "<>\n"
