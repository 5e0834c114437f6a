"""Budgets are read as they are written, raised as they are asked, and refused with what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf import quantities
from uwf.errors import InputError

WHOLE = st.integers(1, 10**15)
BUDGETS = st.fixed_dictionaries(
    {},
    optional={
        "tokens": WHOLE,
        "usd": st.integers(1, 10**12).map(lambda millionths: millionths / 10**6),
        "steps": WHOLE,
        "visits": WHOLE,
        "time": st.integers(1, 10**11).map(lambda ms: ms / 1000),
    },
).filter(bool)


def test_the_five_limits_are_read() -> None:
    assert quantities.parse_budget("tokens=2M,usd=5,steps=40, visits=10 ,time=2h") == {
        "tokens": 2_000_000,
        "usd": 5,
        "steps": 40,
        "visits": 10,
        "time": 7200,
    }


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1500", 1500), ("1.5k", 1500), ("1.5K", 1500), ("2.25M", 2_250_000), ("1G", 10**9)],
)
def test_suffixes_multiply(text: str, amount: float) -> None:
    assert quantities.parse_budget(f"tokens={text}") == {"tokens": amount}


@given(BUDGETS)
def test_what_is_written_is_read_again(budget: dict[str, float]) -> None:
    assert quantities.parse_budget(quantities.format_budget(budget)) == budget


@given(BUDGETS, BUDGETS)
def test_setting_forgets_what_was_and_raising_adds_to_it(
    before: dict[str, float], more: dict[str, float]
) -> None:
    assert quantities.raised_budget(before, quantities.format_budget(more)) == before | more
    known = {name: more[name] for name in more if name in before}
    if known:
        plus = ",".join(f"+{part}" for part in quantities.format_budget(known).split(","))
        after = quantities.raised_budget(before, plus)
        assert after.keys() == before.keys()
        for name, amount in known.items():
            assert after[name] == pytest.approx(before[name] + amount)


def test_raising_leaves_no_dust() -> None:
    assert quantities.raised_budget({"usd": 0.1}, "+usd=0.2") == {"usd": 0.3}


def test_one_text_may_raise_and_set() -> None:
    assert quantities.raised_budget({"usd": 5.0, "steps": 9.0}, "+usd=2,tokens=1M") == {
        "usd": 7,
        "steps": 9,
        "tokens": 1_000_000,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not of the form NAME=LIMIT"),
        ("usd", "'usd' is not of the form NAME=LIMIT"),
        ("=5", "'=5' is not of the form"),
        ("usd=5,,steps=1", "'' is not of the form"),
        ("token=5", "'token' cannot be limited, only tokens, .*; did you mean tokens\\?"),
        ("USD=5", "'USD' cannot be limited, only tokens, usd, steps, visits, time"),
        ("usd=5,usd=6", "usd is given twice"),
        ("usd=0", "usd: '0' leaves nothing to spend"),
        ("usd=0.0000001", "leaves nothing to spend"),
        ("usd=-2", "usd: '-2' leaves nothing to spend"),
        ("tokens=0k", "leaves nothing to spend"),
        ("usd=five", "usd: 'five' is not a number such as 5"),
        ("usd=", "usd: '' is not a number"),
        ("usd=1e3", "'1e3' is not a number"),
        ("usd=\u0665", "is not a number"),
        ("usd=nan", "'nan' is not a number"),
        ("usd=1.2.3", "is not a number"),
        ("tokens=2m", "'2m' is not a number such as 2M"),
        ("steps=1.5", "steps: '1.5' is not a whole number"),
        ("tokens=99999999G", "more than anybody has"),
        ("time=5", "time: '5' is not a duration such as 90s"),
        ("time=0s", "time: '0s' leaves nothing to spend"),
        ("time=-5m", "'-5m' is not a duration"),
        ("+usd=2", r"\+usd would raise a limit that there is not"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        quantities.parse_budget(text)
    assert caught.value.code == "bad_budget"


def test_only_a_limit_that_is_there_can_be_raised() -> None:
    with pytest.raises(InputError, match=r"\+usd would raise a limit that there is not"):
        quantities.raised_budget({"tokens": 5.0}, "+usd=2")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("usd", True),
        ("usd", None),
        ("usd", float("nan")),
        ("usd", float("inf")),
        ("usd", -(10**400)),
        ("tokens", 10**400),
        ("steps", []),
        ("time", 60),
    ],
)
def test_values_of_files_that_are_no_amounts_are_refused(name: str, given: object) -> None:
    with pytest.raises(ValueError, match=r"is not|leaves nothing|more than"):
        quantities.read_amount(name, given)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        found = quantities.parse_budget(text)
    except InputError as error:
        assert error.message
    else:
        assert found
        assert all(amount > 0 for amount in found.values())


@pytest.mark.parametrize(
    ("name", "amount", "text"),
    [
        ("tokens", 2_000_000, "2M"),
        ("tokens", 2_000_123.4, "2000123"),
        ("tokens", 1_500, "1500"),
        ("tokens", 0, "0"),
        ("usd", 5.02, "5.02"),
        ("usd", 5, "5"),
        ("usd", 0, "0"),
        ("steps", 1000, "1000"),
        ("time", 5400, "1h30m"),
        ("time", 0.25, "250ms"),
        ("time", 0, "0s"),
    ],
)
def test_amounts_are_written_for_people(name: str, amount: float, text: str) -> None:
    assert quantities.written(name, amount) == text
