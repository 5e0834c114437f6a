"""A workflow survives being stored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from uwf.errors import InputError
from uwf.record import replace
from uwf.workflow.model import Edge, Role, Workflow, from_payload, to_payload

from .strategies import WORKFLOWS

SMALL = Workflow(
    "small",
    "does little",
    {"a": Role("a", "who", "why", ("code", "test"), "how", "what", {"type": "object"})},
    {"$START": {"new": Edge("a", "begin")}, "a": {"done": Edge("$END", "", "{{ folder }}")}},
)


@given(WORKFLOWS)
def test_stored_and_read_again_it_is_the_same(workflow: Workflow) -> None:
    assert from_payload(to_payload(workflow)) == workflow


def test_the_stored_form_uses_the_words_of_the_file() -> None:
    assert to_payload(SMALL) == {
        "version": 1,
        "name": "small",
        "description": "does little",
        "roles": {
            "a": {
                "description": "who",
                "goal": "why",
                "capabilities": ["code", "test"],
                "procedure": "how",
                "output": "what",
                "frontmatter": {"type": "object"},
            }
        },
        "graph": {
            "$START": {"new": {"role": "a", "prompt": "begin", "location": None}},
            "a": {"done": {"role": "$END", "prompt": "", "location": "{{ folder }}"}},
        },
    }


def test_only_a_workflow_with_limits_stores_any() -> None:
    limited = replace(
        SMALL, budget={"usd": 5.0}, roles={"a": replace(SMALL.roles["a"], max_visits=3)}
    )
    plain, payload = to_payload(SMALL), to_payload(limited)
    assert payload["budget"] == {"usd": 5.0}
    assert payload["roles"]["a"]["max_visits"] == 3
    assert from_payload(payload) == limited
    del payload["budget"], payload["roles"]["a"]["max_visits"]
    assert payload == plain
    assert from_payload(plain).budget == {}


def test_only_a_role_that_writes_nothing_stores_that() -> None:
    reader = replace(SMALL, roles={"a": replace(SMALL.roles["a"], writes=False)})
    payload = to_payload(reader)
    assert payload["roles"]["a"]["writes"] is False
    assert from_payload(payload) == reader
    del payload["roles"]["a"]["writes"]
    assert payload == to_payload(SMALL)


@pytest.mark.parametrize(
    "payload", [{}, {"version": 1}, [], None, {**to_payload(SMALL), "roles": 3}]
)
def test_another_kind_of_object_is_refused(payload: Any) -> None:
    with pytest.raises(InputError, match="not a workflow"):
        from_payload(payload)


def test_a_newer_format_is_refused_by_its_number() -> None:
    with pytest.raises(InputError, match="format version 7"):
        from_payload({**to_payload(SMALL), "version": 7})
