"""How values are written for a reader."""

from __future__ import annotations

from uwf.cli.screen.cells import Cell, short
from uwf.display import states


def test_a_text_is_cut_to_one_line() -> None:
    assert short("a\n b  c", 5) == "a b c"
    assert short("a b c d", 5) == "a b …"


def test_a_cell_is_seen_with_the_sign_of_its_state() -> None:
    assert str(Cell("suspended", states.of("suspended"))) == "? suspended"
    assert str(Cell("KB73", bold=True)) == "KB73"
