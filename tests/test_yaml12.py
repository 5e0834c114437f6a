"""YAML 1.2 as people mean it, with the place of everything, and no input that hangs."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf import yaml12
from uwf.yaml12 import YamlInvalid, parse, read


def faults_of(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(YamlInvalid) as caught:
        parse(text)
    return [(fault.mark.line, fault.mark.column, fault.text) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "word", ["no", "on", "yes", "off", "y", "N", "2026-01-31", "1_000", "=", "0b1"]
)
def test_words_that_only_look_like_something_else_are_text(word: str) -> None:
    assert parse(f"status: {word}") == {"status": word}
    assert parse(f"- {word}") == [word]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-7", -7),
        ("+7", 7),
        ("0777", 777),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1e", "1e"),
        ("1.2.3", "1.2.3"),
        ("0x", "0x"),
        ("-0x1", "-0x1"),
        ("+", "+"),
        (".", "."),
        ("\u0661", "\u0661"),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    for found in (parse(f"key: {text}")["key"], parse(f"[{text or 'null'}]")[0]):
        assert found == value
        assert type(found) is type(value)


def test_quoted_scalars_are_text_whatever_they_look_like() -> None:
    assert parse('a: "1"\nb: \'null\'\nc: ["true"]') == {"a": "1", "b": "null", "c": ["true"]}


def test_keys_are_the_text_that_stands_there() -> None:
    assert parse("no: 1\n5: 2\nnull: 3\n1.50: [4]") == {"no": 1, "5": 2, "null": 3, "1.50": [4]}


def test_anchors_aliases_and_merge_keys_work_as_people_expect() -> None:
    text = "base: &b {x: 1, y: 2}\nown: {<<: *b, y: 3}\nmany: {<<: [{x: 7}, *b]}\nsame: *b\n"
    assert parse(text) == {
        "base": {"x": 1, "y": 2},
        "own": {"y": 3, "x": 1},
        "many": {"x": 7, "y": 2},
        "same": {"x": 1, "y": 2},
    }
    assert parse("{'<<': 1}") == {"<<": 1}


def test_every_double_key_is_named_with_its_place() -> None:
    assert faults_of("a: 1\nb: {c: 1, c: 2}\na: 2") == [
        (2, 11, "the key 'c' is given twice (first in line 2)"),
        (3, 1, "the key 'a' is given twice (first in line 1)"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: b: c", (1, 5), "put the value in quotes"),
        ("a:\n\tb: 1", (2, 1), "tab"),
        ("a: 'never\nclosed", (1, 4), "never closed"),
        ("a: \x00", (1, 4), "U+0000"),
        ("ok: 1\n---\nb: 2", (2, 1), "second document"),
        ("a: &x [*x]", (1, 8), "inside the value it names"),
        ("a: *nowhere", (1, 4), "has no anchor"),
        ("a: !!python/object:os.system x", (1, 4), "tag"),
        ("a: !include secret.txt", (1, 4), "tag"),
        ("a: !!int x", (1, 4), "promises"),
        ("? [a]\n: 1", (1, 3), "a key must be a word"),
        ("<<: 5", (1, 5), "merges a mapping"),
        ("a: é @b\nb: @x", (2, 4), "begins with @ needs quotes"),
        ("a: \ud800", (1, 4), "U+D800"),
        ('a: "\\ud800"', (1, 7), "half of a Unicode pair"),
        ('a: "\\UFFFFFFFF"', (1, 7), "beyond U+10FFFF"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, place: tuple[int, int], words: str) -> None:
    line, column, said = faults_of(text)[0]
    assert (line, column) == place
    assert words in said


def test_the_message_of_the_error_names_the_first_place_and_the_count() -> None:
    with pytest.raises(YamlInvalid, match=r"^reply, line 2, column 1: .* \(and 1 more\)$"):
        parse("a: [1]\na: 2\na: 3", name="reply")


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200)),
        "x: &x " + "long " * 20_000 + "\nmany: [" + "*x, " * 200 + "]",
        "".join(f"key{n}: [1]\n" for n in range(100_000)),
    ],
    ids=["billion laughs", "lists", "maps", "dashes", "deep aliases", "big aliases", "many keys"],
)
def test_input_that_means_to_exhaust_us_is_refused_soon(text: str) -> None:
    begun = time.monotonic()
    assert "than" in faults_of(text)[-1][2]
    assert time.monotonic() - begun < 10


def test_marks_find_values_and_keys_and_else_the_nearest_thing_around() -> None:
    found = read("a:\n  b: [1, {c: 2}]\n", name="f.yaml")
    at = {path: found.mark(path) for path in [(), ("a", "b", 1, "c"), ("a", "zz"), ("a", "b", 9)]}
    assert {path: (mark.line, mark.column) for path, mark in at.items()} == {
        (): (1, 1),
        ("a", "b", 1, "c"): (2, 14),
        ("a", "zz"): (2, 3),
        ("a", "b", 9): (2, 6),
    }
    assert found.mark(("a", "b"), key=True) == yaml12.SourceMark("f.yaml", 2, 3)


@given(st.one_of(st.text(), st.text("ab:-? \n\t[]{}&*!|>'\"%#<", max_size=60)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except YamlInvalid as error:
        assert error.faults


@pytest.mark.parametrize("text", ['"\\ud83c\\udf89 done"', '{"\\ud83c\\udf89 done": 1}'])
def test_pair_of_escapes_is_one_character(text: str) -> None:
    value = parse(text)
    assert (value if isinstance(value, str) else next(iter(value))) == "\U0001f389 done"


@pytest.mark.parametrize("text", ['"\\ud83c"', '"\\udf89\\ud83c"'])
def test_half_of_a_pair_is_refused(text: str) -> None:
    with pytest.raises(YamlInvalid, match="half of a Unicode pair"):
        parse(text)


@pytest.mark.parametrize("letter", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("form", ["a: x{}b: y", "a: 'x{}b: y'", "a: >-\n  x{}b: y"])
def test_line_ends_only_where_yaml_1_2_ends_it(form: str, letter: str) -> None:
    if form.startswith("a: x"):
        with pytest.raises(YamlInvalid, match="put the value in quotes"):
            parse(form.format(letter))
    else:
        assert parse(form.format(letter)) == {"a": f"x{letter}b: y"}


def test_pair_of_escapes_that_stands_for_itself_stays() -> None:
    assert parse('{"a": "\\\\ud83c\\\\udf89"}') == {"a": "\\ud83c\\udf89"}
    assert parse('{"a": "\\\\ud83c\\\\udf89 \\ud83c\\udf89"}') == {"a": "\\ud83c\\udf89 \U0001f389"}
