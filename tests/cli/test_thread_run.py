"""How the commands that run agents open the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.project import ONE
from uwf.cli import thread_run
from uwf.cli.command import Common
from uwf.cli.context import Context
from uwf.cli.output import Output
from uwf.errors import NotFound
from uwf.store import sqlite

NOBODY = "01HF7YAT000000000000AAAAAA"


@pytest.mark.parametrize(
    "run",
    [
        lambda ctx, _: thread_run.exec_(ctx, NOBODY),
        lambda ctx, file: thread_run.exec_(ctx, NOBODY, workflow=file),
        lambda ctx, _: thread_run.resume(ctx, NOBODY),
        lambda ctx, _: thread_run.poke(ctx, NOBODY, prompt="shorter"),
    ],
    ids=["exec", "exec --workflow", "resume", "poke"],
)
def test_what_runs_an_agent_waits_long_for_other_writers(
    run: Callable[[Context, str], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.yaml").write_text(ONE)
    ctx = Context(Common(home=str(tmp_path / "home")), Output())
    sqlite.open_store(ctx.store_path, create=True).close()
    waits_s: list[float] = []
    open_store = sqlite.open_store

    def watched(path: str, *, wait_s: float, **more: Any) -> sqlite.SqliteStore:
        waits_s.append(wait_s)
        return open_store(path, wait_s=wait_s, **more)

    monkeypatch.setattr(sqlite, "open_store", watched)
    with pytest.raises(NotFound):
        run(ctx, str(tmp_path / "one.yaml"))
    ctx.close()
    assert waits_s == [thread_run.PATIENCE_S]
