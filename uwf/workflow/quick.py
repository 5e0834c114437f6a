"""The quick yes: whether a value certainly fits a JSON Schema, by the few keywords most schemas
use.

It never says no. Where a keyword or a value is beyond it, the answer is "ask the library", and the
library (jsonschema_rs, slower to import than this whole check) decides. A property test holds the
two against each other.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STATUS = "$status"

_SILENT = ("title", "description", "default", "examples", "$comment", "$schema")
_SPOKEN = ("type", "const", "enum", "properties", "required", "items", "minItems", "maxItems")
_UNDERSTOOD = frozenset((*_SILENT, *_SPOKEN, "minLength", "oneOf"))

_SCALARS = (str, int, bool, type(None))
_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}


def is_plain(value: Any) -> bool:
    """Whether the store can keep it: finite numbers of at most 64 bits, text that is Unicode."""
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not is_plain(key) or not is_plain(item):
                return False
        return True
    if isinstance(value, list):
        return all(is_plain(item) for item in value)
    if isinstance(value, float):
        return value - value == 0.0
    return value is None or (isinstance(value, int) and -(2**63) <= value < 2**63)


def fits(schema: Any, value: Any) -> bool:
    """True only when the value certainly fits; False means "ask the library"."""
    if type(schema) is not dict or not _UNDERSTOOD.issuperset(schema):
        return False
    if "type" in schema and not _is_a(schema["type"], value):
        return False
    if "const" in schema and not _same(schema["const"], value):
        return False
    if "enum" in schema and not _is_one_of(schema["enum"], value):
        return False
    if type(value) is dict:
        return _object(schema, value)
    if "oneOf" in schema:
        return False
    if type(value) is list:
        return _items(schema, value)
    if type(value) is str:
        return len(value) >= _bound(schema.get("minLength", 0))
    return True


def _object(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    required, properties = schema.get("required", []), schema.get("properties", {})
    if type(required) is not list or type(properties) is not dict:
        return False
    for name in required:
        if type(name) is not str or name not in value:
            return False
    for name, part in properties.items():
        if name in value and not fits(part, value[name]):
            return False
    return "oneOf" not in schema or _one_branch(schema["oneOf"], value)


def _one_branch(choices: Any, value: dict[str, Any]) -> bool:
    """Exactly one: all branches pin `$status` to texts, one of them to ours, and that one fits."""
    status = value.get(STATUS)
    if type(choices) is not list or type(status) is not str:
        return False
    ours = []
    for choice in choices:
        properties = choice.get("properties") if type(choice) is dict else None
        pinned = properties.get(STATUS) if type(properties) is dict else None
        if type(pinned) is not dict:
            return False
        statuses = [pinned["const"]] if "const" in pinned else pinned.get("enum")
        if type(statuses) is not list or not all(type(known) is str for known in statuses):
            return False
        if status in statuses:
            ours.append(choice)
    return len(ours) == 1 and fits(ours[0], value)


def _items(schema: dict[str, Any], value: list[Any]) -> bool:
    if "items" in schema and not all(fits(schema["items"], item) for item in value):
        return False
    if len(value) < _bound(schema.get("minItems", 0)):
        return False
    most = schema.get("maxItems", len(value))
    return type(most) is int and len(value) <= most


def _bound(number: Any) -> float:
    """A lower bound. Nothing reaches one that is no whole number: the library decides those."""
    return number if type(number) is int else float("inf")


def _is_a(name: Any, value: Any) -> bool:
    if type(name) is not str:
        return False
    if name == "number":
        return type(value) in (int, float)
    return type(value) is _TYPES.get(name)


def _is_one_of(options: Any, value: Any) -> bool:
    return type(options) is list and any(_same(option, value) for option in options)


def _same(expected: Any, value: Any) -> bool:
    """Equal without doubt, and of one type. Whether 1 is 1.0 is for the library to say."""
    return type(expected) is type(value) and type(value) in _SCALARS and bool(expected == value)
