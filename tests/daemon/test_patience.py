"""When a thread may be run again, after what its last runs came to."""

from __future__ import annotations

import pytest

from tests.daemon.clocks import Clocks
from uwf.app.values import DueThread
from uwf.daemon.runs.children import RunEnded
from uwf.daemon.runs.patience import LONGEST_S, MOST, REFUSED_S, WITHIN_S, Patience
from uwf.engine.chain.wake import PERSON, TIMER, Wake

T = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def ended(code: int, retry_at_ms: int | None = None) -> RunEnded:
    return RunEnded(T, code, 0.1, retry_at_ms=retry_at_ms)


def due(at_ms: int = 0, kind: str = TIMER) -> DueThread:
    return DueThread(T, "idle", 0, Wake(at_ms, kind, "test"))


@pytest.mark.parametrize("code", [0, 3, 6, 143, -15])
def test_what_the_thread_itself_explains_holds_nothing_back(clocks: Clocks, code: int) -> None:
    patience = Patience()
    patience.ended(ended(code))
    assert patience.left_s(due()) == 0.0


def test_refusal_that_has_not_put_its_timer_off_is_asked_again_soon(clocks: Clocks) -> None:
    patience = Patience()
    patience.ended(ended(75, clocks.wall_ms + 5_000))
    assert patience.left_s(due()) == pytest.approx(5.0)
    patience.ended(ended(75, clocks.wall_ms + 5 * 3_600_000))
    assert patience.left_s(due()) == pytest.approx(REFUSED_S)
    patience.ended(ended(75))
    assert patience.left_s(due()) == pytest.approx(REFUSED_S)


@pytest.mark.parametrize("code", [1, 2, 4, 5, 127, -9, -11])
def test_odd_end_waits_longer_each_time_up_to_a_bound(clocks: Clocks, code: int) -> None:
    patience, waits = Patience(), list[float]()
    for number in range(1, 15):
        assert patience.ended(ended(code)).odd == number
        waits.append(patience.left_s(due()))
        clocks.until(waits[-1])
    assert waits == sorted(waits) and 0 < waits[0] < 10
    assert waits[-1] == pytest.approx(LONGEST_S)
    assert patience.ended(ended(0)).odd == 0


def test_clock_that_goes_back_makes_nobody_wait_longer(clocks: Clocks) -> None:
    patience = Patience()
    patience.ended(ended(1))
    clocks.wall_ms -= 3_600_000
    clocks.until(10.0)
    assert patience.left_s(due()) == 0.0


def test_person_who_speaks_after_an_odd_end_is_not_made_to_wait(clocks: Clocks) -> None:
    patience = Patience()
    before_ms = clocks.wall_ms
    patience.ended(ended(1))
    assert patience.left_s(due(before_ms, PERSON)) > 0, "that word was there already"
    assert patience.left_s(due(clocks.wall_ms + 1, PERSON)) == 0.0
    assert patience.left_s(due(clocks.wall_ms + 1, TIMER)) > 0


def test_whatever_runs_come_to_there_are_not_many_a_minute(clocks: Clocks) -> None:
    patience = Patience()
    for _ in range(MOST):
        assert patience.left_s(due()) == 0.0
        clocks.until(0.1)
        patience.ended(ended(0))
    assert patience.left_s(due()) == pytest.approx(WITHIN_S - (MOST - 1) * 0.1)


def test_what_is_long_over_is_forgotten(clocks: Clocks) -> None:
    patience = Patience()
    patience.ended(ended(1))
    clocks.until(60.0)
    patience.forget_old()
    assert patience.ended(ended(1)).odd == 2
    clocks.until(3 * LONGEST_S)
    patience.forget_old()
    assert patience.ended(ended(1)).odd == 1
