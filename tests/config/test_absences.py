"""`[[absences]]` is refused when it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from uwf import config
from uwf.config.absences import Absence
from uwf.errors import ConfigInvalid


def load(home: Path, rest: str) -> list[Absence]:
    (home / "config.toml").write_text(f'[[absences]]\nname = "n"\n{rest}\n')
    return list(config.load(str(home)).elements(Absence))


def test_one_that_is_right_is_read(tmp_path: Path) -> None:
    [rule] = load(tmp_path, 'on = "thread.*"\nby = "8:05"')
    assert (rule.by, rule.level) == (8 * 60 + 5, "P1")
    assert rule.trigger.on == ("thread.*",)


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ('on = "a.b"', "one of the two"),
        ('on = "a.b"\nby = "25:00"', "00:00 to 23:59"),
        ('on = "a.b"\nby = "soon"', "no time of day"),
        ('on = "a b"\nwithin = "1h"', "not the name of an event"),
        ('on = "a.b"\nwithin = "1h"\nlevel = "P9"', "none of P0, P1, P2"),
        ('on = "a.b"\nwithin = "1h"\nlvl = "P0"', "level"),
    ],
)
def test_one_that_is_wrong_says_why(tmp_path: Path, rest: str, why: str) -> None:
    with pytest.raises(ConfigInvalid, match=why):
        load(tmp_path, rest)
