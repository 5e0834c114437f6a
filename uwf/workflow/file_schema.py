"""The JSON Schema of a workflow file, for editors: which keys there are, what they mean and hold.

It knows less than `validate`: not whether names fit together. But it refuses no file that `validate` has nothing to
say about; tests hold the two together. It is of draft 7, which editors know best.
"""

from __future__ import annotations

from uwf import quantities
from uwf.trust import TRUSTS
from uwf.workflow import parse, trigger
from uwf.workflow.model import ANY, BODY, END, NEEDS, START, SUSPEND, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Schema = dict[str, Any]

_TEXT: Schema = {"type": ["string", "null"]}
_NAME: Schema = {
    "type": "string",
    "pattern": rf"^(?!{BODY}$|{ANY}$)(?!.*\.\.)[^$/\\@~\"'`\s][^/\\@~\"'`\s]{{0,99}}$",
}
_WORD: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}
_AMOUNT: Schema = {"type": ["number", "string"]}
_LABELS: Schema = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "string"},
}


def schema() -> Schema:
    """The schema as plain data."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A workflow of uwf",
        **_mapping(_top(), needed=("name", "roles", "graph")),
    }


def _top() -> Schema:
    keys = {
        "version": _said({"const": VERSION}, "The format of this file."),
        "name": _said(_NAME, "As the file is called."),
        "description": _said(_TEXT, "What the workflow is for."),
        "budget": _budget(),
        "on": _said(
            {"type": "array", "items": _trigger(), "maxItems": trigger.MAX_TRIGGERS},
            "Which events are for threads of this workflow.",
        ),
        "roles": {
            "description": "Who does a step, by name.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": _NAME,
            "additionalProperties": _role(),
        },
        "graph": _graph(),
    }
    return {name: keys[name] for name in parse.TOP}


def _budget() -> Schema:
    named = {
        name: _said(_AMOUNT, f"Such as {quantities.EXAMPLES[name]}.") for name in quantities.NAMES
    }
    several = {"type": "object", "properties": named, "additionalProperties": False}
    return {
        "description": "What a thread may use over its whole life: {usd: 5, time: 2h}, or usd=5,time=2h.",
        "anyOf": [{"type": "string"}, several],
    }


def _role() -> Schema:
    keys = {
        "description": _said(_TEXT, "Who it is. Stands in the prompt."),
        "goal": _said(_TEXT, "What it is to reach. Stands in the prompt."),
        "capabilities": {
            "description": "What it can do, in words. Stands in the prompt.",
            "anyOf": [_TEXT, {"type": "array", "items": {"type": "string"}}],
        },
        "procedure": _said(_TEXT, "How it does it. Stands in the prompt."),
        "output": _said(_TEXT, "What the reply has to say. Stands in the prompt."),
        "frontmatter": {
            "description": "JSON Schema of its reply's front matter. It names `$status`, with `const` or `enum`, or "
            "in each branch of `oneOf`.",
            "type": "object",
        },
        "max_visits": {
            "description": "How often a thread may come to it; then a person is asked.",
            "type": "integer",
            "minimum": 1,
            "maximum": (1 << 31) - 1,
        },
        "writes": {
            "description": "Whether the folder that it works in must be writable.",
            "type": "boolean",
            "default": True,
        },
        "agent": _said(_WORD, "An agent of the config of whoever runs it."),
        "model": _said(_WORD, "A key of the agent's `models` in that config."),
        "needs": {
            "description": "What a step has failed without.",
            "type": "array",
            "items": {"enum": list(NEEDS)},
        },
    }
    return _mapping({name: keys[name] for name in parse.ROLE}, needed=("frontmatter",))


def _graph() -> Schema:
    to_role = {"properties": {"role": {"not": {"enum": [START, END, SUSPEND]}}}}
    first = {"allOf": [_edge(), to_role]}
    start = {
        "description": "Where a thread begins: `new`, and `resume` for one that had completed.",
        "type": "object",
        "properties": {
            "new": _said(first, "The first round."),
            "resume": _said(first, "Each later round; without it they begin as the first."),
            ANY: _said(first, "What older files say in the place of both."),
        },
        "additionalProperties": False,
        "anyOf": [{"required": ["new"]}, {"required": [ANY]}],
    }
    return {
        "description": "Where each status of each role leads.",
        "type": "object",
        "required": [START],
        "properties": {START: start},
        "propertyNames": {"anyOf": [{"const": START}, _NAME]},
        "additionalProperties": {
            "description": "The edges of a role: one for each status that it may reply.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"not": {"const": SUSPEND}},
            "additionalProperties": _edge(),
        },
    }


def _edge() -> Schema:
    template = "A Liquid template over the fields of the last reply, and _body."
    keys = {
        "role": {
            "description": f"Who is next, or {END}.",
            "type": "string",
            "not": {"const": START},
        },
        "prompt": _said(_TEXT, f"What the next role is told. {template}"),
        "location": _said(_TEXT, f"The folder that it works in, for this one step. {template}"),
    }
    ends = {"properties": {"role": {"enum": [END, SUSPEND]}}}
    edge = _mapping({name: keys[name] for name in parse.EDGE}, needed=("role",))
    says = {"type": "string", "pattern": r"\S"}
    return {**edge, "if": ends, "else": {"required": ["prompt"], "properties": {"prompt": says}}}


def _trigger() -> Schema:
    names = {"type": "string", "minLength": 1}
    length: Schema = {"type": ["string", "number"]}
    keys: Schema = {
        "on": {
            "description": "Names of events; * at the end stands for anything.",
            "anyOf": [names, {"type": "array", "items": names, "minItems": 1}],
        },
        "find": _said(_LABELS, "For the threads with these labels."),
        "label": _said(_LABELS, "Labels of a new thread."),
        "class": {"enum": list(trigger.CLASSES)},
        "trust": {"type": "array", "items": {"enum": list(TRUSTS)}, "minItems": 1},
        "priority": {"enum": list(trigger.PRIORITIES)},
        "when_busy": {"enum": list(trigger.WHEN_BUSY)},
        **dict.fromkeys(("cooldown", "debounce", "quiet", "latest"), length),
    }
    texts = {name: keys.get(name, {"type": "string"}) for name in trigger.key_names()}
    return _mapping(texts, needed=("on",))


def _mapping(keys: Schema, needed: tuple[str, ...]) -> Schema:
    return {
        "type": "object",
        "required": list(needed),
        "properties": keys,
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }


def _said(of: Schema, description: str) -> Schema:
    return {"description": description, **of}
