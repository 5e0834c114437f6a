from __future__ import annotations

import os
from pathlib import Path

import pytest

from uwf.cli.screen import terminal


def test_a_link_in_markdown_shows_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "has_colour", lambda stream: True)
    drawn = terminal.markdown("[the bank](https://evil.example)")
    assert "https://evil.example" in drawn and "\x1b]8" not in drawn


@pytest.mark.parametrize("code", [0x202E, 0x2066, 0x200D, 0x9B])
def test_an_entity_in_markdown_steers_nothing(code: int) -> None:
    drawn = terminal.markdown(f"&#{code};evil [a&#x{code:x};](https://e.example)")
    assert chr(code) not in drawn and "evil" in drawn


def test_a_pipe_whose_reader_is_gone_is_read_by_nobody(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    assert terminal.is_read(writing)
    os.close(reading)
    assert not terminal.is_read(writing)
    os.close(writing)
    with (tmp_path / "out").open("w") as file:
        assert terminal.is_read(file.fileno())
