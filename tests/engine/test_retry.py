"""What is tried again, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.agent.failure import CLASSES
from uwf.engine.run.retry import Rules, delay_s, worth


def test_only_what_passes_by_itself_is_tried_again() -> None:
    assert {name for name in CLASSES if worth(Rules(), name, 1)} == {"network", "spawn_failed"}


def test_it_is_tried_again_as_often_as_the_rules_say() -> None:
    assert [worth(Rules(attempts=2), "network", n) for n in (1, 2, 3)] == [True, True, False]
    assert not worth(Rules(attempts=0), "network", 1)
    assert worth(Rules(classes=("exit_code",)), "exit_code", 1)


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 1.0), (2, 2.0), (3, 4.0), (7, 60.0), (10_000, 60.0)]
)
def test_the_bound_doubles_up_to_the_longest(attempt: int, longest: float) -> None:
    assert delay_s(Rules(), attempt, lambda: 1.0) == longest


@given(
    st.integers(1, 200), st.floats(0, 1, exclude_max=True), st.floats(0.01, 10), st.floats(1, 99)
)
def test_a_delay_is_anything_below_its_bound(
    attempt: int, random: float, base_s: float, max_s: float
) -> None:
    rules = Rules(base_s=base_s, max_s=max_s)
    delay = delay_s(rules, attempt, lambda: random)
    assert 0 <= delay <= min(max_s, base_s * 2 ** (attempt - 1))
    assert delay_s(rules, attempt, lambda: 0.0) == 0
