"""When a thread may be run again, after what its last runs came to."""

from __future__ import annotations

import pytest

from uwf.daemon.patience import CROWDED_MS, LONGEST_MS, MOST, WITHIN_MS, Patience
from uwf.daemon.runs import RunEnded

NOW_MS = 1_700_000_000_000
T = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def ended(code: int, retry_at_ms: int | None = None) -> RunEnded:
    return RunEnded(T, code, 0.1, retry_at_ms=retry_at_ms)


@pytest.mark.parametrize("code", [0, 3, 6, 143, -15])
def test_what_the_thread_itself_explains_holds_nothing_back(code: int) -> None:
    patience = Patience()
    patience.ended(ended(code), NOW_MS)
    assert patience.until_ms(T) <= NOW_MS


def test_refusal_is_asked_again_when_it_said() -> None:
    patience = Patience()
    patience.ended(ended(75, NOW_MS + 90_000), NOW_MS)
    assert patience.until_ms(T) == NOW_MS + 90_000
    patience.ended(ended(75), NOW_MS)
    assert patience.until_ms(T) == NOW_MS + CROWDED_MS


@pytest.mark.parametrize("code", [1, 2, 4, 5, 127, -9, -11])
def test_odd_end_waits_longer_each_time_up_to_a_bound(code: int) -> None:
    patience, now_ms, waits = Patience(), NOW_MS, []
    for number in range(1, 15):
        assert patience.ended(ended(code), now_ms).odd == number
        waits.append(patience.until_ms(T) - now_ms)
        now_ms = patience.until_ms(T)
    assert waits == sorted(waits) and waits[0] < 10_000
    assert waits[-1] == LONGEST_MS
    assert patience.ended(ended(0), now_ms).odd == 0


def test_whatever_runs_come_to_there_are_not_many_a_minute() -> None:
    patience, now_ms = Patience(), NOW_MS
    for _ in range(MOST):
        assert patience.until_ms(T) <= now_ms
        now_ms += 100
        patience.ended(ended(0), now_ms)
    assert patience.until_ms(T) == NOW_MS + 100 + WITHIN_MS


def test_what_is_long_over_is_forgotten() -> None:
    patience = Patience()
    patience.ended(ended(1), NOW_MS)
    patience.forget_old(NOW_MS + 60_000)
    assert patience.ended(ended(1), NOW_MS + 60_000).odd == 2
    patience.forget_old(NOW_MS + 3 * LONGEST_MS)
    assert patience.ended(ended(1), NOW_MS + 3 * LONGEST_MS).odd == 1
