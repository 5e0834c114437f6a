"""A drill: a backup is restored elsewhere, and a thread of it goes on there; here nothing changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.project import ONE, REVIEW
from uwf.app import App
from uwf.errors import NotFound, StateError, StoreError

DONE = "printf -- '---\\n$status: done\\nnote: fine\\n---\\nThe end.'"
ASKS = "printf -- '---\\n$status: $SUSPEND\\nreason: Which colour?\\n---\\n'"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(ONE)
    (tmp_path / "review.yaml").write_text(REVIEW)
    with App.open(str(tmp_path / "home")) as app:
        yield app


def state(app: App) -> object:
    return [(view.thread, view.head, view.status) for view in app.threads("all").threads]


@pytest.mark.parametrize("status", ["idle", "suspended", "completed", "failed"])
def test_a_thread_goes_on_whatever_state_it_is_in(app: App, status: str) -> None:
    thread = app.start("review.yaml" if status == "idle" else "one.yaml", "Do it.").thread
    agent = {"suspended": ASKS, "completed": DONE, "failed": "false"}.get(status)
    if agent is not None:
        list(app.exec(thread, agent=agent))
    made = app.backups.make()
    before = state(app)
    drill = app.backups.drill()
    assert (drill.thread, drill.file, drill.problem) == (thread, made.file, None)
    assert drill.duration_ms > 0
    assert app.backups.last_drill() == drill
    assert state(app) == before
    assert [name for name in os.listdir(app.home) if name.startswith("drill")] == []


def test_one_that_is_over_is_passed_by_and_none_need_be_there(app: App) -> None:
    first = app.start("one.yaml", "Do it.").thread
    app.backups.make()
    app.cancel(app.start("one.yaml", "Do it.").thread)
    app.backups.make()
    assert app.backups.drill().thread == first
    app.cancel(first)
    app.backups.make()
    assert app.backups.drill().thread is None


def test_switches_and_gone_folders_stand_in_no_way(app: App, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    thread = app.start("one.yaml", "Do it.", cwd=str(tmp_path / "work")).thread
    (tmp_path / "work").rmdir()
    app.guards.pause()
    app.guards.drain(True)
    app.backups.make()
    assert app.backups.drill().thread == thread


def test_threads_that_may_not_go_on_are_passed_by(app: App) -> None:
    first = app.start("one.yaml", "Do it.").thread
    for _ in range(6):
        list(app.exec(app.start("one.yaml", "Do it.", budget={"steps": 1}).thread, agent=DONE))
    app.backups.make()
    assert app.backups.drill().thread == first


def test_a_torn_backup_fails_the_drill_and_that_is_noted(app: App) -> None:
    app.start("one.yaml", "Do it.")
    made = app.backups.make()
    os.truncate(made.file, 9000)
    with pytest.raises(StoreError):
        app.backups.drill()
    drill = app.backups.last_drill()
    assert drill is not None and drill.problem is not None and made.file in drill.problem
    [finding] = app.health.examine(["backup"])
    assert finding.subject == "drill" and finding.hint == "uwf store drill"
    app.backups.make()
    app.backups.drill()
    assert app.health.examine(["backup"]) == []


def test_a_backup_whose_threads_cannot_go_on_fails_the_drill(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.start("one.yaml", "Do it.")
    app.backups.make()

    def fail(*_: object, **__: object) -> None:
        raise StateError("its workflow is lost")

    monkeypatch.setattr("uwf.engine.actions.drill._make_step", fail)
    with pytest.raises(StateError, match="no thread of the backup could go on: thread"):
        app.backups.drill()


def test_there_is_no_drill_without_a_backup(app: App) -> None:
    app.start("one.yaml", "Do it.")
    assert app.backups.drill_due_ms() is None
    with pytest.raises(NotFound) as error:
        app.backups.drill()
    assert error.value.hint == "uwf store backup"
    app.backups.make()
    assert app.backups.drill_due_ms() == 0
    drill = app.backups.drill()
    assert app.backups.drill_due_ms() == drill.at + 7 * 86_400_000
