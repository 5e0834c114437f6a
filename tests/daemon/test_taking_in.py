"""The parts that take in: what is in their way is named, and the daemon goes on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.asking import Home
from tests.helpers.fake_forge import free_port
from uwf import clock
from uwf.daemon.intake.buffer import Intake
from uwf.daemon.intake.taking_in import AGAIN_S, Listening, SpoolFolder


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
