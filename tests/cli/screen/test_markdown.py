"""Markdown on a terminal."""

from __future__ import annotations

import re

import pytest

from uwf.cli.screen import markdown, terminal


@pytest.fixture(autouse=True)
def many_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of them all, as rich remembers how it drew a style first."""
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_link_shows_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "has_colour", lambda stream: True)
    drawn = markdown.drawn("[the bank](https://evil.example)")
    assert "https://evil.example" in drawn and "\x1b]8" not in drawn


@pytest.mark.parametrize("code", [0x202E, 0x2066, 0x200D, 0x9B])
def test_an_entity_steers_nothing(code: int) -> None:
    drawn = markdown.drawn(f"&#{code};evil [a&#x{code:x};](https://e.example)")
    assert chr(code) not in drawn and "evil" in drawn


def test_of_a_long_text_the_beginning_is_drawn_and_the_rest_is_there() -> None:
    text = "some *words*\n\n" * (2 * markdown.MOST_CHARS // 14)
    drawn = markdown.drawn(text)
    assert drawn.startswith("some words ") and drawn.endswith("some *words*\n\n")
    assert drawn.count("words") == text.count("words")


def test_a_line_without_an_end_is_not_drawn() -> None:
    assert markdown.drawn("*" * 50_000_000) == "*" * 50_000_000 + "\n"


def test_nothing_is_in_a_colour_of_the_theme_that_cannot_be_read_on_white(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "has_colour", lambda stream: True)
    text = "# A\n\n## B\n\n1. `one`\n\n- two\n\n> said\n\n| a | b |\n|---|---|\n| 1 | [x](y) |\n\n---\n"
    for codes in re.findall(r"\x1b\[([\d;]*)m", markdown.drawn(text)):
        cyan_blue_yellow = {"33", "34", "36", "93", "94", "96"}
        assert not cyan_blue_yellow & set(codes.split(";")), codes


def test_html_is_text_and_nothing_of_it_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "has_colour", lambda stream: False)
    text = "A `<T>` or List<String> &amp; ~~no~~\n\n<details>\nwithin\n</details>\n"
    drawn = markdown.drawn(text)
    for said in ("<T>", "List<String> & no", "<details>", "within", "</details>"):
        assert said in drawn, drawn
