"""Ids as a person sees and types them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uwf.display import ids


@given(st.sets(st.text("AB", min_size=12, max_size=12), min_size=1))
def test_a_shown_id_is_the_shortest_suffix_that_means_one(all: set[str]) -> None:
    for id in all:
        shown = ids.shortest(id, all)
        assert [each for each in all if each.endswith(shown)] == [id]
        shorter = shown[1:]
        assert len(shown) == ids.SHORTEST or sum(each.endswith(shorter) for each in all) > 1


def test_four_characters_suffice_where_no_other_ends_so() -> None:
    assert ids.shortest("01M7Z697Y106PXRPMEJQDQKB73", []) == "KB73"
