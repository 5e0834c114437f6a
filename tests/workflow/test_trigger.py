"""Triggers as they are written: in a home's configuration, and under `on:` in workflow files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uwf import config
from uwf.errors import ConfigInvalid, InputError, WorkflowInvalid
from uwf.record import replace
from uwf.workflow import model, trigger
from uwf.workflow.load import load
from uwf.workflow.trigger import Trigger

PAGE = """
[[triggers]]
on = "github.review"
find = { pr = "{{ data.number }}" }
when = "data.state == 'changes_requested'"
text = "{{ data.author }} on {{ data.path }}: {{ data.body }}"
class = "hard"
trust = ["owner", "collaborator", "bot"]
cooldown = "10m"
debounce = "5m"
priority = "collaboration"
when_busy = "queue"

[[triggers]]
name = "nightly"
on = ["ci.*", "build.failed"]
start = "fix"
cwd = "/srv"
label = { build = "{{ data.id }}" }
class = "fuzzy"
glance = "thread.status == 'idle'"
"""


def configured(home: Path, text: str) -> tuple[Trigger, ...]:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    return config.load(str(home)).elements(Trigger)


def test_the_configuration_says_what_is_on_the_page(tmp_path: Path) -> None:
    first, second = configured(tmp_path, PAGE)
    assert first == Trigger(
        name="1",
        on=("github.review",),
        find={"pr": "{{ data.number }}"},
        when="data.state == 'changes_requested'",
        text="{{ data.author }} on {{ data.path }}: {{ data.body }}",
        class_="hard",
        trust=("owner", "collaborator", "bot"),
        cooldown_s=600.0,
        debounce_s=300.0,
        priority="collaboration",
        when_busy="queue",
    )
    assert (second.name, second.on) == ("nightly", ("ci.*", "build.failed"))
    assert (second.start, second.label) == ("fix", {"build": "{{ data.id }}"})
    assert configured(tmp_path, PAGE) == (first, second), "also by way of the cache"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("whn = 'x'", ":3: triggers.1.whn is not a known key; did you mean triggers.1.when?"),
        ("when = 'data.state = 1'", ":3: triggers.1.when: 'data.state = 1' is not a condition"),
        ("when = 'dta.state'", "an event has no 'dta'; did you mean 'data'?"),
        ("text = '{{ x'", "is not a template"),
        ("text = '{{ data.x | shout }}'", "unknown filter 'shout'"),
        ("find = { pr = '{{ number }}' }", "an event has no 'number'"),
        ("class = 'soft'", "'soft' is none of hard, fuzzy, ignore"),
        ("trust = ['me']", "'me' is none of owner, collaborator, bot, stranger"),
        ("trust = 'owner'", "is not a list"),
        ("cooldown = '10'", "triggers.1.cooldown"),
        ("priority = 'high'", "is none of person, collaboration"),
        ("when_busy = 'wait'", "is none of queue, merge, interrupt, reject"),
        ("thread = 'T'\nfind = { a = 'b' }", ":1: triggers.1: find and thread do not go together"),
        ("start = 'fix'\ncwd = 'here'", "cwd is 'here', which is in no folder"),
        ("prompt = 'x'", "prompt is for a new thread"),
        ("glance = 'urgent'", "glance is asked for class = 'fuzzy' alone"),
        ("quiet = '1m'", "quiet and latest need debounce"),
        ("debounce = '5m'\nlatest = '1m'", "latest is before debounce ends"),
    ],
)
def test_a_mistake_is_refused_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        configured(tmp_path, f"[[triggers]]\non = 'a.b'\n{line}\n")
    assert words in caught.value.message


@pytest.mark.parametrize("on", ["''", "'a b'", "'a*b'", "[]", "[1]", "3", "'*a'", f"'{'x' * 101}'"])
def test_a_name_that_no_event_has_is_refused(tmp_path: Path, on: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"triggers\.1\.on: "):
        configured(tmp_path, f"[[triggers]]\non = {on}\n")


def test_a_trigger_without_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"triggers\.1\.on is missing"):
        configured(tmp_path, "[[triggers]]\ntext = 'x'\n")


@pytest.mark.parametrize(
    ("words", "latest_s"),
    [
        ({}, 0.0),
        ({"debounce_s": 60.0}, 60.0),
        ({"debounce_s": 60.0, "quiet_s": 5.0}, 180.0),
        ({"debounce_s": 60.0, "quiet_s": 5.0, "latest_s": 90.0}, 90.0),
    ],
)
def test_the_latest_wake_is_bounded(words: dict[str, Any], latest_s: float) -> None:
    assert replace(Trigger(), **words).latest_wake_s == latest_s


FILE = """version: 1
name: flow
on:
  - on: github.review
    find: {pr: "{{ data.number }}"}
    when: data.state == 'changes_requested'
    class: fuzzy
    debounce: 5m
  - on: [ci.*]
    start: flow
    cwd: /srv
