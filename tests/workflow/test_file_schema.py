"""The JSON Schema for editors: it takes what `validate` takes (see conftest.py), and refuses what is plainly wrong."""

from __future__ import annotations

from pathlib import Path
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
