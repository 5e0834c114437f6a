from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.quantities import counted, duration_s, one, size_bytes


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("1h30m", 5400),
        ("14d", 1_209_600),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("0s", 0),
        ("1d2h3m4s5ms", 93_784.005),
    ],
)
def test_durations_are_numbers_with_units(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "s", "5x", "-5s", "30m1h", "5m5m", "1e3s", "5 s", "٣s", "1.2.3s", "9999999d"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|ten years"):
        duration_s(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("8MiB", 8 << 20), ("64KiB", 65_536), ("1GB", 10**9), ("7B", 7), ("1.5KiB", 1536)],
)
def test_sizes_are_a_number_with_a_unit(text: str, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize(
    "text", ["", "8", "MiB", "8mib", "8 MiB", "8MiB1KiB", "-8MiB", "99999999GiB"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a size|any memory"):
        size_bytes(text)


@given(st.text(alphabet="0123456789.dhms -", max_size=12))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        assert duration_s(text) >= 0
    except ValueError as error:
        assert repr(text) in str(error)


def test_one_thing_has_the_article_that_is_said() -> None:
    assert [one(thing) for thing in ("step", "attempt", "")] == ["a step", "an attempt", "a "]


def test_one_thing_is_not_told_as_several() -> None:
    assert [counted(number, "step") for number in (0, 1, 2)] == ["0 steps", "1 step", "2 steps"]
