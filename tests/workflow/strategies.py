"""Random workflows, schemas, values and templates."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from uwf.workflow.model import Edge, Role, Workflow

NAMES = st.sampled_from(["a", "b", "c", "lead"])
STATUSES = st.sampled_from(["done", "again", "no", "_", "$SUSPEND"])
VARIABLES = st.sampled_from(["x", "y_1", "_body", "reason", "nothing", "true", "now-x", "Größe"])

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
SCALARS = st.one_of(
    TEXTS, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.none(), st.floats(-1e9, 1e9)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["x", "y", "$status", "n"]), inner, max_size=3),
    ),
    max_leaves=6,
)

PIECES = st.one_of(
    TEXTS,
    st.sampled_from(
        ["{", "}", "{{", "}}", "{%", "%}", "{{{", "\n", " ", "|", "{{-", "-}}", "{% if x %}", "{#"]
    ),
    st.builds("{{{{{}{}{}}}}}".format, st.sampled_from(["", " ", "\n"]), VARIABLES, st.just(" ")),
    st.sampled_from(
        [
            "{{ x | upcase }}",
            "{{ x.y }}",
            "{{ x.y.n }} {{ x.first }}",
            "{{ x | nope }}",
            "{% for i in x %}{{ i }}{% endfor %}",
            "{% if x %}yes{% endif %}",
            "{{ 'text' }}",
            "{{ 1 | divided_by: 0 }}",
            "{% include 'x' %}",
        ]
    ),
)
TEMPLATES = st.lists(PIECES, max_size=5).map("".join)

EDGES = st.builds(
    Edge,
    st.one_of(NAMES, st.sampled_from(["$END", "$SUSPEND", "missing"])),
    TEMPLATES,
    st.one_of(st.none(), TEMPLATES),
)
WORKFLOWS = st.builds(
    lambda roles, graph: Workflow(
        "random", "", {name: Role(name, "", "", (), "", "", {}) for name in roles}, graph
    ),
    st.sets(NAMES),
    st.dictionaries(
        st.one_of(NAMES, st.just("$START")),
        st.dictionaries(st.one_of(STATUSES, st.sampled_from(["new", "resume"])), EDGES, max_size=3),
        max_size=4,
    ),
)
OUTPUTS = st.dictionaries(st.sampled_from(["x", "y_1", "_body", "reason"]), VALUES, max_size=4)


def _keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    kinds = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.one_of(kinds, st.lists(kinds, min_size=1, max_size=2, unique=True)),
            "const": VALUES,
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "properties": st.dictionaries(
                st.sampled_from(["x", "y", "$status"]), inner, max_size=3
            ),
            "required": st.lists(st.sampled_from(["x", "y", "$status"]), max_size=2, unique=True),
            "items": inner,
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 2),
            "minLength": st.integers(0, 5),
            "pattern": st.sampled_from(["^a", "x+", "."]),
            "minimum": st.integers(-3, 3),
            "additionalProperties": st.booleans(),
            "uniqueItems": st.booleans(),
            "description": TEXTS,
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
        },
    )


ANY_SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.booleans(), st.just({}), st.just({"type": "string"})), _keywords, max_leaves=6
)


def _branch(status: str, properties: dict[str, Any], optional: set[str]) -> dict[str, Any]:
    return {
        "properties": {"$status": {"const": status}, **properties},
        "required": ["$status", *(name for name in properties if name not in optional)],
    }


_WORDS = st.sampled_from(["done", "again", "x", "café"])
COMMON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.just({"type": "string"}),
        st.fixed_dictionaries(
            {"type": st.just("string")},
            optional={
                "minLength": st.integers(0, 30),
                "description": TEXTS,
                "format": st.sampled_from(["uri", "date", "date-time", "email", "uuid"]),
            },
        ).filter(lambda schema: not ("format" in schema and "minLength" in schema)),
        st.builds(lambda words: {"enum": words}, st.lists(_WORDS, min_size=1, unique=True)),
        st.builds(
            lambda words: {"type": "string", "enum": words},
            st.lists(_WORDS, min_size=1, unique=True),
        ),
        st.just({"type": "boolean"}),
        st.just({"type": ["string", "null"]}),
        st.builds(
            lambda kind, low, size: {"type": kind, "minimum": low, "maximum": low + size},
            st.sampled_from(["integer", "number"]),
            st.integers(-100, 100),
            st.integers(0, 100),
        ),
        st.builds(lambda kind: {"type": kind}, st.sampled_from(["integer", "number", "null"])),
        st.just({"type": "string", "pattern": "^[0-9a-f]{40}$"}),
        st.just({"type": "string", "pattern": "^https://"}),
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda items, least: {"type": "array", "items": items, "minItems": least},
            inner,
            st.integers(0, 4),
        ),
        st.builds(
            lambda properties: {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            },
            st.dictionaries(st.sampled_from(["path", "line", "note"]), inner, max_size=3),
        ),
    ),
    max_leaves=4,
)
COMMON_BRANCHES = st.builds(
    _branch,
    st.sampled_from(["done", "again", "failed"]),
    st.dictionaries(st.sampled_from(["report", "branch", "items", "count"]), COMMON_VALUES),
    st.sets(st.sampled_from(["report", "branch"])),
)
COMMON_SCHEMAS = st.one_of(
    COMMON_BRANCHES.map(lambda branch: {"type": "object", **branch}),
    st.builds(
        lambda word, branches: {"type": "object", word: branches},
        st.sampled_from(["oneOf", "anyOf"]),
        st.lists(
            COMMON_BRANCHES,
            min_size=1,
            max_size=3,
            unique_by=lambda branch: str(branch["properties"]["$status"]["const"]),
        ),
    ),
)
"""Schemas as people write them for a role's front matter."""
