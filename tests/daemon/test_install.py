"""The file for the supervisor: what a home with an odd name makes of it."""

from __future__ import annotations

import plistlib
import sys

import pytest

from uwf import config
from uwf.daemon import install

DAEMON = install.daemon(30.0)


def test_usual_home_has_the_plain_name_and_others_have_their_own() -> None:
    usual = install.service(config.usual_home(), DAEMON)
    other, third = (install.service(f"/srv/{each}/.uwf", DAEMON) for each in ("a b", "c"))
    assert usual.path.rpartition("/")[2].partition(".")[0] == "uwf-daemon"
    assert len({usual.path, other.path, third.path}) == 3


@pytest.mark.parametrize(
    ("home", "word"),
    [
        ("/a b", '"--home=/a b"'),
        ("/50%", '"--home=/50%%"'),
        ("/$HOME", '"--home=/$$HOME"'),
        ('/a"b\\c', '"--home=/a\\"b\\\\c"'),
    ],
)
def test_nothing_in_a_path_is_read_as_more_than_a_path(home: str, word: str) -> None:
    text = install.systemd("x", home, DAEMON).text
    [command] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert command.endswith(word)


def test_time_to_end_is_longer_than_the_drain() -> None:
    assert "TimeoutStopSec=7230" in install.systemd("x", "/h", install.daemon(7200.0)).text
    agent = plistlib.loads(install.launchd("x", "/h", install.daemon(7200.0)).text.encode())
    assert agent["ExitTimeOut"] == 7230


def test_agent_of_launchd_is_a_plist() -> None:
    found = install.launchd("uwf-daemon", "/home/a & b", DAEMON)
    agent = plistlib.loads(found.text.encode())
    assert agent["ProgramArguments"][-3:] == ["daemon", "run", "--home=/home/a & b"]
    assert agent["ProgramArguments"][0] == sys.executable
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["AbandonProcessGroup"] is True
    assert install.MARK in found.text
    assert found.begin[0].startswith("launchctl bootstrap gui/")


def test_what_says_which_machine_this_is_goes_along_and_a_password_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UWF_HOST", "ant")
    monkeypatch.setenv("UWF_STORE", "postgresql://uwf:s3cret@db/uwf")
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    unit, agent = (make("x", "/h", DAEMON).text for make in (install.systemd, install.launchd))
    lines = unit.splitlines()
    assert 'Environment="UWF_HOST=ant"' in lines
    assert 'Environment="UWF_STORE=postgresql://uwf@db/uwf"' in lines
    assert plistlib.loads(agent.encode())["EnvironmentVariables"]["UWF_HOST"] == "ant"
    assert "s3cret" not in unit + agent
    monkeypatch.delenv("UWF_HOST")
    assert "UWF_HOST" not in install.systemd("x", "/h", DAEMON).text
