"""The bar of what takes long."""

from __future__ import annotations

import pytest

from uwf.cli.screen import work


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (("copying", 0, 9), "copying"),
        (("checking objects", 12_345, 0), "checking objects  12k"),
        (("copying", 5, 20), f"copying  {'█' * 5}{'░' * 15}  25%  5 of 20, 3.0s left"),
        (("copying", 30, 20), f"copying  {'█' * 20}  100%  30 of 20, 0.0s left"),
    ],
)
def test_the_bar_says_how_far_it_is(told: tuple[str, int, int], said: str) -> None:
    assert work.line(*told, passed_s=1.0) == said
