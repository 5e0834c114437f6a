"""Deliveries that are lost, doubled and out of order: each comment is told exactly once, by webhook or by poll."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers import fake_forge
from tests.helpers.asking import Home
from tests.helpers.fake_forge import SECRET, FakeForge, Weather, free_port
from uwf import clock
from uwf.daemon.intake.buffer import Intake
from uwf.daemon.intake.taking_in import Listening
from uwf.daemon.sources.forges import pulls
from uwf.daemon.sources.part import SourcePolls
from uwf.engine.chain.told import waiting

TRIGGERS = """
[[triggers]]
on = "{kind}.review"
find = {{ pr = "{{{{ data.number }}}}" }}
text = "{{{{ data.body }}}}"

[[triggers]]
on = "{kind}.comment"
find = {{ pr = "{{{{ data.number }}}}" }}
text = "{{{{ data.body }}}}"
"""


@pytest.fixture(params=["github", "gitea"])
def forge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeForge]:
    monkeypatch.setattr(pulls, "SMALLEST_PAGE", 7)
    yield from fake_forge.running(lambda: FakeForge(request.param, page=7))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOK_SECRET", SECRET.decode())
    home = Home(tmp_path)
    yield home
    home.close()


@pytest.mark.parametrize("seed", range(3))
def test_each_comment_is_told_exactly_once(home: Home, forge: FakeForge, seed: int) -> None:
    port = free_port()
    source = home.forge(
        forge.url, forge.kind, secrets=["HOOK_SECRET"], collaborators=["ann", "ben"]
    )
    listen = f'[daemon]\nlisten = "127.0.0.1:{port}"\n'
    home.configure(listen + source + TRIGGERS.format(kind=forge.kind))
    thread = home.thread(pr="42")
    forge.open_pull(42)
    dice, weather, said = random.Random(seed), Weather(seed), []
    intake = Intake(lambda: None)
    home.sources = SourcePolls(home.daemon, intake.wishes)
    with closing(Listening(home.daemon, intake)) as listening:
        listening.tick(clock.now_ms())
        hooks = f"http://127.0.0.1:{listening.port}/hooks/shop"
        for number in range(30):
            said.append(f"words {number}")
            if dice.random() < 0.3:
                forge.review(42, "changes_requested", said[-1], dice.choice(["ann", "ben"]))
            elif dice.random() < 0.3:
                forge.line(42, "a.py", said[-1], dice.choice(["ann", "ben"]))
            else:
                forge.comment(42, said[-1], dice.choice(["ann", "ben"]))
            if dice.random() < 0.3:
                deliver(weather, forge, hooks, listening)
            if dice.random() < 0.2:
                poll(home)
        deliver(weather, forge, hooks, listening)
        poll(home)
    home.app.events.decide()
    told = [word.text for word in waiting(home.app.reader(), thread)]
    assert sorted(told) == sorted(said)


def deliver(weather: Weather, forge: FakeForge, hooks: str, listening: Listening) -> None:
    """Post what comes through; the loop goes round meanwhile."""
    calls, forge.deliveries = weather.through(forge.deliveries), []
    for call in calls:
        status = fake_forge.posted(hooks, call, lambda: listening.tick(clock.now_ms()))
        assert status in (200, 202)


def poll(home: Home) -> None:
    home.due()
    home.ask()
    home.app.events.decide()
