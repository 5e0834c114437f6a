"""What the part that decides says, and what it sets aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.daemon.clocks import Clocks
from tests.helpers.flows import PAIR
from uwf.app import App
from uwf.app.unattended.events import Event
from uwf.daemon.deciding import Decisions
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import Quarantine
from uwf.engine.actions import lifecycle
from uwf.engine.chain import told
from uwf.engine.chain.tags import REGISTRY
from uwf.workflow import model

CONFIG = """
[[triggers]]
on = "hard"
find = { pr = "42" }
text = "{{ data }}"
[[triggers]]
on = "gone"
start = "no-such-workflow"
"""


class World:
    def __init__(self, home: Path, clocks: Clocks) -> None:
        (home / "config.toml").write_text(CONFIG)
        self.clocks = clocks
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.app = App.open(str(home))
        begin = lifecycle.Begin(PAIR, "Write.", str(home), {"pr": "42"})
        self.thread = lifecycle.start(self.app.store(create=True), begin).id
        runs: Any = None
        self.daemon = Daemon(
            self.app, runs, Quarantine(), lambda: None, lambda *said: self.said.append(said)
        )
        self.part = Decisions(self.daemon)

    def tick(self) -> float | None:
        return self.part.tick(self.clocks.wall_ms)

    def happens(self, name: str, id: str, data: str = "x") -> None:
        event = Event(id, "forge", name, self.clocks.wall_ms, trust="bot", data=data)
        self.app.events.take([event])


@pytest.fixture
def world(tmp_path: Path, clocks: Clocks) -> World:
    return World(tmp_path, clocks)


def test_who_is_told_is_said_and_who_is_not_stands_in_the_list(world: World) -> None:
    world.happens("hard", "1", "Look.")
    world.happens("nobody", "2")
    assert world.tick() == 0.0
    assert [word.text for word in told.waiting(world.app.store(), world.thread)] == ["Look."]
    [(text, facts)] = world.said
    assert text == f"event forge/1 is told: {world.thread}"
    assert (facts["what"], facts["event"]) == ("event_told", "forge/1")
    assert facts["threads"] == [world.thread]


def test_what_a_person_has_to_mend_is_said(world: World) -> None:
    world.happens("gone", "1")
    world.tick()
    [(text, facts)] = world.said
    assert text.startswith("event forge/1 is refused: no workflow 'no-such-workflow'")
    assert facts["reason"] == "cannot_start"


def test_what_cannot_be_read_is_set_aside_until_it_is_gone(world: World) -> None:
    world.happens("hard", "1")
    store = world.app.store()
    store._database.run("UPDATE entry SET value = x'c1'")
    bad = {**model.to_payload(PAIR), "on": [{"on": "b", "agent": "x"}]}
    with store.transaction("workflow add") as tx:
        tx.set_ref(REGISTRY + "odd", tx.put("workflow", bad), why="test")
    for _ in range(2):
        world.tick()
    aside = world.daemon.quarantine.all()
    assert [(one.kind, one.name) for one in aside] == [
        ("event", "event/forge/1"),
        ("trigger", "2"),
        ("trigger", "odd"),
    ]
    with store.transaction("doctor counters") as tx:
        tx.drop_unreadable()
        tx.delete_ref(REGISTRY + "odd", why="test")
    world.tick()
    assert [one.name for one in world.daemon.quarantine.all()] == ["2"]


def test_a_home_without_a_store_has_nothing_to_decide(tmp_path: Path, clocks: Clocks) -> None:
    runs: Any = None
    app = App.open(str(tmp_path / "new"))
    part = Decisions(Daemon(app, runs, Quarantine(), lambda: None, lambda *_: None))
    assert part.tick(clocks.wall_ms) is None
    assert not (tmp_path / "new").exists()
