"""A person is told what that person must know: once, again when it could not be delivered, and that it is over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uwf import config
from uwf.app import App
from uwf.app.unattended.schedules import Schedules
from uwf.app.values import Alarm, Inbox, InboxItem
from uwf.daemon.alerts import delivery
from uwf.daemon.alerts.alerting import BAD_CONFIG, Alerting
from uwf.daemon.alerts.delivery import SendResult
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import CONFIG, HOME, Quarantine
from uwf.engine.query.home import due
from uwf.engine.query.home.due import Waits
from uwf.engine.upkeep.alerts import GATHER_MS, WAITS


class World:
    """A daemon whose messages go into a list, or nowhere."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (home / "config.toml").write_text('[alerts]\ncommand = "/bin/true"\n')
        self.ms, self.s = 1_700_000_000_000, 0.0
        monkeypatch.setattr("uwf.clock.now_ms", lambda: self.ms)
        monkeypatch.setattr("uwf.clock.monotonic_s", lambda: self.s)
        monkeypatch.setattr(delivery, "deliver", self._deliver)
        self.sent: list[str] = []
        self.fails: dict[str, str] = {}
        self.said: list[str] = []
        self.app = App.open(str(home))
        runs: Any = None
        self.quarantine = Quarantine()
        self.daemon = Daemon(self.app, runs, self.quarantine, lambda: None, self._hear)
        self.part = Alerting(self.daemon)

    def _hear(self, text: str, _facts: object) -> None:
        self.said.append(text)

    def _deliver(
        self, home: str, rules: Any, level: str, subject: str, text: str, stop: Any
    ) -> SendResult:
        is_out = "alerts.command" not in self.fails
        if is_out:
            self.sent.append(text)
        return SendResult(is_out, dict(self.fails))

    def pass_s(self, seconds: float) -> None:
        """So much time passes, and the part is asked twice: to send, and to take what came of it."""
        self.ms += int(seconds * 1000)
        self.s += seconds
        for _ in range(2):
            self.part.tick(self.ms)
            thread = self.part._message._thread
            if thread is not None:
                thread.join(5)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(config, "local_zone", lambda: "UTC")
    return World(tmp_path, monkeypatch)


def test_what_is_set_aside_is_told_together_once_and_when_it_is_over(world: World) -> None:
    world.quarantine.set_aside("trigger", "review", "no such workflow")
    world.quarantine.set_aside("thread", "01J", "its chain is damaged")
    world.pass_s(1)
    assert world.sent == []
    world.pass_s(GATHER_MS / 1000)
    [text] = world.sent
    assert "P1: trigger review is set aside: no such workflow" in text
    assert "thread 01J" in text
    world.pass_s(7200)
    assert len(world.sent) == 1
    world.quarantine.let_go("trigger", "review")
    world.pass_s(7200)
    world.pass_s(7200)
    assert world.sent[1:] == ["over: trigger review is set aside: no such workflow\n"]


def test_what_could_not_be_delivered_is_tried_again_later_and_later(world: World) -> None:
    world.fails = {"alerts.command": "no route"}
    world.app.alerts.report("disk", "P0", "the disk is full")
    world.pass_s(1)
    world.pass_s(30)
    assert world.said == ["an alert could not be delivered: alerts.command no route"]
    world.pass_s(31)
    assert len(world.said) == 2
    [aside] = world.quarantine.all()
    assert (aside.kind, aside.name, aside.why) == ("delivery", "alerts.command", "no route")
    world.fails = {}
    world.pass_s(60)
    assert world.sent == []
    world.pass_s(61)
    assert world.sent == ["P0: the disk is full\n"]
    assert world.quarantine.all() == []
    world.pass_s(3600)
    assert len(world.sent) == 1


def test_what_went_one_way_is_told_and_that_another_fails_is_an_alert(world: World) -> None:
    world.fails = {"alerts.apprise": "exited with 1"}
    world.app.alerts.report("disk", "P0", "the disk is full")
    for _ in range(8):
        world.pass_s(GATHER_MS / 1000)
    assert world.sent == [
        "P0: the disk is full\n",
        "P1: delivery alerts.apprise is set aside: exited with 1\n",
    ]


