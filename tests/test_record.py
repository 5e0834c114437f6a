"""Records: frozen values with named fields."""

from __future__ import annotations

import pytest

from uwf.record import Record, replace


class Point(Record):
    x: int
    state: str = "new"
    defaults: tuple[int, ...] = ()


class Named(Point):
    name: str = ""


def test_fields_are_given_by_place_or_name_and_have_defaults() -> None:
    full = {"x": 1, "state": "old", "defaults": (2,)}
    assert (
        vars(Point(1, "old", (2,))) == vars(Point(**full)) == vars(Point(1, "old", defaults=(2,)))
    )
    assert vars(Point(1)) == vars(Point(x=1)) == {"x": 1, "state": "new", "defaults": ()}


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((), {"y": 1}), ((1,), {"y": 1}), ((1,), {"x": 1}), ((1, "", (), 4), {})],
)
def test_wrong_fields_are_refused(values: tuple[object, ...], named: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        Point(*values, **named)


def test_values_are_compared_hashed_shown_and_copied() -> None:
    value = Point(1, "old")
    assert value == Point(x=1, state="old") != Point(1)
    assert hash(value) == hash(Point(1, "old"))
    assert repr(value) == "Point(x=1, state='old', defaults=())"
    assert vars(replace(value, x=2)) == {"x": 2, "state": "old", "defaults": ()}
    with pytest.raises(AttributeError):
        value.x = 3  # type: ignore[attr-defined]


def test_class_below_another_has_the_fields_of_both() -> None:
    assert vars(Named(1, name="a")) == {"x": 1, "state": "new", "defaults": (), "name": "a"}
    assert Named(1, "old", (), "a") == Named(name="a", x=1, state="old")
    assert Named(1) != Point(1)


def test_default_that_can_change_is_refused() -> None:
    with pytest.raises(TypeError, match="immutable"):

        class Shared(Record):
            items: tuple[int, ...] = []  # type: ignore[assignment]
