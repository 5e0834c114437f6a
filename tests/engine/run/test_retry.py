"""What is tried again, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.agent.failure import CLASSES
from uwf.agent.protocol import AgentFailure
from uwf.config import RetryConfig
from uwf.engine.run.retry import delay_s


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
