"""A person's words, and the words that the roles of `tidy` hand on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.demo.agreed import NOTHING, Agreed, read

CODES = st.lists(
    st.from_regex(r"[A-Z]{1,4}[0-9]{0,4}", fullmatch=True), max_size=4, unique=True
).map(tuple)


@st.composite
def agreements(draw: st.DrawFn) -> Agreed:
    check = draw(CODES)
    return Agreed(
        check=check,
        ignore=tuple(code for code in draw(CODES) if code not in check),
        line_length=draw(st.none() | st.integers(10, 999)),
        unsafe_fixes=draw(st.none() | st.booleans()),
        settings_aside=draw(st.booleans()),
        leave_rest=draw(st.booleans()),
    )


@given(agreements())
def test_what_is_written_is_read_back_as_the_same(agreed: Agreed) -> None:
    assert read(agreed.text) == agreed


@given(agreements(), agreements())
def test_the_later_word_wins(first: Agreed, later: Agreed) -> None:
    both = first.and_then(later)
    assert set(later.check) <= set(both.check)
    assert set(later.ignore) <= set(both.ignore)
    assert not set(both.check) & set(both.ignore)
    assert later.unsafe_fixes is None or both.unsafe_fixes == later.unsafe_fixes


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(read(text), Agreed)


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        (
            "Yes, use the unsafe fixes, and ignore E722 and E741.",
            "ignore E722, E741; use unsafe fixes",
        ),
        ("Also sort the imports, please.", "check I"),
        ("use modern syntax; check B, SIM", "check UP, B, SIM"),
        ("No unsafe fixes. Skip E711.", "ignore E711; no unsafe fixes"),
        ("do not use the unsafe fixes, ignore F841", "ignore F841; no unsafe fixes"),
        ("line length 79", "line length 79"),
        ("at most 100 columns", "line length 100"),
        ("leave the rest as it is", "leave the rest"),
        ("put the project's settings aside", "put the project's settings aside"),
        ("I want you to check what you like", NOTHING),
        ("E711 is what I see", NOTHING),
        ("Tidy the Python project in this folder.", NOTHING),
        ("", NOTHING),
    ],
)
def test_phrases_that_are_understood(words: str, heard: str) -> None:
    assert read(words).text == heard
