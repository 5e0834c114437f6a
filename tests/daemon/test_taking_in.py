"""The parts that take in: what is in their way is named, and the daemon goes on."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.asking import Home
from tests.helpers.fake_forge import free_port
from uwf import clock
from uwf.app.unattended.events import Event
from uwf.daemon.intake import event_json
from uwf.daemon.intake.buffer import Intake
from uwf.daemon.intake.taking_in import AGAIN_S, STUCK_S, Listening, SpoolFolder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path)
    yield home
    home.close()


def set_aside(home: Home) -> dict[str, str]:
    return {one.name: one.why for one in home.daemon.quarantine.all()}


def test_a_file_that_was_refused_is_named_until_it_is_taken_away(home: Home) -> None:
    folder = home.path / "events"
    folder.mkdir()
    (folder / "a.json").write_text("{")
    part = SpoolFolder(home.daemon)
    part.tick(clock.now_ms())
    assert list(set_aside(home)) == ["a.json"]
    (folder / "refused" / "a.json").unlink()
    part.tick(clock.now_ms())
    assert set_aside(home) == {}


def test_an_odd_name_is_told_in_one_line(home: Home) -> None:
    folder = home.path / "events"
    folder.mkdir()
    for name in ("a\nb.json", "c\x1b[31m.json", "d\udcff.json", "\u00e9.json"):
        (folder / name).write_text("{")
    SpoolFolder(home.daemon).tick(clock.now_ms())
    assert list(set_aside(home)) == [
        *("a\\nb.json", "c\\x1b[31m.json", "d\\udcff.json", "\u00e9.json")
    ]


def test_what_nobody_foresaw_in_a_file_keeps_no_other_back(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.path / "events"
    folder.mkdir()
    (folder / "a.json").write_text("null")
    (folder / "b.json").write_text('{"name": "odd"}')
    (folder / "c.json").write_text('{"name": "good"}')
    read = event_json.event

    def odd(value: Any, *rest: Any, **more: Any) -> Event:
        return read(value[1] if value == {"name": "odd"} else value, *rest, **more)

    monkeypatch.setattr(event_json, "event", odd)
    SpoolFolder(home.daemon).tick(clock.now_ms())
    assert set_aside(home) == {
        "a.json": "it is null, not an object",
        "b.json": "internal fault: KeyError: 1",
    }
    assert [row.name for row in home.app.events.list().events] == ["good"]


def test_a_file_that_was_stuck_is_taken_away_once_that_is_possible(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.path / "events"
    folder.mkdir()
    (folder / "a.json").write_text('{"name": "first"}')
    part = SpoolFolder(home.daemon)
    unlink = os.unlink

    def refused(path: str) -> None:
        if path.endswith(".json"):
            raise OSError(errno.EROFS, "Read-only file system")
        unlink(path)

    with monkeypatch.context() as context:
        context.setattr(os, "unlink", refused)
        part.tick(clock.now_ms())
    assert set_aside(home) == {"a.json": "it cannot be taken away: Read-only file system"}
    (folder / "a.json").write_text('{"name": "second"}')
    part.tick(clock.now_ms())
    assert set_aside(home), "not at each pass"
    now_s = clock.monotonic_s()
    monkeypatch.setattr(clock, "monotonic_s", lambda: now_s + STUCK_S)
    part.tick(clock.now_ms())
    assert set_aside(home) == {} and not (folder / "a.json").exists()
    assert [row.name for row in home.app.events.list().events] == ["second", "first"]


def test_a_folder_that_is_none_is_named_and_stops_nothing(home: Home) -> None:
    (home.path / "events").write_text("a file")
    part = SpoolFolder(home.daemon)
    assert part.tick(clock.now_ms()) is None
    assert set_aside(home) == {"events/": "it cannot be looked into: Not a directory"}
    (home.path / "events").unlink()
    part.tick(clock.now_ms())
    assert set_aside(home) == {}


def test_an_address_that_is_taken_is_named_and_tried_again(home: Home) -> None:
    port = free_port()
    home.configure(f'[daemon]\nlisten = "127.0.0.1:{port}"\n')
    with closing(Listening(home.daemon, Intake(lambda: None))) as part:
        with socket.create_server(("127.0.0.1", port)):
            assert part.tick(clock.now_ms()) == AGAIN_S
            assert "in use" in set_aside(home)[f"127.0.0.1:{port}"]
        part.tick(clock.now_ms())
        assert set_aside(home) == {}
        assert part.port == port
    assert part.port is None


def test_a_secret_that_is_not_there_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    listen = f'[daemon]\nlisten = "127.0.0.1:{port}"\ntokens = ["HERE"]\n'
    monkeypatch.setenv("HERE", "x")
    home.configure(listen + home.forge("http://127.0.0.1:1", secrets=["HERE", "GONE_SECRET"]))
    with closing(Listening(home.daemon, Intake(lambda: None))) as part:
        part.tick(clock.now_ms())
        gone = {"shop, a secret": "the environment variable GONE_SECRET is not set"}
        assert set_aside(home) == gone
        monkeypatch.setenv("GONE_SECRET", "x")
        part.tick(clock.now_ms())
        assert set_aside(home) == {}


def test_a_request_that_meets_a_fault_is_said_and_ends_nothing(home: Home) -> None:
    port = free_port()
    home.configure(f'[daemon]\nlisten = "127.0.0.1:{port}"\n')
    with closing(Listening(home.daemon, Intake(lambda: None))) as part:
        part.tick(clock.now_ms())
        assert part._endpoint is not None
        part._endpoint.surprises.append(KeyError("x"))
        assert part.tick(clock.now_ms()) is None
    assert "a request met an internal fault: KeyError: 'x'" in home.daemon.said


def test_one_that_comes_twice_in_one_list_is_new(home: Home) -> None:
    event = Event("1", "endpoint", "a.b", clock.now_ms(), "x", "bot")
    part = Listening(home.daemon, Intake(lambda: None))
    assert part._store([event, event]) == {"endpoint/1": "new"}
    assert part._store([event]) == {"endpoint/1": "seen"}


def test_it_listens_where_the_configuration_says_now(home: Home) -> None:
    part = Listening(home.daemon, Intake(lambda: None))
    assert part.tick(clock.now_ms()) is None and part.port is None
    for port in (free_port(), free_port()):
        home.configure(f'[daemon]\nlisten = "127.0.0.1:{port}"\n')
        part.tick(clock.now_ms())
        assert part.port == port
    home.configure("")
    part.tick(clock.now_ms())
    assert part.port is None
    assert not any(each.name == "endpoint" for each in threading.enumerate())


def test_the_figures_are_on_a_page(home: Home) -> None:
    port = free_port()
    home.configure(f'[daemon]\nlisten = "127.0.0.1:{port}"\n')
    home.thread()
    found: list[bytes] = []
    with closing(Listening(home.daemon, Intake(lambda: None))) as part:
        part.tick(clock.now_ms())

        def ask() -> None:
            with socket.create_connection(("127.0.0.1", port), 10) as caller:
                caller.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                while data := caller.recv(4096):
                    found.append(data)

        asking = threading.Thread(target=ask)
        asking.start()
        while asking.is_alive():
            part.tick(clock.now_ms())
            asking.join(0.01)
    assert b" 200 " in found[0]
    assert b"# TYPE uwf_" in b"".join(found)
