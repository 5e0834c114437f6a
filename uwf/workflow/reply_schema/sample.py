"""Filled-in replies: the examples an agent is shown, one for each `$status` of a schema.

A value is what the schema's author offers (`const`, `default`, `examples`, `enum`), else something sensible for its
type. For common schemas the result fits the schema; where it does not (an unusual `pattern`, say), an example that
shows the shape is still more useful than none.
"""

from __future__ import annotations

from uwf.workflow.reply_schema.structure import STATUS, branches, once_per_schema, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.workflow.reply_schema.structure import Branch

_MAX_DEPTH = 8

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T09:15:00Z",
    "time": "09:15:00Z",
    "duration": "PT15M",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/path",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "json-pointer": "/path",
    "regex": "a+",
}

_TEXTS = (
    *"text Text a A 1 0 12 123 #1 true owner/repo path/to/file file.txt /path/to/folder ./file.md".split(),
    *"a-b a_b AB-1 v1.0.0 1.0.0 1.0 100% fix/1-name https://example.com/".split(),
    *"https://example.com/owner/repo/pull/1 someone@example.com 2026-01-31".split(),
    *("2026-01-31T09:15:00Z", "09:15", "0" * 7, "0" * 12, "0" * 40, "0" * 64),
    *("123e4567-e89b-12d3-a456-426614174000", "10ms", "30m", "2h", "sha256:" + "0" * 64),
    *("@name", "$1.00", "~name", "[x]", "a b", "a, b"),
)
"""What is tried, in turn, for a string with a `pattern`."""


@once_per_schema
def examples(schema: Any) -> dict[str, dict[str, Any]]:
    """One filled-in reply for each `$status`; one with `done` for a role of an older file, which names none."""
    filled: dict[str, dict[str, Any]] = {}
    ways = branches(schema)
    for branch in ways:
        for status in branch.statuses:
            filled.setdefault(status, _reply(schema, branch, status))
    if not filled and ways:
        filled["done"] = _reply(schema, ways[0], "done")
    return filled


def _reply(root: Any, branch: Branch, status: str) -> dict[str, Any]:
    """An example of the branch with this status: `$status` first, then what is required, then the
    rest.
    """
    names = dict.fromkeys((STATUS, *branch.required, *branch.properties))
    filled = {name: _value(branch.properties.get(name, True), root, name) for name in names}
    return {**filled, STATUS: status}


def _value(schema: Any, root: Any, name: str, depth: int = 0) -> Any:
    """An example of `schema`; `name` is the property it is for."""
    found = resolve(schema, root)
    if not isinstance(found, dict):
        return f"<{name}>"
    if "const" in found:
        return found["const"]
    if "default" in found:
        return found["default"]
    for offered in ("examples", "enum"):
        if isinstance(found.get(offered), list) and found[offered]:
            return found[offered][0]
    for choice in ("oneOf", "anyOf", "allOf"):
        if isinstance(found.get(choice), list) and found[choice]:
            rest = {key: item for key, item in found.items() if key != choice}
            first = resolve(found[choice][0], root)
            return _value(
                {**rest, **first} if isinstance(first, dict) else rest, root, name, depth + 1
            )
    return _typed(found, root, name, depth)


def _typed(schema: dict[str, Any], root: Any, name: str, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    match kind or _guess(schema):
        case "object":
            return _object(schema, root, depth)
        case "array":
            return _array(schema, root, name, depth)
        case "integer" | "number" as number:
            return _number(schema, whole=number == "integer")
        case "boolean":
            return True
        case "null":
            return None
    return _text(schema, name)


def _guess(schema: dict[str, Any]) -> str:
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _object(schema: dict[str, Any], root: Any, depth: int) -> dict[str, Any]:
    properties, required = schema.get("properties"), schema.get("required")
    properties = properties if isinstance(properties, dict) else {}
    names = dict.fromkeys(required if isinstance(required, list) else ())
    if depth < _MAX_DEPTH:
        names.update(dict.fromkeys(properties))
    return {name: _value(properties.get(name, True), root, name, depth + 1) for name in names}


def _array(schema: dict[str, Any], root: Any, name: str, depth: int) -> list[Any]:
    fixed = schema.get("prefixItems")
    filled = (
        [_value(item, root, name, depth + 1) for item in fixed] if isinstance(fixed, list) else []
    )
    least = schema.get("minItems", 0)
    most = schema.get("maxItems", 1000)
    wanted = max(least if isinstance(least, int) else 0, 1 if depth < _MAX_DEPTH else 0)
    items = schema.get("items", True)
    while len(filled) < min(wanted, most if isinstance(most, int) else wanted, 1000):
        filled.append(_distinct(_value(items, root, name, depth + 1), items, len(filled), schema))
    return filled


def _distinct(item: Any, items: Any, index: int, schema: dict[str, Any]) -> Any:
    """The item, made different from the ones before it where they must be unique."""
    if index == 0 or schema.get("uniqueItems") is not True:
        return item
    options = items.get("enum") if isinstance(items, dict) else None
    if isinstance(options, list) and index < len(options):
        return options[index]
    if isinstance(item, str):
        return f"{item} {index + 1}"
    return item + index if isinstance(item, (int, float)) and not isinstance(item, bool) else item


def _number(schema: dict[str, Any], *, whole: bool) -> int | float:
    step = schema.get("multipleOf", 1)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    number: int | float = 1
    if low is not None and (number < low or (number == low and "exclusiveMinimum" in schema)):
        number = low if "minimum" in schema else low + step
    if high is not None and (number > high or (number == high and "exclusiveMaximum" in schema)):
        number = high if "maximum" in schema else high - step
    if low is not None and high is not None and not low <= number <= high:
        number = (low + high) / 2
    if "multipleOf" in schema and step:
        number = -(-number // step) * step
    return int(number) if whole or number == int(number) else number


def _text(schema: dict[str, Any], name: str) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    least, most = schema.get("minLength", 0), schema.get("maxLength", 1 << 30)
    if "pattern" in schema:
        return _matching(str(schema["pattern"]), name, least, most)
    text = schema.get("description")
    text = f"<{text if isinstance(text, str) and len(text) <= 80 else name}>"
    if isinstance(most, int) and len(text) > most:
        text = text.strip("<>")[:most]
    return text + "." * (least - len(text)) if isinstance(least, int) else text


def _matching(pattern: str, name: str, least: int, most: int) -> str:
    import re

    for text in (f"<{name}>", name, *_TEXTS):
        try:
            if least <= len(text) <= most and re.search(pattern, text):
                return text
        except re.error:
            break
    return f"<{name}>"
