"""What a role may reply, and what is said about a reply that does not fit."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from uwf.errors import InputError
from uwf.workflow.reply_schema.check import backtracking, reply_problems, schema_problems
from uwf.workflow.reply_schema.filled import filled
from uwf.workflow.reply_schema.placeholders import are_left_in
from uwf.workflow.reply_schema.sample import examples
from uwf.workflow.reply_schema.structure import branches, properties_for, statuses

from .strategies import ANY_SCHEMAS, COMMON_SCHEMAS, VALUES

FLAT = {
    "type": "object",
    "properties": {"$status": {"const": "done"}, "verdict": {"type": "string"}},
    "required": ["$status", "verdict"],
}
BRANCHED = {
    "properties": {"note": {"type": "string"}},
    "oneOf": [
        {
            "properties": {
                "$status": {"const": "ready"},
                "files": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            },
            "required": ["$status", "files"],
        },
        {
            "properties": {"$status": {"enum": ["failed", "stuck"]}, "reason": {"minLength": 1}},
            "required": ["$status", "reason"],
            "additionalProperties": False,
        },
    ],
}


def test_statuses_come_from_const_and_enum_in_the_order_of_the_file() -> None:
    assert statuses(FLAT) == ["done"]
    assert statuses(BRANCHED) == ["ready", "failed", "stuck"]
    assert statuses({}) == statuses(True) == statuses(None) == []


def test_properties_are_those_of_the_branches_with_that_status() -> None:
    assert properties_for(BRANCHED, "ready") == (
        ("note", "$status", "files"),
        ("$status", "files"),
    )
    assert properties_for(BRANCHED, "stuck")[0] == ("note", "$status", "reason")


def test_local_references_and_all_of_are_followed() -> None:
    schema = {
        "$defs": {"base": {"properties": {"x": {"type": "string"}}, "required": ["x"]}},
        "allOf": [{"$ref": "#/$defs/base"}],
        "properties": {"$status": {"const": "done"}},
    }
    assert properties_for(schema, "done") == (("$status", "x"), ("x",))
    assert statuses({"$ref": "#"}) == []


def test_a_status_may_be_said_by_a_local_reference() -> None:
    schema = {
        "$defs": {"good": {"const": "good"}, "bad": {"enum": ["bad", "worse"]}},
        "oneOf": [
            {"properties": {"$status": {"$ref": f"#/$defs/{name}"}}} for name in ("good", "bad")
        ],
    }
    assert statuses(schema) == ["good", "bad", "worse"]
    assert list(examples(schema)) == ["good", "bad", "worse"]


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ({"$status": "done", "verdict": "good"}, []),
        ({"$status": "done", "verdict": "good", "more": 1}, []),
        ({"$status": "done"}, ["`verdict` is required but missing"]),
        ({"verdict": "x"}, ["`$status` is required but missing: it must be `done`"]),
        ({"$status": "Done", "verdict": 1}, ["`$status` is 'Done' but must be `done`"]),
        (
            {"$status": "done", "verdict": 5},
            ["`verdict` is 5 but must be a string: put it in quotes"],
        ),
        ({"$status": "done", "verdict": None}, ["`verdict` is empty but must be a string"]),
        (["x"], ["the front matter is a list but must be `key: value` lines"]),
        (
            {"$status": "done", "verdict": float("inf")},
            ["`verdict` is inf, which cannot be kept: put it in quotes or give a number"],
        ),
        (
            {"$status": "done", "verdict": "x", "n": [2**70]},
            ["`n[0]` is a number beyond 64 bits: put it in quotes"],
        ),
    ],
)
def test_problems_are_in_words(value: Any, problems: list[str]) -> None:
    assert reply_problems(FLAT, value) == problems


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ({"$status": "ready", "files": ["a"], "note": "x"}, []),
        ({"$status": "ready", "files": []}, ["`files` has 0 items but needs at least 1"]),
        (
            {"$status": "ready", "files": ["a", 2], "note": 1},
            [
                "`files[1]` is 2 but must be a string: put it in quotes",
                "`note` is 1 but must be a string: put it in quotes",
            ],
        ),
        ({"$status": "failed", "reason": ""}, ["`reason` is empty but must have some text"]),
        (
            {"$status": "stuck", "reason": "x", "file": 1},
            ["the front matter has 'file', which the schema does not know"],
        ),
        ({}, ["`$status` is required but missing: it must be `ready` or `failed` or `stuck`"]),
        ({"$status": True}, ["`$status` is true but must be `ready` or `failed` or `stuck`"]),
    ],
)
def test_only_the_branch_of_the_replys_status_is_checked(value: Any, problems: list[str]) -> None:
    assert reply_problems(BRANCHED, value) == problems


@pytest.mark.parametrize(
    ("schema", "value", "words"),
    [
        ({"enum": ["a", "b"]}, "c", "`x` is 'c' but must be one of 'a', 'b'"),
        ({"const": 3}, 4, "`x` is 4 but must be 3"),
        ({"type": ["integer", "null"]}, "high", "`x` is 'high' but must be a whole number or null"),
        ({"minimum": 1}, 0, "`x` is 0 but must be at least 1"),
        ({"exclusiveMaximum": 1}, 1, "`x` is 1 but must be less than 1"),
        ({"maxItems": 1}, [1, 2], "`x` has 2 items but may have at most 1"),
        ({"maxLength": 2}, "abc", "`x` has 3 characters but may have at most 2"),
        ({"minProperties": 1}, {}, "`x` has 0 entries but needs at least 1"),
        ({"pattern": "^a"}, "b", "`x` is 'b' but must match the pattern ^a"),
        ({"uniqueItems": True}, [1, 1], "`x` repeats an item, and each may stand there only once"),
        ({"multipleOf": 2}, 3, "`x` is 3 but must be a multiple of 2"),
        ({"required": ["y"]}, {}, "`x.y` is required but missing"),
        (
            {"anyOf": [{"type": "string"}, {"type": "boolean"}]},
            1,
            "`x` is 1 but must fit one of these: `x` is 1 but must be a string: put it in quotes; "
            "or `x` is 1 but must be true or false",
        ),
        ({"oneOf": [{}, {}]}, 1, "`x` fits two branches of the schema at once, and must fit one"),
        (False, 1, "`x` is 1 but must not be there"),
        ({"not": {}}, 1, "`x` does not fit: {} is not allowed for 1"),
    ],
)
def test_each_keyword_has_its_sentence(schema: Any, value: Any, words: str) -> None:
    whole = {"properties": {"$status": {"const": "done"}, "x": schema}}
    assert reply_problems(whole, {"$status": "done", "x": value}) == [words]


def test_a_schema_that_leaves_the_status_open_takes_any() -> None:
    assert reply_problems({"properties": {"x": {"type": "string"}}}, {"x": "1"}) == []
    assert reply_problems({"properties": {"x": {"type": "string"}}}, {"$status": 3, "x": "1"}) == []


def test_a_schema_that_is_none_is_refused_when_it_is_used() -> None:
    schema = {"properties": {"$status": {"const": "done"}, "x": {"type": "strin"}}}
    with pytest.raises(InputError, match="not a usable JSON Schema"):
        reply_problems(schema, {"$status": "done", "x": 1})


@pytest.mark.parametrize(
    ("schema", "path", "words"),
    [
        ({"properties": {"a": {"type": "strin"}}}, ("properties", "a", "type"), "knows string"),
        ({"required": "a"}, ("required",), "must be a list"),
        ({"properties": {"a": {"pattern": "("}}}, ("properties", "a", "pattern"), "regular"),
        (
            {"$ref": "https://example.com/schema.json"},
            (),
            "refer to itself, not to https://example.com",
        ),
        ({"$ref": "#/$defs/none"}, (), "does not exist"),
        (
            {"$schema": "https://example.com/draft"},
            (),
            "refer to itself, not to https://example.com",
        ),
        ({"$schema": 5}, ("$schema",), "draft"),
        ({"minimum": float("nan")}, (), "cannot be kept"),
    ],
)
def test_a_bad_schema_is_told_with_the_path_of_the_fault(
    schema: Any, path: tuple[str, ...], words: str
) -> None:
    faults = schema_problems(schema)
    assert [found for found, _ in faults] == [path]
    assert words in faults[0][1]


@pytest.mark.parametrize(
    "pattern", ["^(?!draft)", "(?<=v)[0-9]+$", r"^(['\"]).*\1$", "(?=.*[0-9])a"]
)
@pytest.mark.parametrize("word", ["pattern", "patternProperties", "propertyNames"])
def test_a_pattern_that_may_backtrack_is_told(pattern: str, word: str) -> None:
    schema = {
        "pattern": {"properties": {"a": {"anyOf": [{"pattern": pattern}]}}},
        "patternProperties": {"patternProperties": {pattern: {}}},
        "propertyNames": {"propertyNames": {"pattern": pattern}},
    }[word]
    assert schema_problems(schema) == []
    [(path, words)] = backtracking(schema)
    assert word in path and "look-around or a back-reference" in words


@pytest.mark.parametrize("pattern", ["^(x+x+)+y$", "^(x|xx|x*)*$", "^(.*)*=$"])
def test_a_pattern_that_other_engines_never_finish_is_matched_at_once(pattern: str) -> None:
    schema = {"properties": {"$status": {"const": "done"}, "a": {"pattern": pattern}}}
    assert schema_problems(schema) == []
    [problem] = reply_problems(schema, {"$status": "done", "a": "x" * 50_000 + "!"})
    assert "must match the pattern" in problem


def test_a_pattern_that_backtracks_too_long_is_a_problem_of_the_reply() -> None:
    schema = {"properties": {"$status": {"const": "done"}, "a": {"pattern": "(?<!b)(b|bb)+$(?=c)"}}}
    [problem] = reply_problems(schema, {"$status": "done", "a": "b" * 80 + "!"})
    assert problem.startswith("`a` is 'bbb") and "too long to find out" in problem
    assert reply_problems(schema, {"$status": "done"}) == []


def test_all_faults_of_a_schema_are_told_at_once() -> None:
    schema = {"required": "a", "properties": {"a": {"type": "strin"}, "b": []}}
    assert len(schema_problems(schema)) == 3


@given(COMMON_SCHEMAS, VALUES)
def test_check_agrees_with_the_library_on_common_schemas(schema: Any, value: Any) -> None:
    valid = isinstance(value, dict) and jsonschema_rs.is_valid(schema, value)
    assert (reply_problems(schema, value) == []) == valid


@given(ANY_SCHEMAS, VALUES)
def test_check_answers_in_words_for_any_schema_and_value(schema: Any, value: Any) -> None:
    assert all(words.strip() for words in reply_problems(schema, value))
    assert schema_problems(schema) == []


@given(COMMON_SCHEMAS)
def test_examples_fit_the_schema_they_are_for(schema: Any) -> None:
    filled = examples(schema)
    assert list(filled) == statuses(schema)
    for status, example in filled.items():
        assert next(iter(example)) == "$status"
        assert example["$status"] == status
        assert reply_problems(schema, example) == []


@given(ANY_SCHEMAS)
def test_examples_of_any_schema_are_filled_in_without_failing(schema: Any) -> None:
    assert list(examples(schema)) == (statuses(schema) or (["done"] if branches(schema) else []))


def test_an_example_uses_what_the_schemas_author_offers() -> None:
    schema = {
        "properties": {
            "$status": {"const": "done"},
            "a": {"default": "dflt", "type": "string"},
            "b": {"examples": ["ex"], "type": "string"},
            "c": {"enum": ["one", "two"]},
            "d": {"type": "string", "description": "the branch"},
            "e": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "f": {"type": "string", "pattern": "^v[0-9]"},
            "g": {"anyOf": [{"type": "integer", "minimum": 7}, {"type": "string"}]},
        }
    }
    assert examples(schema)["done"] == {
        "$status": "done",
        "a": "dflt",
        "b": "ex",
        "c": "one",
        "d": "<the branch>",
        "e": ["<e>", "<e>"],
        "f": "v1.0.0",
        "g": 7,
    }


@pytest.mark.parametrize(
    "about",
    [
        {"type": "string"},
        {"type": "string", "maxLength": 6},
        {"type": "string", "minLength": 60},
        {"type": "string", "format": "uri"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "pattern": "^[0-9a-f]{40}$"},
        {"type": "string", "pattern": "^https://"},
        {"type": "array", "items": {"type": "object", "properties": {"file": {"type": "string"}}}},
        {"enum": ["red", "green"]},
        {"type": "integer"},
        {"type": "string", "examples": ["https://example.com/"]},
    ],
)
def test_what_a_stand_in_replies_fits_and_is_not_the_example(about: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"$status": {"const": "done"}, "field": about},
        "required": ["$status", "field"],
    }
    fields = filled(schema)["done"]
    assert fields["$status"] == "done"
    assert reply_problems(schema, fields) == []
    assert not are_left_in(schema, "done", fields, ())


@given(COMMON_SCHEMAS)
def test_where_an_example_fits_what_a_stand_in_replies_fits(schema: Any) -> None:
    for status, fields in examples(schema).items():
        if not reply_problems(schema, fields) and not are_left_in(schema, status, fields, ()):
            assert filled(schema)[status] == fields, "nothing is changed without need"
