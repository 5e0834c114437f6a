"""How long acts that run agents wait for other writers of the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.project import ONE
from uwf.app import App
from uwf.app.opened import RUN_S
from uwf.errors import NotFound
from uwf.store.sqlite import open_store

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
) -> None:
    (tmp_path / "one.yaml").write_text(ONE)
    with App.open(str(tmp_path / "home")) as app:
        open_store(app.store_path, create=True).close()
        if has_looked:
            app.threads()
        with pytest.raises(NotFound):
            run(app, str(tmp_path / "one.yaml"))
        assert app.store().wait_s == RUN_S
