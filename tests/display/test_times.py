"""Times as a person sees them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from uwf.display import times
from uwf.display.times import Times

NOW = 1_769_850_900_000  # 2026-01-31T09:15:00Z
S, M, H, D = 1000, 60_000, 3_600_000, 86_400_000


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("away_ms", "said"),
    [
        (0, "now"),
        (-900, "now"),
        (900, "now"),
        (-89 * S, "89s ago"),
        (-90 * S, "2m ago"),
        (-3 * M - 29 * S, "3m ago"),
        (-3 * M - 30 * S, "4m ago"),
        (-89 * M, "89m ago"),
        (-36 * H, "2d ago"),
        (-400 * D, "400d ago"),
    ],
)
def test_what_has_happened_is_said_as_how_long_ago_it_is(away_ms: int, said: str) -> None:
    assert Times(NOW).moment(NOW + away_ms) == said


def test_what_has_happened_is_not_to_come_where_the_clock_was_set_back() -> None:
    assert Times(NOW).moment(NOW + 3 * D) == "3d ahead of the clock"


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (None, ""),
        (0, "0.0s"),
        (350, "0.4s"),
        (9_940, "9.9s"),
        (9_960, "10s"),
        (59_400, "59s"),
        (59_700, "1m00s"),
        (192_000, "3m12s"),
        (3_599_600, "1h00m"),
        (2 * H + 5 * M, "2h05m"),
        (D - S, "1d00h"),
        (3 * D + 4 * H, "3d04h"),
    ],
)
def test_a_duration_is_said_in_two_units_at_most(ms: int | None, said: str) -> None:
    assert times.duration(ms) == said


def test_the_length_between_two_moments_is_never_negative() -> None:
    assert times.length(NOW, NOW + 5 * M) == "5m"
    assert times.length(NOW, NOW - 5 * M) == "0s"


def test_the_clock_is_that_of_the_readers_zone(berlin: None) -> None:
    assert times.local(NOW, NOW) == "10:15"
    assert times.local(NOW + 14 * H, NOW) == "2026-02-01 00:15"
    assert Times(NOW).clock(NOW + 2 * H) == "12:15"


def test_exact_times_are_in_utc_whatever_the_zone(berlin: None) -> None:
    exact = Times(NOW, exact=True)
    assert exact.moment(NOW - M) == "2026-01-31T09:14:00Z"
    assert exact.clock(NOW + M) == "2026-01-31T09:16:00Z"
    assert exact.moment(None) == Times(NOW).moment(None) == ""


def test_a_sentence_names_moments_on_the_clock_of_the_reader(berlin: None) -> None:
    said = (
        "since 2026-01-31T09:15:00Z (until 2026-02-01T00:15:30Z); at 2026-31-31T09:15:00Z, or 12Z"
    )
    now_ms = 1_769_850_000_000
    seen = "since 10:15 (until 2026-02-01 01:15); at 2026-31-31T09:15:00Z, or 12Z"
    assert Times(now_ms).sentence(said) == seen
    assert Times(now_ms, exact=True).sentence(said) == said


@pytest.mark.parametrize(
    ("away_ms", "said"),
    [(400 * D, "in 400d"), (119 * M, "in 2h"), (0, "due now"), (-3 * M, "due for 3m")],
)
def test_what_is_to_happen_is_due_once_its_time_has_come(away_ms: int, said: str) -> None:
    assert Times(NOW).due(NOW + away_ms) == said
    assert Times(NOW).wakes(NOW + away_ms) == ("wakes " if away_ms > 0 else "") + said
    assert Times(NOW, exact=True).due(NOW) == "2026-01-31T09:15:00Z"
