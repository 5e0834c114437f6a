from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from uwf.cli.screen import terminal
from uwf.display import numbers, states

USED = {look.colour for look in vars(states).values() if isinstance(look, states.Look)} - {""}


def test_a_pipe_whose_reader_is_gone_is_read_by_nobody(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    assert terminal.is_read(writing)
    os.close(reading)
    assert not terminal.is_read(writing)
    os.close(writing)
    with (tmp_path / "out").open("w") as file:
        assert terminal.is_read(file.fileno())


def luminance(index: int) -> float:
    """Of a colour of the cube of 256, by https://www.w3.org/TR/WCAG21/#dfn-relative-luminance."""
    steps = (0, 95, 135, 175, 215, 255)
    cube = index - 16
    parts = [steps[at] / 255 for at in (cube // 36, cube // 6 % 6, cube % 6)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", sorted(USED | {numbers.bar_colour(x) for x in (0, 0.9, 1)}))
def test_a_colour_can_be_read_on_black_and_on_white(
    colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    found = re.fullmatch(r"\x1b\[38;5;(\d+)mx\x1b\[0m", terminal.painted("x", colour))
    assert found is not None
    light = luminance(int(found[1]))
    assert (light + 0.05) / 0.05 >= 3.8 and 1.05 / (light + 0.05) >= 3.8


def test_a_terminal_of_few_colours_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "vt220")
    monkeypatch.delenv("COLORTERM", raising=False)
    assert terminal.painted("x", "red", bold=True) == "\x1b[1;31mx\x1b[0m"
    assert terminal.painted("x") == "x"
