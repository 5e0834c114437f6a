"""Templates: Liquid's own results, without Liquid where that is possible."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given

from uwf.workflow import template
from uwf.workflow.template import TemplateInvalid, render, uses

from .strategies import OUTPUTS, TEMPLATES


def outcome(how: Any, text: str, variables: dict[str, Any]) -> str | None:
    try:
        return str(how(text, variables))
    except TemplateInvalid:
        return None


@given(TEMPLATES, OUTPUTS)
@example("{{ x }}", {"x": 10**18})
@example("{{ x }}{{y_1}} }} {", {"x": True, "y_1": None})
@example("{{ now }}", {"now": "mine"})
@example("{{ x.y }}|{{ x.y.z }}|{{x.gone}}", {"x": {"y": {"z": 1}}})
@example("{{ x.y.z }}", {"x": {"y": None}})
@example("{{ x.y }}", {"x": "text"})
@example("{{ x.size }}{{ x.true }}", {"x": {"y": 1}})
def test_the_short_way_prints_what_liquid_prints(text: str, variables: dict[str, Any]) -> None:
    assert outcome(render, text, variables) == outcome(template._render_liquid, text, variables)


@given(TEMPLATES)
def test_the_variables_found_without_liquid_are_those_liquid_finds(text: str) -> None:
    pieces = template._plain_pieces(text)
    if pieces is not None:
        found = template._environment().from_string(text).analyze()
        assert set(uses(text).variables) == set(found.globals)


def test_plain_variables_do_not_import_liquid() -> None:
    code = (
        "import sys; from uwf.workflow.template import render; "
        "print(render('{{ a }}, {{b}}{{ c.d }}{{ gone }}.', {'a': 'x', 'b': 7, 'c': {'d': True}})); "
        "print('liquid' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["x, 7true.", "False"]


def test_filters_and_loops_work() -> None:
    text = "{{ files | join: ', ' }}{% for f in files %} [{{ f }}]{% endfor %}"
    assert render(text, {"files": ["a", "b"]}) == "a, b [a] [b]"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ x", "line 1 of the template, near '{{ x'"),
        ("a\nb {% if x %}", "endif"),
        ("{{ x | shout }}", "unknown filter 'shout'"),
        ("{% include 'other' %}", "include"),
        ("{% render 'other' %}", "render"),
        ("{{ 1 | divided_by: 0 }}", "divide"),
        ("{% for i in (1..9999) %}{% for j in (1..9999) %}x{% endfor %}{% endfor %}", "limit"),
        ("{% assign a = 'x' %}" + "{% assign a = a | append: a %}" * 40, "limit"),
    ],
)
def test_a_template_that_cannot_work_says_why(text: str, words: str) -> None:
    with pytest.raises(TemplateInvalid, match=words):
        render(text, {"x": "1"})


def test_output_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "OUTPUT_LIMIT_BYTES", 1000)
    with pytest.raises(TemplateInvalid, match="limit"):
        render("{% for i in (1..99) %}{{ text }}{% endfor %}", {"text": "long " * 10})


def test_values_are_never_looked_into_as_python_objects() -> None:
    assert render("{{ x.__class__ }}{{ x['__class__'] }}", {"x": "text"}) == ""


@pytest.mark.parametrize(
    ("text", "variables", "guarded"),
    [
        ("{{ a }} and {{ b }} and {{ a }}", {"a", "b"}, False),
        ("{% for f in files %}{{ f.name }}{{ forloop.index }}{% endfor %}", {"files"}, False),
        ("{% assign t = a %}{{ t }}", {"a"}, False),
        ("{% if a %}{{ b }}{% endif %}", {"a", "b"}, True),
        ("{{ a | default: 'x' }}", {"a"}, True),
        ("{{ a.b.c }} {{ d['e'] }} {{ now }}", {"a", "d"}, False),
        ("text", set(), False),
    ],
)
def test_a_template_knows_what_it_reads(text: str, variables: set[str], guarded: bool) -> None:
    found = uses(text)
    assert (set(found.variables), found.guarded) == (variables, guarded)


@pytest.mark.parametrize(
    "text",
    [
        "{{ (1..400000000) | join: '-' }}",
        "{% assign a = 'xy' %}{% for i in (1..90) %}{% assign a = a | append: a %}{% endfor %}{{ a }}",
        "{{ (1..200000000) | size }}{{ (1..300000000) | reverse | first }}",
    ],
)
def test_what_takes_too_much_time_or_memory_is_an_error(text: str) -> None:
    with pytest.raises(TemplateInvalid):
        render(text, {})


@pytest.mark.parametrize("text", ["{{" + " " * 90_000 + "x", "{% if" + " " * 90_000 + "%}"])
def test_what_takes_too_long_to_parse_is_an_error(text: str) -> None:
    with pytest.raises(TemplateInvalid, match="it takes more than"):
        uses(text)
