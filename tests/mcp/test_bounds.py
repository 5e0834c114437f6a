"""No answer is longer than a model can read, and what is missing is said."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from uwf.jsontext import dumps
from uwf.mcp import bounds
from uwf.mcp.bounds import MOST_CHARS, ROW_CHARS


def test_what_has_room_stays_as_it_is() -> None:
    found = {"thread": "A", "prompt": "x" * 30_000, "labels": {}}
    assert bounds.document(found, "the tool read") is found


def test_a_reply_of_five_megabytes_is_cut_and_says_how_to_read_on() -> None:
    cut = bounds.document({"step": "abc", "body": "x" * 5_000_000, "index": 3}, "the tool read")
    assert (cut["step"], cut["index"]) == ("abc", 3)
    assert cut["body"] == "x" * 20_000
    assert cut["cut"] == ["body: 4980000 more characters", "the tool read"]


def test_a_list_is_cut_as_well_and_names_how_many_are_missing() -> None:
    turns = [{"text": "y" * 100} for _ in range(5_000)]
    cut = bounds.document({"step": "abc", "turns": turns}, "the tool turns")
    assert cut["turns"] == turns[: len(cut["turns"])]
    assert cut["cut"] == [f"turns: {5_000 - len(cut['turns'])} more elements", "the tool turns"]


def test_what_is_missing_of_many_is_said_once() -> None:
    turns = [{"text": "y" * 60_000} for _ in range(100)]
    cut = bounds.document({"step": "abc", "body": "z" * 3_000, "turns": turns})
    assert cut["body"] == "z" * 1_000
    assert cut["cut"] == [
        f"turns.text: {20 * 59_000} more characters",
        "body: 2000 more characters",
        "turns: 80 more elements",
    ]


LONG = st.integers(0, 4).map(lambda n: "z" * 10**n)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text() | LONG,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=20)
@given(st.dictionaries(st.text(), TREES), st.integers(1, 40))
def test_every_document_fits(found: dict[str, Any], times: int) -> None:
    many = {**found, "again": [found] * times}
    assert len(dumps(bounds.document(many, "on", ROW_CHARS))) <= ROW_CHARS + 2_000


def test_what_has_too_many_parts_is_only_named() -> None:
    found = {"many": [["x" * 10] * 61] * 61}
    assert "too many parts" in bounds.document(found, most=1_000)["cut"][0]


def test_rows_are_given_page_by_page_and_each_once() -> None:
    rows = [{"thread": str(number), "prompt": "x" * 3_000} for number in range(50)]
    seen, offset = [], 0
    while True:
        page = bounds.rows("threads", rows[offset : offset + 21], offset, 20)
        assert 1 <= len(page["threads"]) <= 20
        assert len(dumps(page)) <= MOST_CHARS + ROW_CHARS
        seen += page["threads"]
        if page["next"] is None:
            break
        offset = page["next"]
    assert seen == rows


def test_a_long_row_is_cut_by_itself() -> None:
    [row] = bounds.rows("turns", [{"text": "x" * 9_000}], 0, 20, "uwf cas get TURN")["turns"]
    assert len(dumps(row)) < ROW_CHARS + 500
    assert row["cut"][-1] == "uwf cas get TURN"


@settings(max_examples=30)
@given(st.text(max_size=200), st.integers(1, 50))
def test_pieces_of_a_text_are_all_of_it(whole: str, limit: int) -> None:
    pieces, offset = [], 0
    while offset is not None:
        piece = bounds.text(whole, offset, limit)
        assert piece["chars"] == len(whole)
        pieces.append(piece["markdown"])
        offset = piece["next"]
    assert "".join(pieces) == whole
