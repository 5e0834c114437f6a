"""Records: values with named fields, made by the one constructor or by one of their own."""

from __future__ import annotations

import pytest

from uwf.record import MANY, Record, replace


def point() -> type[Record]:
    """A fresh class, of which none was made yet. Two of its fields have names that a constructor may use itself."""

    class Point(Record):
        x: int
        state: str = "new"
        defaults: tuple[int, ...] = ()

    return Point


@pytest.fixture(params=["one for all", "its own"])
def cls(request: pytest.FixtureRequest) -> type[Record]:
    made = point()
    if request.param == "its own":
        for _ in range(MANY):
            made(1)
        assert made.__init__ is not Record.__init__
    return made


def test_fields_are_given_by_place_or_name_and_have_defaults(cls: type[Record]) -> None:
    full = {"x": 1, "state": "old", "defaults": (2,)}
    assert vars(cls(1, "old", (2,))) == vars(cls(**full)) == vars(cls(1, "old", defaults=(2,)))
    assert vars(cls(1)) == vars(cls(x=1)) == {"x": 1, "state": "new", "defaults": ()}
    assert list(vars(cls(defaults=(), x=1, state=""))) in (list(full), ["defaults", "x", "state"])


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((), {"y": 1}), ((1,), {"y": 1}), ((1,), {"x": 1}), ((1, "", (), 4), {})],
)
def test_wrong_fields_are_refused(
    cls: type[Record], values: tuple[object, ...], named: dict[str, object]
) -> None:
    with pytest.raises(TypeError):
        cls(*values, **named)


def test_values_are_compared_hashed_shown_and_copied(cls: type[Record]) -> None:
    value = cls(1, "old")
    assert value == cls(x=1, state="old") != cls(1)
    assert hash(value) == hash(cls(1, "old"))
    assert repr(value) == "Point(x=1, state='old', defaults=())"
    assert vars(replace(value, x=2)) == {"x": 2, "state": "old", "defaults": ()}
    with pytest.raises(AttributeError):
        value.x = 3  # type: ignore[attr-defined]


def test_class_that_is_below_when_its_base_gets_one_keeps_its_own_fields() -> None:
    base = point()

    class Named(base):  # type: ignore[valid-type,misc]
        name: str = ""

    class Doubled(base):  # type: ignore[valid-type,misc]
        def __init__(self, x: int) -> None:
            super().__init__(x=2 * x)

    class Below(Named):
        more: int = 0

    for _ in range(MANY):
        base(1)
    assert vars(Named(1, name="a")) == {"x": 1, "state": "new", "defaults": (), "name": "a"}
    for number in range(2 * MANY):
        assert Doubled(number).x == 2 * number
        assert vars(Below(number, more=1))["more"] == 1
        assert vars(Named(number, name="b"))["name"] == "b"


def test_class_below_one_with_its_own_constructor_has_its_own_fields() -> None:
    base = point()
    for _ in range(MANY):
        base(1)

    class Named(base):  # type: ignore[valid-type,misc]
        name: str = ""

    assert vars(Named(1, name="a")) == {"x": 1, "state": "new", "defaults": (), "name": "a"}
    for _ in range(MANY):
        Named(1)
    assert vars(Named(1, "old", (), "a"))["name"] == "a"
    assert vars(base(1)) == {"x": 1, "state": "new", "defaults": ()}
