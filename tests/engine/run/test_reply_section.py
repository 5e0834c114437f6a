"""How a role is told to reply: its examples are valid, its fields are explained."""

from __future__ import annotations

import pytest

from tests.helpers.flows import LOOP, PAIR, TEXT, role, schema
from uwf.agent import frontmatter as replies
from uwf.engine.run.prompt import reply_section
from uwf.workflow.model import Workflow
from uwf.workflow.reply_schema.check import reply_problems
from uwf.workflow.reply_schema.sample import examples

TRICKY = schema(
    done={
        "count": {"type": "integer"},
        "rate": {"type": "number"},
        "ok": {"type": "boolean"},
        "tags": {"type": "array", "items": TEXT},
        "where": {"type": "object", "properties": {"a b": TEXT}, "required": ["a b"]},
        "nothing": {"type": "null"},
        "word": {"const": "null"},
        "yes": {"const": "yes"},
        "dash": {"const": "- a: b"},
        "quote": {"const": 'say "no"\\\nnow'},
        "number": {"const": "12"},
        "empty": {"const": ""},
    },
    no={"why": TEXT},
)


@pytest.mark.parametrize("flow", [PAIR, LOOP], ids=lambda flow: flow.name)
def test_examples_in_the_prompt_are_valid_replies(flow: Workflow) -> None:
    for each in flow.roles.values():
        check_examples(each.schema)


def test_examples_with_awkward_values_are_valid_replies() -> None:
    check_examples(TRICKY)


def check_examples(shape: dict[str, object]) -> None:
    blocks = reply_section(role("any", shape)).split("```")[1::2]
    found = {}
    for block in blocks:
        front = replies.split(block.strip()).front
        found[front["$status"]] = front
    assert found.pop("$SUSPEND")["reason"]
    assert found == examples(shape)
    assert all(reply_problems(shape, front) == [] for front in found.values())


def test_reply_section_says_for_whom_the_text_is() -> None:
    text = reply_section(role("any", schema(done={})))
    assert "as Markdown, what the next reader should know." in text


def test_reply_section_says_what_fields_mean_and_which_may_be_left_out() -> None:
    shape = schema(done={"file": {"type": "string", "description": "Path of the file."}})
    shape["properties"]["note"] = TEXT
    text = reply_section(role("any", shape))
    assert "- `file`: Path of the file." in text
    assert "- `note`: may be left out" in text
    assert "one of: `done`" in text


def test_a_role_that_names_no_status_is_shown_its_fields_all_the_same() -> None:
    older = {"type": "object", "properties": {"note": TEXT}, "required": ["note"]}
    assert list(examples(older)["done"]) == ["$status", "note"]
    assert "$status: done\nnote: " in reply_section(role("older", older))
