"""Whose clock counts: this machine's, or that of the database which many share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf import clock

NOON_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


class Clocks:
    """This machine's clock, which anybody may set, and the steady one."""

    def __init__(self) -> None:
        self.own_ms, self.steady_ms = NOON_MS, 5000.0

    def passes(self, ms: int) -> None:
        self.own_ms, self.steady_ms = self.own_ms + ms, self.steady_ms + ms

    def is_told(self, there_ms: int, took_ms: int = 1) -> None:
        """A question took so long; the answer was given in the middle of that."""
        asked_ms = self.steady_ms
        self.passes(took_ms)
        clock.told(there_ms + took_ms // 2, asked_ms)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(clock, "own_ms", lambda: made.own_ms)
    monkeypatch.setattr(clock, "steady_ms", lambda: made.steady_ms)
    monkeypatch.setattr(clock, "_told_apart_ms", None)
    return made


def test_where_nobody_tells_it_is_this_machines(clocks: Clocks) -> None:
    assert (clock.now_ms(), clock.off_ms()) == (NOON_MS, 0)


@pytest.mark.parametrize("off_ms", [HOUR_MS, -HOUR_MS, 2100, -2100])
def test_one_that_is_off_is_not_gone_by(clocks: Clocks, off_ms: int) -> None:
    clocks.is_told(NOON_MS - off_ms)
    assert clock.off_ms() == pytest.approx(off_ms, abs=2)
    clocks.passes(HOUR_MS)
    assert clock.now_ms() == pytest.approx(NOON_MS - off_ms + HOUR_MS, abs=2)


@pytest.mark.parametrize("off_ms", [1900, -1900, 0])
def test_one_that_is_nearly_right_is_gone_by(clocks: Clocks, off_ms: int) -> None:
    clocks.is_told(NOON_MS - off_ms)
    assert (clock.now_ms(), clock.off_ms()) == (clocks.own_ms, 0)


def test_one_that_is_set_right_is_gone_by_before_anybody_tells_again(clocks: Clocks) -> None:
    clocks.is_told(NOON_MS + HOUR_MS)
    assert clock.off_ms() == pytest.approx(-HOUR_MS, abs=2)
    clocks.own_ms += HOUR_MS
    assert (clock.now_ms(), clock.off_ms()) == (clocks.own_ms, 0)


def test_one_that_is_set_wrong_moves_nothing(clocks: Clocks) -> None:
    clocks.is_told(NOON_MS)
    clocks.own_ms += HOUR_MS
    assert clock.now_ms() == pytest.approx(clocks.own_ms - HOUR_MS, abs=2)


@given(took_ms=st.integers(0, 10**7), share=st.floats(0, 1), off_ms=st.integers(-1900, 1900))
def test_no_answer_makes_a_clock_seem_wrong_however_long_it_took(
    took_ms: int, share: float, off_ms: int
) -> None:
    clocks = Clocks()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(clock, "own_ms", lambda: clocks.own_ms)
        monkeypatch.setattr(clock, "steady_ms", lambda: clocks.steady_ms)
        monkeypatch.setattr(clock, "_told_apart_ms", None)
        asked_ms, there_ms = clocks.steady_ms, NOON_MS + round(took_ms * share) - off_ms
        clocks.passes(took_ms)
        clock.told(there_ms, asked_ms)
        assert clock.off_ms() == 0


def test_a_slow_answer_changes_nothing_that_a_quick_one_has_told(clocks: Clocks) -> None:
    clocks.is_told(NOON_MS - HOUR_MS)
    before = clock.now_ms()
    clocks.is_told(clocks.own_ms - HOUR_MS, took_ms=10_000)
    assert clock.now_ms() == pytest.approx(before + 10_000, abs=2)
