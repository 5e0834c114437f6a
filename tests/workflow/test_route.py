"""Who is next: always a role, the end, a suspension, or an error that names its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.workflow.model import Edge, Role, Workflow
from uwf.workflow.route import RouteError, ToEnd, ToRole, ToSuspend, entry, route, target

from .strategies import NAMES, OUTPUTS, STATUSES, WORKFLOWS


def workflow(**graph: dict[str, Edge]) -> Workflow:
    roles = {name: Role(name, "", "", (), "", "", {}) for name in ("planner", "coder")}
    return Workflow(
        "demo", "", roles, {"$START" if k == "START" else k: e for k, e in graph.items()}
    )


PLANNED = workflow(
    START={"new": Edge("planner", "begin {{ x }}"), "resume": Edge("coder", "go on: {{ _body }}")},
    planner={
        "ready": Edge("coder", "do {{ plan }}", "/code/{{ name }}"),
        "done": Edge("$END", ""),
        "stuck": Edge("$SUSPEND", "needs {{ what }}"),
        "quiet": Edge("$SUSPEND", "{{ what }}"),
        "empty": Edge("coder", " {{ plan }} "),
        "nowhere": Edge("coder", "go", "{{ name }}"),
        "broken": Edge("coder", "{{ plan | nope }}"),
        "lost": Edge("ghost", "boo"),
    },
    coder={"_": Edge("planner", "again")},
)


def test_a_status_leads_to_its_role_with_prompt_and_location_filled_in() -> None:
    found = route(PLANNED, "planner", "ready", {"plan": "it", "name": "x"})
    assert found == ToRole("coder", "do it", "/code/x")


def test_an_edge_to_the_end_may_have_nothing_to_say() -> None:
    assert route(PLANNED, "planner", "done", {}) == ToEnd("")


def test_an_older_suspend_edge_says_its_prompt_else_the_reason_else_who() -> None:
    assert route(PLANNED, "planner", "stuck", {"what": "a key"}) == ToSuspend("needs a key")
    assert route(PLANNED, "planner", "quiet", {"reason": "no key"}) == ToSuspend("no key")
    assert route(PLANNED, "planner", "quiet", {"reason": 7}) == ToSuspend("suspended by planner")


def test_the_any_edge_counts_only_where_it_is_the_only_one() -> None:
    assert route(PLANNED, "coder", "whatever", {}) == ToRole("planner", "again")
    two = workflow(coder={"_": Edge("planner", "again"), "done": Edge("$END", "")})
    with pytest.raises(RouteError, match="status 'whatever'"):
        route(two, "coder", "whatever", {})


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("empty", "empty_prompt", "prompt of edge planner → empty"),
        ("nowhere", "empty_location", "location of edge planner → nowhere"),
        ("broken", "bad_template", "unknown filter 'nope'"),
        ("lost", "no_edge", "role 'ghost'"),
        ("new", "no_edge", r"role planner .* status 'new', .* \(it has: ready, done,"),
    ],
)
def test_a_dead_end_is_an_error_that_names_its_place(status: str, code: str, words: str) -> None:
    with pytest.raises(RouteError, match=words) as caught:
        route(PLANNED, "planner", status, {})
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("edges", "round", "role"),
    [
        (["new", "resume"], 1, "new"),
        (["new", "resume"], 2, "resume"),
        (["new"], 3, "new"),
        (["_"], 1, "_"),
        (["_"], 2, "_"),
        (["resume"], 1, None),
        ([], 1, None),
    ],
)
def test_a_round_begins_at_new_and_later_ones_at_resume(
    edges: list[str], round: int, role: str | None
) -> None:
    begun = Workflow(
        "demo",
        "",
        {name: Role(name, "", "", (), "", "", {}) for name in edges},
        {"$START": {name: Edge(name, "begin") for name in edges}},
    )
    if role is None:
        with pytest.raises(RouteError, match="no edge 'new'"):
            entry(begun, round, {})
    else:
        assert entry(begun, round, {}) == ToRole(role, "begin")


def test_the_entry_sees_the_task_text_and_its_front_matter() -> None:
    assert entry(PLANNED, 1, {"x": "now", "_body": "task"}) == ToRole("planner", "begin now")
    assert entry(PLANNED, 2, {"_body": "task"}) == ToRole("coder", "go on: task")


@given(WORKFLOWS, NAMES, STATUSES, OUTPUTS, st.integers(1, 3))
def test_routing_ends_in_a_role_an_end_a_suspension_or_a_named_error(
    found: Workflow, source: str, status: str, output: dict[str, Any], round: int
) -> None:
    def check(ask: Any) -> None:
        try:
            answer = ask()
        except RouteError as error:
            assert error.code in ("no_edge", "empty_prompt", "empty_location", "bad_template")
            assert found.name in error.message
            return
        assert isinstance(answer, (ToRole, ToEnd, ToSuspend))
        if isinstance(answer, ToRole):
            assert answer.role in found.roles
            assert answer.prompt.strip()
            assert answer.location is None or answer.location == answer.location.strip() != ""
        if isinstance(answer, ToSuspend):
            assert answer.message.strip()

    check(lambda: route(found, source, status, output))
    check(lambda: entry(found, round, output))


@given(WORKFLOWS, NAMES, STATUSES, OUTPUTS)
def test_the_target_is_where_routing_leads_when_it_leads_anywhere(
    found: Workflow, source: str, status: str, output: dict[str, Any]
) -> None:
    try:
        answer = route(found, source, status, output)
    except RouteError:
        return
    name = {ToEnd: "$END", ToSuspend: "$SUSPEND"}.get(type(answer), getattr(answer, "role", ""))
    assert target(found, source, status) == name