roles:
  work:
    frontmatter: {type: object, properties: {$status: {const: done}}, required: [$status]}
graph:
  $START: {new: {role: work, prompt: Go.}}
  work: {done: {role: $END, prompt: ''}}
"""


def loaded(folder: Path, text: str) -> model.Workflow:
    path = folder / "flow.yaml"
    path.write_text(text)
    return load(str(path)).workflow


def test_a_workflow_file_has_triggers_and_keeps_them_as_it_is_stored(tmp_path: Path) -> None:
    workflow = loaded(tmp_path, FILE)
    first, second = map(trigger.of_stored, workflow.on)
    assert (first.on, first.find, first.class_) == (
        ("github.review",),
        {"pr": "{{ data.number }}"},
        "fuzzy",
    )
    assert (first.debounce_s, second.start) == (300.0, "flow")
    assert model.from_payload(model.to_payload(workflow)) == workflow


def test_a_workflow_without_triggers_is_stored_as_ever(tmp_path: Path) -> None:
    plain = FILE[: FILE.index("\non:") + 1] + FILE[FILE.index("roles:") :]
    assert "on" not in model.to_payload(loaded(tmp_path, plain))


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        (
            "class: fuzzy",
            "clas: fuzzy",
            "7:5",
            "a trigger has no key 'clas': did you mean 'class'?",
        ),
        ("class: fuzzy", "agent: codex", "7:5", "names no agents and no commands"),
        ("class: fuzzy", "command: rm", "7:5", "names no agents and no commands"),
        ("class: fuzzy", "class: soft", "7:12", "'soft' is none of"),
        ("start: flow", "start: other", "10:12", "starts its own workflow alone: 'flow'"),
        ("    cwd: /srv\n", "    cwd: srv\n", "9:5", "which is in no folder"),
        ("when: data.state", "when: date.state", "6:11", "did you mean 'data'?"),
        ('find: {pr: "{{ data.number }}"}', "find: [pr]", "5:11", "is not a mapping of labels"),
        ("on: github.review", "on: github review", "4:9", "is not the name of an event"),
        ("on: github.review", "x-on: a", "4:5", "a trigger lacks 'on'"),
        ("- on: [ci.*]", "- 3\n  - on: [ci.*]", "9:5", "a trigger is a number"),
    ],
)
def test_a_mistake_in_a_workflow_file_has_its_line_and_column(
    tmp_path: Path, old: str, new: str, place: str, words: str
) -> None:
    assert old in FILE
    with pytest.raises(WorkflowInvalid) as caught:
        loaded(tmp_path, FILE.replace(old, new, 1))
    [problem] = [one for one in caught.value.problems if one.severity == "error"]
    assert (problem.code, f"{problem.line}:{problem.column}") == ("bad_trigger", place)
    assert words in str(problem)


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    text = FILE[: FILE.index("  - on")] + "  github.review\n" + FILE[FILE.index("roles:") :]
    with pytest.raises(WorkflowInvalid, match="must be a list of triggers"):
        loaded(tmp_path, text)


def test_very_many_triggers_are_refused(tmp_path: Path) -> None:
    listed = "on:\n" + "  - on: a.b\n" * (trigger.MAX_TRIGGERS + 1)
    text = FILE[: FILE.index("\non:") + 1] + listed + FILE[FILE.index("roles:") :]
    with pytest.raises(WorkflowInvalid, match="on has 101 triggers, and may have 100"):
        loaded(tmp_path, text)


def test_a_stored_trigger_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="cannot have 'command'"):
        trigger.of_stored({"on": "a", "command": "x"})
