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


def calls_in_code(ending: str) -> Iterator[ast.Call]:
    """The calls in the package of what is named so."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(ending):
                yield node


def first_arguments(ending: str) -> Counter[str]:
    found = Counter[str]()
    for call in calls_in_code(ending):
        if call.args and isinstance(call.args[0], ast.Constant):
            found[str(call.args[0].value)] += 1
    return found


def test_each_inner_point_stands_once_in_the_code_and_no_other_does() -> None:
    assert first_arguments("points.at") == Counter(points.INNER)


def test_only_a_transaction_makes_the_names_of_its_points() -> None:
    made = [
        call for call in calls_in_code("points.at") if not isinstance(call.args[0], ast.Constant)
    ]
    written = {ast.unparse(call.args[0]) for call in made}
    assert written == {f"f'{{self._name}}: {moment}'" for moment in points.MOMENTS}


def test_each_transaction_has_a_known_name_of_its_own() -> None:
    unnamed = [
        ast.unparse(call)
        for call in calls_in_code(".transaction")
        if call.args and not isinstance(call.args[0], ast.Constant)
    ]
    assert unnamed == [FENCE], "the fence has the name of what is inside it"
    assert first_arguments(".transaction") == Counter(points.TRANSACTIONS)


FENCE = "self._store.transaction(name, durable=durable, wait_s=wait_s, lease=self._lease)"

ELSEWHERE = {
    "copy": "tests/store/whole/test_copying.py",
    "copy objects": "tests/store/whole/test_copying.py",
    "keep near": "tests/store/test_object_cache.py",
    "figures": "tests/engine/upkeep/test_figures.py",
    "alert": "tests/engine/upkeep/test_alerts.py",
    "alert prune": "tests/engine/upkeep/test_alerts.py",
    "absence seen": "tests/engine/upkeep/test_alerts.py",
    "triggers good": "tests/app/unattended/test_references.py",
    "health skew": "tests/engine/upkeep/test_skew.py",
    "unserved": "tests/engine/actions/test_timer.py",
    "lifted": "tests/engine/actions/test_timer.py",
    "permitted": "tests/acceptance/test_approval.py",
    "superseded": "tests/engine/run/attempt/test_superseded.py",
}
"""Transactions that only a daemon makes, only for one kind of agent, in a second store, or where a lease can be lost,
and the tests that kill at their points."""


IN_A_CLUSTER = {
    *("lead: taken", "job: taken", "job: begun", "job: over", "job: paid"),
    *(f"lead: {moment}" for moment in points.MOMENTS),
}
"""What is there only where many machines share a store: tests/crash/cluster kills at every point that is passed."""


def test_every_point_belongs_to_a_scenario() -> None:
    killed_at = {point for scenario in SCENARIOS for point in scenario.points}
    names = {name for name in points.names() for point in killed_at if is_time_of(point, name)}
    names |= IN_A_CLUSTER
    names |= {f"{name}: {moment}" for name in ELSEWHERE for moment in points.MOMENTS}
    assert names == set(points.names())


def test_what_is_killed_elsewhere_is_named_there() -> None:
    for name, path in ELSEWHERE.items():
        assert f'"{name}: ' in (ROOT.parent / path).read_text()


def is_time_of(point: str, name: str) -> bool:
    return point == name or point.removeprefix(f"{name}:").isdigit()


def test_an_unknown_point_cannot_be_armed() -> None:
    for wrong in ("step: forgotten", "step: done:0", "step: done:x", ":2"):
        with pytest.raises(InputError):
            points.arm(wrong)
    points.at("step: done")  # and none is
