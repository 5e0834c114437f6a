"""A message is given to a program, which may hang, fail, flood, or be missing."""

from __future__ import annotations

import itertools
import shlex
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from uwf.config.records import AlertConfig
from uwf.daemon.alerts import delivery


def sent(script: str, text: str = "words", timeout_s: float = 10.0) -> delivery.SendResult:
    command = ("/bin/sh", "-c", script)
    rules = AlertConfig(command=command, timeout_s=timeout_s)
    return delivery.deliver("/tmp", rules, "P0", "s", text)


FLOOD = f"{shlex.quote(sys.executable)} -c 'import os; [os.write(2, b\"x\" * 65536) for _ in range(1600)]'"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("cat >/dev/null", None),
        ("exit 0", None),
        (
            "cat >/dev/null; echo first >&2; echo no route >&2; exit 3",
            "ended with exit code 3: no route",
        ),
        ("exec 0<&-; sleep 0.2; exit 4", "ended with exit code 4"),
        (f"{FLOOD}; echo >&2; echo at last >&2; exit 5", "ended with exit code 5: at last"),
        ("kill -9 $$", "ended with signal 9"),
    ],
)
def test_how_it_ends_is_said(script: str, why: str | None) -> None:
    came = sent(script, "words\n" * 100_000)
    assert came.failed == ({} if why is None else {"alerts.command": why})
    assert came.is_out == (why is None)


@pytest.mark.parametrize("script", ["sleep 60", "while :; do echo x >&2; done", "sleep 60 & wait"])
def test_one_that_does_not_end_is_ended(script: str) -> None:
    began_s = time.monotonic()
    came = sent(script, timeout_s=0.3)
    assert came.words == "alerts.command did not end within 0.3 s, and was ended"
    assert time.monotonic() - began_s < 5


def test_what_it_leaves_behind_is_not_waited_for() -> None:
    began_s = time.monotonic()
    assert sent("sleep 3 & exit 0").is_out
    assert time.monotonic() - began_s < 2


def test_one_that_is_missing_says_so_and_another_way_goes_on() -> None:
    rules = AlertConfig(command=("/nowhere/tell",), apprise=("NO_SUCH_VARIABLE",))
    came = delivery.deliver("/tmp", rules, "P0", "s", "words")
    assert came.failed["alerts.command"] == "could not be run: '/nowhere/tell': no such file"
    assert came.failed["alerts.apprise NO_SUCH_VARIABLE"].startswith("ended with exit code 1: ")
    assert not came.is_out


def test_a_ping_that_reaches_nobody_says_so() -> None:
    rules = AlertConfig(ping_command=("/bin/false",), ping_url="http://127.0.0.1:9/", timeout_s=2)
    came = delivery.ping("/tmp", rules)
    assert came.failed["alerts.ping_command"] == "ended with exit code 1"
    assert "it cannot be reached: " in came.failed["alerts.ping_url"]


def test_a_server_that_answers_a_byte_at_a_time_holds_no_ping_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with suppress(OSError), connection:
                for byte in itertools.cycle(b"HTTP/1.1 200 OK\r\nX: x"):
                    connection.send(bytes([byte]))
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        rules = AlertConfig(ping_url=f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_s=1)
        came = delivery.ping("/tmp", rules)
    assert came.words == "alerts.ping_url did not end within 1 s, and was ended"


APPRISE = """
class Apprise:
    def add(self, address):
        self.address = address
        return ":" in address

    def notify(self, title, body):
        with open(self.address.partition(":")[2], "a") as file:
            file.write(f"{title}|{body}")
        return self.address.startswith("good:")
"""


def test_each_address_of_apprise_is_a_way_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apprise.py").write_text(APPRISE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PHONE", f"good:{tmp_path}/phone")
    monkeypatch.setenv("MAIL", f"bad:{tmp_path}/mail")
    monkeypatch.setenv("CHAT", "nothing")
    rules = AlertConfig(apprise=("PHONE", "MAIL", "CHAT"))
    came = delivery.deliver("/tmp", rules, "P0", "subject", "words")
    assert came.is_out
    assert came.failed == {
        "alerts.apprise MAIL": "ended with exit code 1: Apprise could not deliver it there",
        "alerts.apprise CHAT": "ended with exit code 1: "
        "what CHAT holds is no address that Apprise knows",
    }
    assert (tmp_path / "phone").read_text() == (tmp_path / "mail").read_text() == "subject|words"
