from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf import jsontext
from uwf.display.inert import visible

HIDDEN = [
    "\u202e",
    "\u2066",
    "\u200f",
    "\x9b",
    "\x85",
    "\u200d",
    "\u200b",
    "\ufeff",
    "\u2028",
    "\x1b",
]


TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(st.text() | st.text(st.sampled_from([*HIDDEN, *TURNING, "[", "0", "m", "\r", "\n", "\t"])))
def test_nothing_that_is_shown_steers_the_terminal(text: str) -> None:
    shown = visible(text)
    assert all(letter in "\n\t" or letter >= " " for letter in shown)
    assert not any("\x7f" <= letter <= "\x9f" for letter in shown)
    assert not set(shown) & set(TURNING)
    assert visible(shown) == shown


@pytest.mark.parametrize("letter", HIDDEN)
def test_what_nobody_sees_is_shown_as_an_escape(letter: str) -> None:
    assert visible(f"a{letter}b") == f"a\\u{ord(letter):04x}b"


@given(st.text() | st.text(st.sampled_from([*HIDDEN, "\x7f", "\U000e0041"])))
def test_json_means_the_same_as_before(text: str) -> None:
    shown = visible(jsontext.dumps({"text": text}))
    assert json.loads(shown) == {"text": text}


def test_colours_and_ends_of_lines_are_left_out() -> None:
    assert visible("\x1b[1;31mred\x1b[0m\r\nnext") == "red\nnext"


def test_text_of_any_language_is_shown_as_it_is() -> None:
    arabic, hebrew = "\u0639\u0631\u0628\u064a", "\u05e2\u05d1\u05e8\u05d9\u05ea"
    text = f"na\u00efve \u65e5\u672c\u8a9e {arabic} {hebrew} \u00a0 \U0001f600 \u2764\ufe0f"
    assert visible(text) == text
