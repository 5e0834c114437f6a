"""What an event may be, and that nothing else gets in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgpack import packb  # type: ignore[import-untyped]  # it ships none

from uwf.engine.events.event import MAX_DATA_BYTES, MAX_DEPTH, Event, checked
from uwf.errors import InputError
from uwf.record import replace

EVENT = Event("7", "github", "github.review", 1_700_000_000_000, who="ann", trust="bot")


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_an_event_is_called_by_its_source_and_id_and_one_of_the_command_line_by_its_id() -> None:
    assert EVENT.key == "github/7"
    assert replace(EVENT, source="cli").key == "7"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "a b"}, "is not the name of an event"),
        ({"name": 3}, "is not the name of an event"),
        ({"name": "x" * 101}, "is not the name of an event"),
        ({"id": ""}, "the id of an event"),
        ({"id": "x" * 201}, "the id of an event"),
        ({"id": "a\nb"}, "the id of an event"),
        ({"id": "\udcff"}, "the id of an event"),
        ({"id": 3}, "the id of an event"),
        ({"source": "a/b"}, "no slash"),
        ({"who": "a\x1bb"}, "the who of an event"),
        ({"trust": "me"}, "the trust of an event"),
        ({"at_ms": -1}, "the time of an event"),
        ({"at_ms": 1 << 60}, "the time of an event"),
        ({"at_ms": 1.5}, "the time of an event"),
        ({"at_ms": True}, "the time of an event"),
        ({"depth": -1}, "the depth of an event"),
        ({"thread": ""}, "the thread of an event"),
        ({"cause": "x" * 300}, "the cause of an event"),
        ({"labels": {"a=b": "c"}}, "no = in it"),
        ({"labels": {"a": 3}}, "the label of an event"),
        ({"labels": {str(number): "x" for number in range(21)}}, "at most 20"),
        ({"labels": ["a"]}, "the labels of an event"),
        ({"data": float("nan")}, "no NaN"),
        ({"data": [float("inf")]}, "no NaN"),
        ({"data": {"n": 10**30}}, "more than 64 bits"),
        ({"data": -(2**63) - 1}, "more than 64 bits"),
        ({"data": {1: 2}}, "the keys"),
        ({"data": {"a": "\ud800"}}, "half of a surrogate pair"),
        ({"data": {"\ud800": 1}}, "half of a surrogate pair"),
        ({"data": b"bytes"}, "which has no bytes"),
        ({"data": {"a": {1, 2}}}, "which has no set"),
        ({"data": deep(MAX_DEPTH + 1)}, "deeper than 64"),
        ({"data": deep(100_000)}, "deeper than 64"),
        ({"data": "x" * (MAX_DATA_BYTES + 1)}, "larger than 1 MiB"),
        ({"data": ["é" * 1000] * 1000}, "larger than 1 MiB"),
        ({"data": [0] * 200_000}, "larger than 1 MiB"),
    ],
)
def test_what_is_no_event_is_refused_and_says_why(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(replace(EVENT, **change))
    assert words in caught.value.message
    assert caught.value.code == "bad_event"
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    "data",
    [None, 0, 2**64 - 1, -(2**63), 1.5, "", "x" * 1_000_000, {}, deep(MAX_DEPTH), ["é"], True],
)
def test_all_that_json_can_say_within_the_limits_is_data(data: Any) -> None:
    assert checked(replace(EVENT, data=data)).data == data


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_was_accepted_can_be_stored(data: Any) -> None:
    try:
        event = checked(replace(EVENT, data=data))
    except InputError:
        return
    packb(event.to_value())
    assert Event.from_value(event.to_value()) == event
