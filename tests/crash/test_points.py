"""The list of points and the points in the code are the same."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import uwf
from tests.crash.scenarios import SCENARIOS
from uwf import points
from uwf.errors import InputError

ROOT = Path(uwf.__file__).parent


def points_in_code() -> Iterator[str]:
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "points.at":
                [name] = node.args
                assert isinstance(name, ast.Constant), f"{path}: the name is written out"
                yield str(name.value)


def test_each_listed_point_stands_once_in_the_code_and_no_other_does() -> None:
    assert Counter(points_in_code()) == Counter(points.NAMES)


def test_every_point_belongs_to_a_scenario() -> None:
    killed_at = {point for scenario in SCENARIOS for point in scenario.points}
    names = {name for name in points.NAMES for point in killed_at if is_time_of(point, name)}
    assert names == set(points.NAMES)


def is_time_of(point: str, name: str) -> bool:
    return point == name or point.removeprefix(f"{name}:").isdigit()


def test_an_unknown_point_cannot_be_armed() -> None:
    for wrong in ("step: forgotten", "step: done:0", "step: done:x", ":2"):
        with pytest.raises(InputError):
            points.arm(wrong)
    points.at("step: done")  # and none is
