"""`[[schedules]]`: what is read, and what is refused with its reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from uwf import config
from uwf.config.schedules import SKIP_WINDOW_S, Schedule
from uwf.errors import ConfigInvalid

START = 'start = "tidy"\nprompt = "Tidy up."\n'
WAKE = 'wake = { pr = "42" }\n'
CRON = 'cron = "0 4 * * *"\n'


def read(home: Path, text: str) -> Schedule:
    (home / "config.toml").write_text(f'[[schedules]]\nname = "night"\n{text}')
    [found] = config.load(str(home)).elements(Schedule)
    return found


def test_a_start_has_all_its_keys(tmp_path: Path) -> None:
    text = """\
cron = "@daily"
tz = "Europe/Berlin"
start = "tidy"
prompt = "Tidy up."
cwd = "~/shop"
label = { night = "1" }
precheck = ["git", "fetch"]
missed = "all"
window = "2h"
overlap = "queue"
jitter = "10m"
pause_after = 3
"""
    assert read(tmp_path, text) == Schedule(
        name="night",
        cron="0 0 * * *",
        tz="Europe/Berlin",
        start="tidy",
        prompt="Tidy up.",
        cwd=os.path.expanduser("~/shop"),
        label={"night": "1"},
        precheck=("git", "fetch"),
        missed="all",
        window_s=7200.0,
        overlap="queue",
        jitter_s=600.0,
        pause_after=3,
    )


def test_a_wake_has_its_defaults(tmp_path: Path) -> None:
    found = read(tmp_path, f'every = "90m"\n{WAKE}text = "Look."\n')
    assert (found.every_s, found.wake, found.text) == (5400.0, {"pr": "42"}, "Look.")
    assert (found.missed, found.overlap, found.jitter_s) == ("one", "skip", 0.0)
    assert (found.lateness_s, found.pause_after, found.precheck) == (None, None, ())


def test_skip_has_a_window_of_its_own(tmp_path: Path) -> None:
    assert read(tmp_path, f'{CRON}{START}missed = "skip"\n').lateness_s == SKIP_WINDOW_S
    assert read(tmp_path, f'{CRON}{START}missed = "skip"\nwindow = "1m"\n').lateness_s == 60.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (START, "it has a cron or an every, one of the two"),
        (f'{CRON}every = "1h"\n{START}', "it has a cron or an every, one of the two"),
        (CRON, "it has a start or a wake, one of the two"),
        (CRON + START + WAKE, "it has a start or a wake, one of the two"),
        (f'{CRON}start = "tidy"\n', "start needs a prompt"),
        (f'{CRON}{WAKE}prompt = "x"\n', "prompt is for a start, and this is a wake"),
        (f'{CRON}{WAKE}label = {{ a = "b" }}\n', "label is for a start, and this is a wake"),
        (f'{CRON}{WAKE}cwd = "/x"\n', "cwd is for a start or a precheck"),
        (f'{CRON}{START}label = {{ "a=b" = "c" }}\n', "'a=b' is no label"),
        (f'{CRON}{START}text = "x"\n', "text is for a wake"),
        (f'{CRON}{WAKE}overlap = "cancel"\n', "would end the very thread that it wakes"),
        (f'every = "1h"\ntz = "UTC"\n{START}', "tz is for a cron"),
        (f'every = "1h"\njitter = "1h"\n{START}', "the jitter is as long as the time from one"),
        (f'cron = "0 4,5 * * *"\njitter = "2h"\n{START}', "the jitter is as long as the time"),
        (f'every = "100ms"\n{START}', "'100ms' is too often: 1s or more"),
        (f'{CRON}{START}cwd = "shop"\n', "'shop' is a relative path"),
        (f'{CRON}{START}precheck = "./check"\n', "'./check' is a relative path"),
        (f"{CRON}{START}pause_after = 0\n", "0 is not a whole number of 1 or more"),
        (f'cron = "0 0 31 4 *"\n{START}', "never comes true"),
        (f'{CRON}tz = "Berlin"\n{START}', "did you mean Europe/Berlin?"),
        (f'{CRON}{START}missed = "none"\n', "'none' is none of one, all, skip"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(tmp_path, text)
    assert message in caught.value.message
    assert f"{tmp_path}/config.toml:" in caught.value.message
