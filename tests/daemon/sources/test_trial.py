"""A trial of the endpoint where something else than a daemon listens, or nothing does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.helpers.asking import Home
from uwf.app.unattended.daemon import Daemons
from uwf.daemon.sources import trial
from uwf.daemon.sources.trial import SourceTrial


class OtherProgram(HTTPServer):
    """Answers each request alike, and notes what it was shown."""

    def __init__(self) -> None:
        self.answer = 200, b""
        self.shown: list[str | None] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: OtherProgram

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.shown.append(self.headers["Authorization"])
        status, body = self.server.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[OtherProgram]:
    with closing(OtherProgram()) as other:
        yield other


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: OtherProgram) -> Iterator[Home]:
    monkeypatch.setenv("HOOK_TOKEN", "of-a-program")
    monkeypatch.setattr(Daemons, "leader", lambda _: 7)
    with closing(Home(tmp_path)) as home:
        listen = f"127.0.0.1:{other.server_address[1]}"
        home.configure(f'[daemon]\nlisten = "{listen}"\ntokens = ["HOOK_TOKEN"]\n')
        yield home


def tried(home: Home) -> tuple[SourceTrial, str]:
    """The trial of the endpoint, and what it failed with."""
    done = trial.run(home.app, "endpoint")
    assert not done.ok
    return done, done.steps[-1].text


@pytest.mark.parametrize(
    "answer", [(200, b"hello"), (200, b'{"a": 1}'), (404, b"<html>"), (500, b'{"error": 3}')]
)
def test_an_answer_of_another_program_is_told(
    home: Home, other: OtherProgram, answer: tuple[int, bytes]
) -> None:
    other.answer = answer
    done, text = tried(home)
    assert "another program listens there" in text
    assert done.hint == "uwf daemon status"


def test_where_the_daemon_could_not_listen_nobody_is_shown_a_token(
    home: Home, other: OtherProgram
) -> None:
    listen = f"127.0.0.1:{other.server_address[1]}"
    aside = [{"kind": "endpoint", "name": listen, "why": "in use", "since": 1}]
    (home.path / "daemon.json").write_text(json.dumps({"pid": 7, "quarantine": aside}))
    done, text = tried(home)
    assert (text, done.hint) == (f"no daemon listens on {listen}", "uwf daemon status")
    assert other.shown == []


def test_a_token_that_is_not_there_is_told_with_the_command_that_sets_it(home: Home) -> None:
    home.configure(home.forge("http://127.0.0.1:1", token="SHOP_TOKEN"))
    done = trial.run(home.app, "shop")
    assert [(step.step, step.ok) for step in done.steps] == [("ask", False)]
    assert done.hint == "export SHOP_TOKEN=…"
