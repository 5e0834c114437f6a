from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uwf.cli import terminal


@given(st.text())
def test_nothing_that_is_shown_steers_the_terminal(text: str) -> None:
    shown = terminal.visible(text)
    assert all(letter in "\n\t" or letter >= " " for letter in shown)
    assert not any("\x7f" <= letter <= "\x9f" for letter in shown)
    assert terminal.visible(shown) == shown
