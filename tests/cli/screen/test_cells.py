"""How values are written for a reader."""

from __future__ import annotations

from uwf.cli.screen.cells import named_numbers


def test_a_sum_has_neither_dust_nor_an_idle_point() -> None:
    assert named_numbers({"tokens": 1200.0, "usd": 0.1 + 0.2}) == "tokens 1200, usd 0.3"
    assert (
        named_numbers({"tokens": 12, "score": 0.25, "usd": 2.0}) == "tokens 12, score 0.25, usd 2"
    )
