"""The part that looks at schedules: when it wants to be asked again, what it says, what it sets aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.project import ONE
from uwf import config
from uwf.app import App
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import Quarantine
from uwf.daemon.scheduling import Scheduling

HOUR_MS = 3_600_000
BEGIN_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS


class World:
    """A daemon with one schedule, each hour."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home = folder / "home"
        home.mkdir()
        (folder / "one.yaml").write_text(ONE)
        (home / "config.toml").write_text(
            f'[[schedules]]\nname = "night"\nevery = "1h"\nstart = "{folder}/one.yaml"\n'
            f'prompt = "Tidy up."\ncwd = "{folder}"\n'
        )
        self.ms = BEGIN_MS
        monkeypatch.setattr("uwf.clock.now_ms", lambda: self.ms)
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.app = App.open(str(home))
        runs: Any = None
        self.quarantine = Quarantine()
        self.daemon = Daemon(
            self.app, runs, self.quarantine, lambda: None, lambda *said: self.said.append(said)
        )
        self.part = Scheduling(self.daemon)

    def tick(self, later_ms: int = 0) -> float | None:
        self.ms += later_ms
        return self.part.tick(self.ms)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(config, "local_zone", lambda: "UTC")
    return World(tmp_path, monkeypatch)


def test_it_wants_to_be_asked_when_the_next_time_is_due(world: World) -> None:
    assert world.tick(1000) == 3599.0
    assert world.tick(30_000) == 3569.0
    assert world.said == []


def test_what_has_started_is_said_and_there_is_an_event_to_decide(world: World) -> None:
    world.tick()
    assert world.tick(HOUR_MS) == 0.0
    [(text, facts)] = world.said
    [view] = world.app.schedules.log("night")
    assert text == f"schedule night: started {view.threads[0]}"
    assert (facts["what"], facts["thread"]) == ("occurrence_started", view.threads[0])
    assert world.tick() == 3600.0
    [line] = world.app.log.newest(words="occurrence_started")
    assert "night" in str(line)


def test_while_the_daemon_ends_nothing_is_begun(world: World) -> None:
    world.tick()
    world.daemon.is_draining = True
    assert world.tick(HOUR_MS) is None
    assert world.app.schedules.log("night") == []


def test_one_whose_workflow_is_not_there_is_set_aside_with_file_line_and_nearest_name(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "home" / "config.toml"
    (tmp_path / ".workflows").mkdir()
    (tmp_path / "one.yaml").rename(tmp_path / ".workflows" / "tidy.yaml")
    file.write_text(file.read_text().replace(f"{tmp_path}/one.yaml", "tiddy"))
    world.app.reload_config()
    world.tick()
    [one] = world.quarantine.all()
    assert (one.kind, one.name) == ("schedule", "night")
    assert one.why.startswith(f"{file}:4: no workflow 'tiddy'")
    assert one.why.endswith("did you mean tidy?")
    file.write_text(file.read_text().replace("tiddy", "tidy"))
    world.app.reload_config()
    world.tick()
    assert world.quarantine.all() == []


def test_what_cannot_be_read_is_set_aside_and_let_go_again(world: World) -> None:
    world.tick()
    store = world.app.store()
    with store.transaction("test") as tx:
        [entry] = store.entries("schedule")
        tx.set_entry("schedule", "night", state="on", value={})
    world.tick(HOUR_MS)
    assert [(one.kind, one.name) for one in world.quarantine.all()] == [("schedule", "night")]
    with store.transaction("test") as tx:
        tx.set_entry("schedule", "night", state="on", value=entry.value)
    world.tick()
    assert world.quarantine.all() == []