def test_a_configuration_that_is_not_valid_is_one_alert(world: World) -> None:
    def causes() -> list[str]:
        return [one.cause for one in world.app.alerts.all() if one.is_open]

    world.quarantine.set_aside(*CONFIG, "it names no workflow")
    world.pass_s(60)
    assert causes() == ["aside/configuration/config.toml"]  # of a kind that its check does not find
    world.quarantine.set_aside(HOME, "bad_config", "it is not TOML")
    world.app.alerts.report(BAD_CONFIG, "P1", "it is not TOML")
    world.pass_s(60)
    assert causes() == [BAD_CONFIG]


def test_a_reminder_is_due_until_it_is_on_record_that_it_goes_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wakes = world.app.wakes
    waits = Waits("01J", world.ms, "which colour?")
    monkeypatch.setattr(due, "waiting", lambda _, after, now: [waits] if after < now else [])
    cause = f"{WAITS}01J/{world.ms}"
    asked = InboxItem(
        "01J", "writer", "which colour?", world.ms, "question", (), "", "w", None, {}, None
    )
    monkeypatch.setattr(world.app, "inbox", lambda: Inbox((asked,), ()))
    world.app.alerts.report(cause, "P1", "waits")

    def killed(_: str) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(type(world.app.alerts), "remind", lambda _, cause: killed(cause))
        world.part.tick(world.ms)
    assert wakes.reminders(world.ms) == [waits]
    world.pass_s(60)
    assert wakes.reminders(world.ms) == []


def test_a_schedule_that_is_set_aside_is_one_alert(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm = Alarm("schedule nightly not started", "not_started", "nightly", 0, "no start", "hint")
    monkeypatch.setattr(Schedules, "alarms", lambda self, now_ms: [alarm])
    world.quarantine.set_aside("schedule", "nightly", "no workflow")
    world.pass_s(1)
    assert [one.cause for one in world.app.alerts.all()] == ["aside/schedule/nightly"]
    world.quarantine.let_go("schedule", "nightly")
    world.pass_s(60)
    assert [one.cause for one in world.app.alerts.all() if one.is_open] == [
        "schedule/schedule nightly not started"
    ]


def test_one_that_waits_is_reported_once_however_its_way_on_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minutes in (30, 29, 28):
        way = f"uwf thread resume 01J --wait {minutes}m"
        item = InboxItem("01J", "worker", "boom", 1, "failure", (), way, "one", None, {}, "exit")
        monkeypatch.setattr(App, "inbox", lambda self, item=item: Inbox((item,), ()))
        world.pass_s(60)
    [alert] = world.app.alerts.all()
    assert (alert.count, alert.text) == (
        *(1, "one waits for you: worker: boom (uwf thread resume 01J)"),
    )


def test_a_ping_goes_out_every_so_often(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pings: list[float] = []

    def ping(home: str, rules: Any, stop: Any) -> SendResult:
        pings.append(world.s)
        return SendResult(True, {})

    monkeypatch.setattr(delivery, "ping", ping)
    (tmp_path / "config.toml").write_text('[alerts]\nping_url = "http://127.0.0.1:9/"\n')
    world.app.reload_config()
    for _ in range(21):
        world.pass_s(30)
        thread = world.part._ping._thread
        if thread is not None:
            thread.join(5)
    assert [s // 300 for s in pings] == [0, 1, 2]


def test_what_has_not_come_in_time_is_told_until_it_comes(world: World, tmp_path: Path) -> None:
    rule = '[[absences]]\nname = "nightly"\non = "build.done"\nwithin = "1h"\nlevel = "P0"\n'
    with (tmp_path / "config.toml").open("a") as file:
        file.write(rule)
    world.app.reload_config()
    world.pass_s(1)
    world.pass_s(3500)
    assert world.sent == []
    world.pass_s(101)
    [text] = world.sent
    assert text == "P0: no build.done has come for 1h: absence nightly\n"
    world.pass_s(600)
    assert [one.count for one in world.app.alerts.all()] == [1], "it is missed all the time"
    world.app.events.send(world.app.events.own("build.done"))
    world.pass_s(61)
    assert world.sent[1].startswith("over: no build.done")
