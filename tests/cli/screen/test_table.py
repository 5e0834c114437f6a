"""Tables on a terminal of some width."""

from __future__ import annotations

from unicodedata import category, east_asian_width

from hypothesis import given
from hypothesis import strategies as st

from uwf.cli.screen import table

ID = "01M7Z697Y106PXRPMEJQDQKB73"
HEADS = ("thread", "status", "round", "begun", "task")
ROWS = [(ID, "suspended", "1", "2026-11-21T13:56:09Z", "Paint the fence, and the gate beside it.")]


def drawn(room: int) -> list[str]:
    return table.lines(HEADS, ROWS, room, cut=("task",), spare=("round", "begun", "task"))


def test_a_table_with_room_is_not_cut() -> None:
    heading, line = drawn(200)
    assert heading.split() == list(HEADS)
    assert line == "  ".join([ID, "suspended", "1    ", *ROWS[0][3:]])


def test_text_is_cut_first_then_what_matters_less_is_left_out() -> None:
    assert drawn(100)[1].endswith("2026-11-21T13:56:09Z  Paint the fence, and the gate b…")
    assert drawn(80)[0].split() == ["thread", "status", "begun", "task"]
    assert drawn(80)[1] == f"{ID}  suspended  2026-11-21T13:56:09Z  Paint the fence, a…"
    assert table.width(drawn(80)[1]) == 80
    assert drawn(60)[0].split() == ["thread", "status", "task"]
    assert drawn(60)[1].startswith(f"{ID}  suspended  Paint ") and len(drawn(60)[1]) == 60


def test_what_is_neither_cut_nor_spare_is_whole_on_any_terminal() -> None:
    assert drawn(10) == ["thread                      status", f"{ID}  suspended"]


def test_of_two_long_texts_none_is_cut_to_almost_nothing() -> None:
    _, line = table.lines(
        ("one", "two", "three"), [("a" * 50, "b" * 90, "c" * 8)], 60, cut="one two".split()
    )
    assert line == "  ".join(["a" * 23 + "…", "b" * 23 + "…", "c" * 8])


def test_text_is_cut_to_almost_nothing_before_a_row_takes_two_lines() -> None:
    for room in (60, 50, 45):
        _, line = table.lines(
            HEADS, ROWS, room, cut=("task",), spare=HEADS[2:4], least={"task": 30}
        )
        assert table.width(line) == room and line.endswith("…")


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4), st.integers(20, 100))
def test_no_line_is_wider_than_a_terminal_that_can_hold_it(cells: list[str], room: int) -> None:
    heads = ["a", "b", "c", "d"][: len(cells)]
    for line in table.lines(heads, [cells], room, cut=heads, spare=heads[1:]):
        assert table.width(line) <= room


@given(st.text(), st.integers(0, 20))
def test_the_head_of_a_text_fits_its_width(text: str, room: int) -> None:
    fitted = table.head(text, room)
    assert text.startswith(fitted)
    columns = [2 if east_asian_width(letter) in "WF" else 1 for letter in fitted]
    marks = [at for at, letter in enumerate(fitted) if category(letter) in ("Mn", "Me")]
    assert sum(columns) - sum(columns[at] for at in marks) <= room


def test_wide_letters_count_twice() -> None:
    assert table.head("日本語", 5) == "日本"
    assert table.head("e\u0301e\u0301e", 2) == "e\u0301e\u0301"
    assert table.width("สวัสดี") == 4 and table.width("हिन्दी") == 5
    assert table.padded("日本語", 5) == "日本…"
    assert table.padded("日本語", 4) == "日… "
