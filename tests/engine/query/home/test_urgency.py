"""The one order of what is due, as a number for a queue that sorts by it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uwf.engine.chain import wake
from uwf.engine.chain.wake import Wake
from uwf.engine.query.home.urgency import DueThread, number, ordered

NOW_MS = 1_770_000_000_000
DUE = st.builds(
    lambda priority, kind, late_s, told: DueThread(
        "01AAA", "idle", priority, Wake(NOW_MS - late_s * 1000, kind, "", told)
    ),
    st.integers(-150, 150),
    st.sampled_from(wake.KINDS),
    st.integers(0, 400 * 86_400),
    st.booleans(),
)


@given(st.lists(DUE, max_size=6))
def test_the_numbers_stand_in_the_order_in_which_a_pass_runs(due: list[DueThread]) -> None:
    numbers = [number(each, NOW_MS) for each in ordered(due, NOW_MS)]
    assert numbers == sorted(numbers, reverse=True)


@given(DUE, st.integers(0, 86_400))
def test_a_number_changes_only_where_a_timer_must_not_slip_further(
    due: DueThread, later_s: int
) -> None:
    now, later = number(due, NOW_MS), number(due, NOW_MS + later_s * 1000)
    assert later == now or (due.wake.kind == wake.TIMER and later > now)


@given(st.integers(-(10**12), 10**13), st.integers(-200, 200), st.sampled_from(wake.KINDS))
def test_it_fits_into_32_bits(at_ms: int, priority: int, kind: str) -> None:
    due = DueThread("01AAA", "idle", priority, Wake(at_ms, kind, ""))
    assert -(2**31) < number(due, NOW_MS) < 2**31
