"""Numbers as a person sees them."""

from __future__ import annotations

import pytest

from uwf.display import numbers


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (None, "?"),
        (0, "0"),
        (999, "999"),
        (999.6, "1k"),
        (1000, "1k"),
        (1234, "1.2k"),
        (9_949, "9.9k"),
        (9_960, "10k"),
        (12_345, "12k"),
        (999_600, "1M"),
        (1_200_000, "1.2M"),
        (-1500, "-1.5k"),
        (7 * 10**15, "7000T"),
    ],
)
def test_a_count_has_two_digits_or_more(number: float | None, said: str) -> None:
    assert numbers.count(number) == said


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        (None, "?"),
        (0, "$0.00"),
        (0.0030610000000000004, "<$0.01"),
        (0.005, "$0.01"),
        (0.1 + 0.2, "$0.30"),
        (0.314, "$0.31"),
        (1234.5, "$1234.50"),
    ],
)
def test_money_is_said_to_the_cent(usd: float | None, said: str) -> None:
    assert numbers.money(usd) == said


def test_a_size_is_in_units_of_1024_bytes() -> None:
    said = [numbers.size(each) for each in (None, 0, 800, 1536, 12 << 20, 3 << 40)]
    assert said == ["?", "0B", "800B", "1.5KiB", "12MiB", "3TiB"]


def test_a_share_is_all_or_nothing_only_where_it_is() -> None:
    said = [numbers.percent(each) for each in (0, 0.001, 0.314, 0.995, 1, 1.5)]
    assert said == ["0%", "<1%", "31%", ">99%", "100%", "150%"]


def test_amounts_are_said_with_their_units_money_first() -> None:
    used = {"steps": 1, "tokens": 12_345, "time": 192.0, "usd": 0.1 + 0.2, "score": 0.25, "x": "y"}
    assert numbers.amounts(used) == "$0.30, 12k tokens, 3m12s, 1 step, 0.25 score, x y"
    assert numbers.amounts(None) == ""


def test_what_is_used_stands_beside_what_may_be() -> None:
    assert numbers.used_of("usd", 0.31, 5) == "$0.31 of $5.00"
    assert numbers.used_of("tokens", 12_000, 2_000_000) == "12k of 2M tokens"


def test_a_bar_is_as_wide_as_asked_and_full_at_the_limit() -> None:
    drawn = [numbers.bar(share, 10) for share in (0, 0.5, 1, 3)]
    assert {len(each) for each in drawn} == {10}
    assert drawn[2] == drawn[3] == drawn[2][0] * 10
    assert drawn[1] == drawn[2][:5] + drawn[0][:5]


def test_a_bar_turns_yellow_then_red() -> None:
    said = [numbers.bar_colour(each) for each in (0.79, 0.8, 1)]
    assert said == ["green", "yellow", "red"]


@pytest.mark.parametrize(
    ("counts", "shown"), [([0, 1, 4, 8], " ▁▄█"), ([1, 1000], "▁█"), ([0, 0], "  "), ([], "")]
)
def test_anything_is_seen_in_a_sparkline_and_nothing_is_a_blank(
    counts: list[int], shown: str
) -> None:
    assert numbers.sparkline(counts) == shown
