"""When a thread wakes for an event: debounce, quiet, cooldown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uwf.engine.events.timing import Window, cools_until, joined
from uwf.workflow.trigger import Trigger

NOW = 1_700_000_000_000
PLAIN = Trigger()
FIVE = Trigger(debounce_s=300.0)
QUIET = Trigger(debounce_s=300.0, quiet_s=60.0, latest_s=600.0)
COOL = Trigger(cooldown_s=600.0)


def s(seconds: float) -> int:
    return NOW + round(seconds * 1000)


def wakes(trigger: Trigger, *seconds: float, urgent: float | None = None) -> list[float]:
    """When the thread is to wake after each of the events, in seconds from the first."""
    window: Window | None = None
    found = []
    for second in seconds:
        window = joined(window, trigger, s(second), is_urgent=second == urgent)
        found.append((window.wake_ms - NOW) / 1000)
    return found


def test_without_a_debounce_each_event_wakes_at_once() -> None:
    assert wakes(PLAIN, 0, 1, 9) == [0, 1, 9]


def test_events_gather_until_the_debounce_of_the_first_ends() -> None:
    assert wakes(FIVE, 0, 1, 299) == [300, 300, 300]


def test_what_comes_at_the_end_of_a_window_opens_the_next() -> None:
    assert wakes(FIVE, 0, 300, 301) == [300, 600, 600]


def test_a_quiet_period_moves_the_end_and_the_latest_never() -> None:
    assert wakes(QUIET, 0, 100, 290, 340, 399, 455, 510, 565) == [
        *(300, 300, 350, 400, 459, 515, 570),
        600,
    ]


def test_urgent_ones_wake_now_and_the_next_window_begins_after_them() -> None:
    assert wakes(FIVE, 0, 100, 101, urgent=100) == [300, 100, 401]


def test_a_cooldown_keeps_two_wakes_apart_and_loses_none() -> None:
    assert wakes(COOL, 0, 1, 599, 700) == [0, 600, 600, 1200]
    assert wakes(COOL, 0, 601) == [0, 601]


def test_urgent_ones_do_not_wait_for_a_cooldown() -> None:
    assert wakes(COOL, 0, 5, urgent=5) == [0, 5]


def test_a_clock_that_was_set_back_keeps_no_window_open() -> None:
    window = joined(None, FIVE, s(0), is_urgent=False)
    assert joined(window, FIVE, s(-3600), is_urgent=False).wake_ms == s(-3600 + 300)
    cool = joined(None, COOL, s(0), is_urgent=False)
    assert joined(cool, COOL, s(-3600), is_urgent=False).wake_ms == s(-3600 + 600)


def test_a_trigger_that_has_just_started_a_thread_cools() -> None:
    window = Window(NOW, NOW)
    assert cools_until(window, COOL, s(599)) == s(600)
    assert cools_until(window, COOL, s(600)) is None
    assert cools_until(None, COOL, s(0)) is None
    assert cools_until(window, PLAIN, s(0)) is None


LENGTHS = st.none() | st.integers(1, 500).map(float)


@given(
    LENGTHS,
    LENGTHS,
    LENGTHS,
    st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=12),
)
def test_no_event_waits_longer_than_the_latest_and_the_cooldown(
    debounce_s: float | None,
    quiet_s: float | None,
    cooldown_s: float | None,
    steps: list[tuple[int, bool]],
) -> None:
    trigger = Trigger(
        debounce_s=debounce_s,
        quiet_s=quiet_s if debounce_s else None,
        cooldown_s=cooldown_s,
    )
    window: Window | None = None
    second = 0
    for passed, is_urgent in steps:
        second += passed
        window = joined(window, trigger, s(second), is_urgent=is_urgent)
        assert window.first_ms <= s(second) <= window.wake_ms
        if is_urgent:
            assert window.wake_ms == s(second)
        most_s = trigger.latest_wake_s + (cooldown_s or 0)
        assert window.wake_ms - window.first_ms <= most_s * 1000
        assert Window.from_value(window.to_value()) == window
