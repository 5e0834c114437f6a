"""What was taken in is decided in each pass, and the agent of the glance holds up nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.asking import Home
from tests.helpers.fake_forge import eventually
from tests.helpers.project import program
from uwf import clock
from uwf.app.unattended.events import Event
from uwf.daemon.deciding import AGAIN_S, Decisions

FUZZY = """
[agents.eye]
command = "{agent}"
[glance]
agent = "eye"
[[triggers]]
on = "look"
text = "{{{{ name }}}}"
class = "fuzzy"
trust = ["stranger"]
"""
YES = "cat >/dev/null\nprintf -- '---\\n$status: seen\\nshould_run: true\\nurgency: 3\\nreason: yes\\n---\\n'\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path)
    yield home
    home.close()


def take(home: Home, thread: str, name: str = "look") -> str:
    home.app.events.take([Event(name, "ci", name, 1, "ci", thread=thread)])
    return f"ci/{name}"


def state(home: Home, key: str) -> str:
    return home.app.events.show(key).state


def test_what_was_taken_in_is_decided(home: Home) -> None:
    part = Decisions(home.daemon)
    assert part.tick(clock.now_ms()) is None
    key = take(home, home.thread(), "nobody")
    assert part.tick(clock.now_ms()) == 0.0
    assert state(home, key) == "ignored"
    assert part.tick(clock.now_ms()) is None


def test_the_agent_of_the_glance_is_asked_beside_the_loop(home: Home, tmp_path: Path) -> None:
    go = tmp_path / "go"
    script = f"while [ ! -e {go} ]; do sleep 0.02; done\n{YES}"
    home.configure(FUZZY.format(agent=program(tmp_path / "eye", script)))
    key = take(home, home.thread())
    part = Decisions(home.daemon)
    for _ in range(3):
        part.tick(clock.now_ms())
    assert state(home, key) == "asking"
    assert len(part._asked) == 1, "and asked once"
    go.touch()
    eventually(lambda: state(home, key) == "told")
    eventually(lambda: part._asked[key].is_done)
    part.tick(clock.now_ms())
    assert part._asked == {}


def test_one_that_cannot_be_asked_is_set_aside_until_it_can(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.configure(FUZZY.format(agent=program(tmp_path / "eye", YES)))
    key = take(home, home.thread())
    part = Decisions(home.daemon)

    def broken(*_: object) -> None:
        raise KeyError("oh")

    with monkeypatch.context() as breaking:
        breaking.setattr("uwf.app.unattended.events.Events.answer", broken)
        part.tick(clock.now_ms())
        eventually(lambda: part._asked[key].is_done)
        part.tick(clock.now_ms())
        part.tick(clock.now_ms())
    assert part._asked == {}
    assert home.daemon.quarantine.holds("event", key)
    later_s = clock.monotonic_s() + AGAIN_S
    monkeypatch.setattr("uwf.daemon.deciding.clock.monotonic_s", lambda: later_s)
    part.tick(clock.now_ms())
    eventually(lambda: part._asked[key].is_done)
    part.tick(clock.now_ms())
    assert state(home, key) == "told"
    assert not home.daemon.quarantine.holds("event", key)


def test_a_draining_daemon_asks_nobody(home: Home, tmp_path: Path) -> None:
    home.configure(FUZZY.format(agent=program(tmp_path / "eye", YES)))
    key = take(home, home.thread())
    home.daemon.is_draining = True
    part = Decisions(home.daemon)
    part.tick(clock.now_ms())
    assert (state(home, key), part._asked) == ("asking", {})
