"""What is tried again by itself, and after how long."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.agent.failure import CLASSES
from uwf.agent.protocol import AgentFailure
from uwf.config.records import RetryConfig
from uwf.engine.run.attempt.retry import delay_s, wake_ms
from uwf.guard.backoff import Backoff
from uwf.record import replace


def delay(
    rules: RetryConfig, failure_class: str, retries: int, random: float = 1.0
) -> float | None:
    return delay_s(
        rules, AgentFailure(failure_class, failure_class, "it failed"), retries, lambda: random
    )


def test_only_what_passes_by_itself_is_tried_again() -> None:
    assert {name for name in CLASSES if delay(RetryConfig(), name, 0) is not None} == {
        "network",
        "spawn_failed",
    }


def test_it_is_tried_again_as_often_as_the_rules_say() -> None:
    assert [delay(RetryConfig(attempts=2), "network", n) for n in (0, 1, 2)] == [1, 2, None]
    assert delay(RetryConfig(attempts=0), "network", 0) is None
    assert delay(RetryConfig(classes=("exit_code",)), "exit_code", 0) == 1


@pytest.mark.parametrize(
    ("retries", "longest"), [(0, 1.0), (1, 2.0), (2, 4.0), (6, 60.0), (9_999, 60.0)]
)
def test_the_bound_doubles_up_to_the_longest(retries: int, longest: float) -> None:
    assert delay(RetryConfig(attempts=10**6), "network", retries) == longest


@given(
    st.integers(0, 199), st.floats(0, 1, exclude_max=True), st.floats(0.01, 10), st.floats(1, 99)
)
def test_a_delay_is_anything_below_its_bound(
    retries: int, random: float, base_s: float, max_s: float
) -> None:
    rules = RetryConfig(attempts=200, base_s=base_s, max_s=max_s)
    found = delay(rules, "network", retries, random)
    assert found is not None
    assert 0 <= found <= min(max_s, base_s * 2**retries)
    assert delay(rules, "network", retries, 0.0) == 0


def test_what_is_hopeless_is_left_to_a_person() -> None:
    hopeless = AgentFailure("spawn_failed", "network", "", is_hopeless=True)
    assert delay_s(RetryConfig(), hopeless, 0) is None


@given(
    delays=st.integers(0, 500),
    vain_s=st.floats(0, 86_399),
    resets_s=st.none() | st.integers(-9999, 9_999_999),
    random=st.floats(0, 1, exclude_max=True),
)
def test_the_next_try_comes_neither_too_soon_nor_after_a_person_should_be_asked(
    delays: int, vain_s: float, resets_s: int | None, random: float
) -> None:
    now_ms = 1_700_000_000_000
    resets_ms = None if resets_s is None else now_ms + resets_s * 1000
    failed = AgentFailure("exit_code", "quota", "", resets_ms=resets_ms)
    with mock.patch("uwf.clock.now_ms", lambda: now_ms):
        at_ms = wake_ms(Backoff(), failed, delays, vain_s, lambda: random)
        assert wake_ms(Backoff(), failed, delays, 86_400, lambda: random) is None
    assert at_ms is not None
    wait_s, left_s = (at_ms - now_ms) / 1000, 86_400 - vain_s
    assert wait_s <= left_s + 0.001
    if resets_s is None:
        bound_s = min(1800, 30 * 2**delays)
        assert min(bound_s / 2, left_s) - 0.001 <= wait_s <= bound_s
    else:
        assert wait_s >= min(max(0, resets_s) + 15, left_s) - 0.001


@pytest.mark.parametrize("name", CLASSES)
def test_only_what_time_alone_cures_waits_for_it(name: str) -> None:
    failed = AgentFailure(name, name, "")
    waits = wake_ms(Backoff(), failed, 0, 0.0) is not None
    assert waits == (name in ("network", "quota", "machine"))
    assert wake_ms(Backoff(), replace(failed, is_hopeless=True), 0, 0.0) is None


def test_whoever_says_when_its_limit_resets_is_waited_for_whatever_it_died_of() -> None:
    failed = AgentFailure("exit_code", "exit_code", "", resets_ms=4_000_000_000_000)
    assert wake_ms(Backoff(give_up_s=None), failed, 0, 0.0) is not None
