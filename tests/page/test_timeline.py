"""Where the bars of a timeline stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uwf.page.timeline import Axis, Span

DAY_MS = 86_400_000
SPANS = st.lists(
    st.tuples(st.integers(0, 10 * DAY_MS), st.integers(0, DAY_MS)).map(
        lambda each: Span(each[0], each[0] + each[1], "work", "")
    ),
    min_size=1,
    max_size=8,
)


@given(SPANS)
def test_every_bar_is_on_the_axis_and_in_the_order_of_time(spans: list[Span]) -> None:
    axis = Axis(spans)
    bars = [axis.bar(span) for span in sorted(spans, key=lambda each: each.begin)]
    for bar in bars:
        assert bar.left >= 0 and bar.width >= 0 and bar.left + bar.width <= 100.02
    assert [bar.left for bar in bars] == sorted(bar.left for bar in bars)


def test_a_night_takes_less_room_than_the_work_around_it() -> None:
    one, two = Span(0, 60_000, "work", ""), Span(DAY_MS, DAY_MS + 60_000, "work", "")
    axis = Axis([one, two])
    night = axis.wait(one.end, two.begin, "waited")
    assert axis.bar(one).width == axis.bar(two).width > night.width > 0


def test_short_waits_are_drawn_as_long_as_they_are() -> None:
    one, two = Span(0, 1000, "work", ""), Span(1100, 2000, "work", "")
    axis = Axis([one, two])
    assert axis.wait(1000, 1100, "").width == round(100 * 100 / 2000, 2)


def test_what_took_no_time_is_drawn_all_the_same() -> None:
    assert Axis([Span(5, 5, "work", "")]).bar(Span(5, 5, "work", "")).left == 0
