"""How guards stand, on lines of one shape."""

from __future__ import annotations

import pytest

from uwf.display import guards
from uwf.display.times import Times
from uwf.guard.contract import BYTES, SHARE, StatusLine


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        (StatusLine("drain", "off"), ("drain", "off", "", "", "")),
        (StatusLine("queue", 7, 20), ("queue", "7", "20", "35%", "")),
        (StatusLine("queue", 1, 0), ("queue", "1", "0", "100%", "")),
        (StatusLine("usd today", 1.005, 5, "usd"), ("usd today", "$1.00", "$5.00", "20%", "")),
        (StatusLine("time today", 64, unit="time"), ("time today", "1m04s", "", "", "")),
        (
            StatusLine("disk free", 3 << 30, 1 << 28, BYTES, "more", at_least=True),
            ("disk free", "3GiB", "at least 256MiB", "", "more"),
        ),
        (StatusLine("swapping", 0.004, 0.2, SHARE), ("swapping", "<1%", "20%", "2%", "")),
        (StatusLine("cpus free", 1.5, at_least=True), ("cpus free", "1.5", "", "", "")),
    ],
)
def test_a_line_says_its_limit_beside_its_value(line: StatusLine, cells: tuple[str, ...]) -> None:
    assert guards.row(line, Times(0, exact=True), bar=False) == cells


def test_a_bar_shows_how_much_is_used() -> None:
    assert used(StatusLine("queue", 7, 20)) == "\u2588" * 4 + "\u2591" * 6 + " 35%"
    assert used(StatusLine("drain", "off")) == ""


def used(line: StatusLine) -> str:
    return guards.row(line, Times(0), bar=True)[3]
