"""A workflow is tried before a token is spent: along every edge, or as a file says. Nothing of it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.project import ONE, REVIEW
from uwf.app import App
from uwf.errors import InputError


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.chdir(tmp_path)
    with App.open(str(tmp_path / "home")) as app:
        yield app
    assert not (tmp_path / "home").exists(), "a home is made"


def tried(app: App, workflow: str, scenario: str | None = None) -> Any:
    Path("w.yaml").write_text(workflow)
    if scenario is not None:
        Path("s.yaml").write_text(scenario)
    return app.workflows.try_("w.yaml", "The task.", None if scenario is None else "s.yaml")


def edges(found: Any) -> list[tuple[str, str]]:
    return [(step.source, step.status) for step in found.steps]


def test_every_edge_is_walked_once_if_that_can_be(app: App) -> None:
    found = tried(app, REVIEW)
    assert [edge for edge in found.edges if not edge.walked] == []
    assert edges(found) == [
        ("$START", "new"),
        ("writer", "written"),
        ("$START", "resume"),
        ("writer", "written"),
        ("reviewer", "rejected"),
    ]
    first, second = found.steps[:2]
    assert "The task." in first.prompt and "## How to reply" in first.prompt
    assert first.output == {"$status": "written", "title": "sample title"}
    assert "Review sample title: This is a sample" in second.prompt
    assert "Not yet: sample why" in found.steps[4].prompt


UNUSUAL = """\
version: 1
name: unusual
roles:
  a:
    frontmatter:
      oneOf:
        - {properties: {$status: {const: good}}, required: [$status]}
        - properties: {$status: {const: odd}, code: {type: string, pattern: "^[A-Z]{3}[0-9]{4}x$"}}
          required: [$status, code]
  b:
    max_visits: 1
    writes: true
    frontmatter: {type: object, properties: {$status: {enum: [again, end]}}, required: [$status]}
graph:
  $START: {_: {role: a, prompt: Go., location: "/not/there"}}
  a: {good: {role: b, prompt: Go on.}, odd: {role: b, prompt: "Odd: {{ code }}"}}
  b: {again: {role: a, prompt: Again.}, end: {role: $END}}
"""


def test_what_cannot_be_walked_is_told_and_the_rest_is_walked(app: App) -> None:
    found = tried(app, UNUSUAL)
    left = [(edge.source, edge.status) for edge in found.edges if not edge.walked]
    assert left == [("a", "odd")]
    [problem] = [step.problem for step in found.steps if step.problem]
    assert "code" in problem


def test_a_person_who_is_asked_by_an_edge_answers(app: App) -> None:
    older = """\
name: older
roles:
  a:
    frontmatter:
      type: object
      properties: {$status: {enum: [ask, done]}, reason: {type: string}}
      required: [$status, reason]
graph:
  $START: {_: {role: a, prompt: Go.}}
  a: {ask: {role: $SUSPEND, prompt: "{{ reason }}"}, done: {role: $END, prompt: ""}}
"""
    found = tried(app, older)
    assert all(edge.walked for edge in found.edges)
    assert [step.output["$status"] for step in found.steps] == ["ask", "done"]


SCENARIO = """\
writer:
  - reply: {$status: written, title: A tale}
    body: Once upon a time.
    delay: 1h
  - - fails: {class: quota, message: used up, resets_in: 1h}
    - fails: {class: exit_code, message: it broke}
    - text: no front matter
    - reply: {$status: written, title: Another}
reviewer:
  - reply: {$status: rejected, why: too short}
  - reply: {$status: approved}
"""


def test_a_scenario_is_played_with_its_failures(app: App) -> None:
    found = tried(app, REVIEW, SCENARIO)
    assert found.status == "completed"
    assert [(step.role, (step.output or {}).get("$status")) for step in found.steps] == [
        ("writer", "written"),
        ("reviewer", "rejected"),
        ("writer", None),
        ("writer", None),
        ("writer", "written"),
        ("reviewer", "approved"),
    ]
    assert "used up" in found.steps[2].problem and "it broke" in found.steps[3].problem
    assert "Review A tale: Once upon a time." in found.steps[1].prompt


def test_roles_that_a_scenario_does_not_name_give_samples(app: App) -> None:
    found = tried(app, REVIEW, "reviewer: [{reply: {$status: approved}}]")
    assert found.status == "completed"
    assert found.steps[0].output["title"] == "sample title"


@pytest.mark.parametrize(
    ("scenario", "status", "said"),
    [
        ("worker: [{fails: authentication}]", "suspended", "its scenario says so"),
        ("worker: [{fails: network}, {reply: {$status: done}}]", "idle", "its scenario says so"),
        ("worker: [{text: x}]", "suspended", "no front matter"),
    ],
)
def test_a_failure_with_nothing_behind_it_is_the_end(
    app: App, scenario: str, status: str, said: str
) -> None:
    found = tried(app, ONE, scenario)
    assert (found.status, len(found.steps)) == (status, 1)
    assert said in found.steps[0].problem


def test_who_asks_for_a_person_goes_on_where_the_scenario_does(app: App) -> None:
    asks = "{reply: {$status: $SUSPEND, reason: Which colour?}}"
    found = tried(app, ONE, f"worker: [{asks}]")
    assert (found.status, found.message) == ("suspended", "Which colour?")
    found = tried(app, ONE, f"worker: [{asks}, {{reply: {{$status: done}}}}]")
    assert (found.status, len(found.steps)) == ("completed", 2)


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("wrker: [{text: x}]", "no role 'wrker'; did you mean worker?"),
        ("x: [{text: x}]", "there are worker"),
        ("worker: [{txt: x}]", "s.yaml, line 1, column"),
    ],
)
def test_a_scenario_that_is_none_is_told_with_its_place(app: App, scenario: str, said: str) -> None:
    with pytest.raises(InputError) as told:
        tried(app, ONE, scenario)
    assert said in told.value.message and told.value.hint is not None
    with pytest.raises(InputError, match="cannot read the scenario"):
        app.workflows.try_("w.yaml", "x", "gone.yaml")
