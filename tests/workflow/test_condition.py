"""Conditions: what they say of values, and that none can take long or do anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.workflow.condition import MAX_CHARS, Condition, ConditionInvalid

from .strategies import VALUES

EVENT = {"data": {"state": "open", "draft": False, "labels": ["bug", "ui"], "n": 3}, "who": "ann"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("data.state == 'open'", True),
        ("data.state == 'open' and data.draft", False),
        ("not data.draft", True),
        ("data.state == 'shut' or (who == 'ann' and not data.draft)", True),
        ("data.labels contains 'bug'", True),
        ("data.n > 2 and data.n <= 3", True),
        ("data['state'] == 'open'", True),
        ("data.labels[0] == 'bug'", True),
        ("data.gone", False),
        ("data.gone == nil", True),
        ("data.gone.further == 'x'", False),
        ("data.labels.size == 2", True),
        ("gone < 3", False),
    ],
)
def test_a_condition_says_what_liquid_says(text: str, holds: bool) -> None:
    assert Condition(text).holds(EVENT) is holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("data.state ==", "expected a primitive"),
        ("data.state = 'x'", "near 'data.state = "),
        ("data.state | upcase == 'X'", "of the condition"),
        ("{{ data.state }}", "leave out the {{"),
        ("(1..data.n) contains 3", "range"),
        ("x" * (MAX_CHARS + 1), "may have 1000"),
        ("(" * 900 + "x", "recursion"),
        ("((x)", "expected"),
    ],
)
def test_what_is_no_condition_says_why(text: str, words: str) -> None:
    with pytest.raises(ConditionInvalid) as caught:
        Condition(text)
    assert words in caught.value.message


def test_values_that_cannot_be_compared_are_an_error_that_says_so() -> None:
    with pytest.raises(ConditionInvalid, match="a text and a number cannot be compared") as caught:
        Condition("data.state < 3").holds(EVENT)
    assert caught.value.code == "wrong_type" and "near 'data.state < 3'" in caught.value.message
    with pytest.raises(ConditionInvalid, match="a text and a number cannot be compared"):
        Condition("data.state > 3").holds(EVENT)
    with pytest.raises(ConditionInvalid, match="a number and a text cannot be compared"):
        Condition("3 contains data.state").holds(EVENT)


def test_a_condition_knows_where_it_looks() -> None:
    assert set(Condition("data.a == who or x[y.z] contains 'q'").variables) == {
        *("data", "who", "x", "y")
    }


def test_nothing_of_one_look_is_left_for_the_next() -> None:
    condition = Condition("data.state == 'open'")
    assert condition.holds(EVENT)
    assert not condition.holds({})


def test_values_are_never_looked_into_as_python_objects() -> None:
    assert not Condition("data.__class__").holds({"data": "text"})


TERMS = st.sampled_from(
    ["data.x", "data.y.n", "'a'", "3", "nil", "empty", "data", "data.x.size", "data.x.first"]
)
CONDITIONS = st.builds(
    "{} {} {}".format,
    TERMS,
    st.sampled_from(["==", "!=", "<", ">=", "contains", "and", "or"]),
    TERMS,
)


@given(CONDITIONS, VALUES)
def test_hostile_values_are_answered_or_refused(text: str, value: Any) -> None:
    try:
        assert Condition(text).holds({"data": value}) in (True, False)
    except ConditionInvalid as error:
        assert error.message
