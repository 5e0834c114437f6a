"""The file for the supervisor: what a home with an odd name makes of it."""

from __future__ import annotations

import plistlib
import sys

import pytest

from uwf import config
from uwf.daemon import install


def test_usual_home_has_the_plain_name_and_others_have_their_own() -> None:
    usual = install.service(config.usual_home(), 30.0)
    other, third = install.service("/srv/a b/.uwf", 30.0), install.service("/srv/c/.uwf", 30.0)
    assert usual.path.rpartition("/")[2].partition(".")[0] == install.NAME
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
    text = install.systemd("x", home, 30.0).text
    [command] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert command.endswith(word)


def test_time_to_end_is_longer_than_the_drain() -> None:
    assert "TimeoutStopSec=7230" in install.systemd("x", "/h", 7200.0).text
    agent = plistlib.loads(install.launchd("x", "/h", 7200.0).text.encode())
    assert agent["ExitTimeOut"] == 7230


def test_agent_of_launchd_is_a_plist() -> None:
    found = install.launchd("uwf-daemon", "/home/a & b", 30.0)
    agent = plistlib.loads(found.text.encode())
    assert agent["ProgramArguments"][-3:] == ["daemon", "run", "--home=/home/a & b"]
    assert agent["ProgramArguments"][0] == sys.executable
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["AbandonProcessGroup"] is True
    assert install.MARK in found.text
    assert found.begin[0].startswith("launchctl bootstrap gui/")
