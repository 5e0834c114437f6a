"""The JSON Schema for editors: it takes what `validate` takes (see conftest.py), and refuses what is plainly wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.helpers.project import ONE, REVIEW
from tests.workflow.conftest import fits
from uwf import yaml12
from uwf.errors import WorkflowInvalid
from uwf.workflow import file_schema, load, new_file, parse

ROOT = Path(__file__).parents[2]
FILES = [*ROOT.glob("uwf/**/*.yaml"), *ROOT.glob("tests/**/*.yaml")]


def value_of(text: str) -> Any:
    return yaml12.read(text, name="x.yaml").value


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_workflow_file_of_the_project_fits(file: Path) -> None:
    load.load(str(file))
    assert fits(value_of(file.read_text()))


@pytest.mark.parametrize("text", [ONE, REVIEW, new_file.text("mine")])
def test_a_workflow_of_the_tests_fits(text: str) -> None:
    load.parse(text, "x.yaml")
    assert fits(value_of(text))


WRONG = [
    ("version: 1", "version: 2"),
    ("name: review", "name: 'a b'"),
    ("name: review", "name: $END"),
    ("name: review", "name:"),
    ("name: review", "title: review"),
    ("name: review", "name: review\nbudget: {usb: 5}"),
    ("name: review", "name: review\nbudget: [5]"),
    ("name: review", "name: review\non: {on: x}"),
    ("name: review", "name: review\non: [{find: {pr: a}}]"),
    ("name: review", "name: review\non: [{on: x, when_bussy: queue}]"),
    ("name: review", "name: review\non: [{on: x, class: soft}]"),
    ("goal: A short text.", "goal: 5"),
    ("goal: A short text.", "max_visits: 0"),
    ("goal: A short text.", "writes: perhaps"),
    ("goal: A short text.", "needs: [think]"),
    ("goal: A short text.", "capabilities: [1]"),
    ("goal: A short text.", "gaol: A short text."),
    ("goal: A short text.", "agent: claude --print"),
    ("new: {role: writer, prompt: Write about it.}", "old: {role: writer, prompt: x}"),
    ("new: {role: writer, prompt: Write about it.}", "new: {role: writer, prompt: ' '}"),
    ("new: {role: writer, prompt: Write about it.}", "new: {role: writer, prompt: }"),
    ("resume: {role: writer,", "again: {role: writer,"),
    ("new: {role: writer, prompt: Write about it.}", "new: {role: $END}"),
    ("new: {role: writer, prompt: Write about it.}", "new: {role: writer}"),
    ("approved: {role: $END}", "approved: {role: $START, prompt: x}"),
    ("approved: {role: $END}", "approved: $END"),
    ("approved: {role: $END}", "approved: {prompt: x}"),
    ("approved: {role: $END}", "approved: {role: $END, promt: x}"),
    ("approved: {role: $END}", "$SUSPEND: {role: $END}"),
    ("  $START:", "  START:"),
]


@pytest.mark.parametrize(("good", "wrong"), WRONG, ids=[wrong for _, wrong in WRONG])
def test_what_is_plainly_wrong_is_refused_by_both(good: str, wrong: str) -> None:
    assert REVIEW.count(good) == 1
    text = REVIEW.replace(good, wrong)
    assert not fits(value_of(text))
    try:
        assert load.parse(text, "review.yaml").warnings
    except WorkflowInvalid as error:
        assert error.problems


def test_every_key_says_what_it_means() -> None:
    schema = file_schema.schema()
    role = schema["properties"]["roles"]["additionalProperties"]
    edge = schema["properties"]["graph"]["additionalProperties"]["additionalProperties"]
    for keys, part in ((parse.TOP, schema), (parse.ROLE, role), (parse.EDGE, edge)):
        assert list(part["properties"]) == list(keys)
        assert all("description" in about for about in part["properties"].values())


def test_a_new_file_reads_without_a_broken_line() -> None:
    assert max(map(len, new_file.text("a-name").splitlines())) <= 80


# What no schema of a file can know: whether names fit together, what texts say, what the file is called.
MEANT = {
    *("unknown_role", "never_routed", "never_reached", "no_edge", "no_end", "no_status"),
    *("bad_template", "bad_trigger", "bad_budget", "old_body", "name_differs", "bad_schema"),
}
ODD: list[Any] = [
    *(None, True, 0, -1, 1.5, "", "x", "a b", "$END", "$START", "$SUSPEND", "_", "_body", "a..b"),
    *([], ["x"], [1], {}, {"x": 1}, {"role": "$END"}, {"role": "writer", "prompt": "x"}, "{{ x"),
]
ODD_KEYS = [*parse.TOP, *parse.ROLE, *parse.EDGE, "x-mine", "bogus", "$START", "$END", "_", "new"]


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """All keys of a file, but for those of the schemas of replies."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inner:
        yield (*path, key)
        if isinstance(each, (dict, list)) and key != "frontmatter":
            yield from places_in(each, (*path, key))


def changed(value: Any, random: Random) -> Any:
    """A copy with a value or a key changed, added, or taken away."""
    whole = copy.deepcopy(value)
    *path, key = random.choice(list(places_in(whole)))
    there = whole
    for each in path:
        there = there[each]
    at = random.choice(ODD_KEYS) if isinstance(there, dict) else key
    match random.choice(["set", "take", "rename", "add"]):
        case "set":
            there[key] = copy.deepcopy(random.choice(ODD))
        case "take":
            del there[key]
        case "rename":
            there[at] = there.pop(key) if isinstance(there, dict) else there[key]
        case _:
            there[at] = copy.deepcopy(random.choice(ODD))
    return whole


FULL = """
version: 1
name: review
description: One writes.
budget: {usd: 5, time: 2h}
on: [{on: github.review, find: {pr: "{{ data.pr }}"}, text: x}]
roles:
  writer:
    description: Who.
    goal: What.
    capabilities: [this]
    procedure: How.
    output: A text.
    max_visits: 3
    writes: true
    needs: [write]
    agent: mine
    model: fast
    frontmatter: {properties: {$status: {const: written}}, required: [$status]}
  reviewer:
    frontmatter: {properties: {$status: {enum: [good, bad]}}, required: [$status]}
graph:
  $START: {new: {role: writer, prompt: Write.}, resume: {role: writer, prompt: Again.}}
  writer: {written: {role: reviewer, prompt: Check., location: sub}}
  reviewer: {good: {role: $END}, bad: {role: writer, prompt: "No: {{ _body }}"}}
"""


@pytest.mark.parametrize("seed", range(200))
def test_of_a_file_that_was_changed_somewhere_both_say_the_same(seed: int) -> None:
    value = changed(value_of(FULL), Random(seed))
    text = json.dumps(value)  # which is YAML
    try:
        codes = {each.code for each in load.parse(text, "review.yaml").warnings}
        is_valid = True
    except WorkflowInvalid as error:
        codes, is_valid = {each.code for each in error.problems}, False
    if fits(value):
        assert is_valid or codes & MEANT, codes
    else:
        assert codes, text
