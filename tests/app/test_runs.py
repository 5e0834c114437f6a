"""How acts that run agents open the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.project import ONE
from uwf.app import App
from uwf.app.opened import RUN_S
from uwf.errors import NotFound
from uwf.store import sqlite

NOBODY = "01HF7YAT000000000000AAAAAA"


@pytest.mark.parametrize(
    "run",
    [
        lambda app, _: app.exec(NOBODY),
        lambda app, file: app.exec(NOBODY, workflow=file),
        lambda app, _: app.resume(NOBODY),
        lambda app, _: app.poke(NOBODY, "shorter"),
    ],
    ids=["exec", "exec --workflow", "resume", "poke"],
)
@pytest.mark.parametrize("has_looked", [False, True])
def test_what_runs_an_agent_waits_long_for_other_writers(
    run: Callable[[App, str], object],
    has_looked: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "one.yaml").write_text(ONE)
    waits_s: list[float] = []
    open_store = sqlite.open_store

    def watched(path: str, *, wait_s: float, **more: Any) -> sqlite.SqliteStore:
        waits_s.append(wait_s)
        return open_store(path, wait_s=wait_s, **more)

    with App.open(str(tmp_path / "home")) as app:
        open_store(app.store_path, create=True).close()
        if has_looked:
            app.threads()
        monkeypatch.setattr(sqlite, "open_store", watched)
        with pytest.raises(NotFound):
            run(app, str(tmp_path / "one.yaml"))
    assert waits_s == [RUN_S]
