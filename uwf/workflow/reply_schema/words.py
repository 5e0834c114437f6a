"""What jsonschema_rs objects to, as sentences.

The author of a reply is an agent that will be asked again, so every sentence names the property, what it is and
what it must be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jsonschema_rs import ValidationError

_KINDS = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping",
}


def sentence(error: ValidationError) -> str:
    """One JSON Schema error as a sentence."""
    where = _path(error.instance_path)
    named = f"`{where}`" if where else "the front matter"
    given = shown(error.instance)
    details = error.kind.as_dict()
    limit = details.get("limit")
    match error.kind.name:
        case "required":
            name = f"{where}.{details['property']}" if where else details["property"]
            return f"`{name}` is required but missing"
        case "type":
            remedy = _quotes(error.instance, details["types"])
            return f"{named} is {given} but must be {_kinds(details['types'])}{remedy}"
        case "enum":
            return f"{named} is {given} but must be one of {_listed(details['options'])}"
        case "const":
            return f"{named} is {given} but must be {shown(details['expected_value'])}"
        case "additionalProperties" | "unevaluatedProperties":
            return f"{named} has {_listed(details['unexpected'])}, which the schema does not know"
        case "minLength" if limit == 1:
            return f"{named} is empty but must have some text"
        case "minItems" | "minLength" | "minProperties":
            return f"{named} has {_size(error.instance)} but needs at least {limit}"
        case "maxItems" | "maxLength" | "maxProperties":
            return f"{named} has {_size(error.instance)} but may have at most {limit}"
        case "minimum":
            return f"{named} is {given} but must be at least {limit}"
        case "maximum":
            return f"{named} is {given} but must be at most {limit}"
        case "exclusiveMinimum":
            return f"{named} is {given} but must be more than {limit}"
        case "exclusiveMaximum":
            return f"{named} is {given} but must be less than {limit}"
        case "multipleOf":
            return f"{named} is {given} but must be a multiple of {details['multiple_of']}"
        case "pattern" if "pattern" not in details:  # the engine has given up
            return f"{named} is {given}, and whether that fits its pattern takes too long to find out: write it shorter"
        case "pattern":
            return f"{named} is {given} but must match the pattern {details['pattern']}"
        case "format":
            return f"{named} is {given} but must be written as {details['format']}"
        case "uniqueItems":
            return f"{named} repeats an item, and each may stand there only once"
        case "oneOf" if sum(not way for way in details["context"]) > 1:
            return f"{named} fits two branches of the schema at once, and must fit one"
        case "anyOf" | "oneOf":
            return f"{named} is {given} but must fit one of these: {_choices(error)}"
        case "falseSchema":
            return f"{named} is {given} but must not be there"
    return f"{named} does not fit: {shorter(error.message.splitlines()[0], 160)}"


def schema_sentence(error: ValidationError) -> str:
    """Like `sentence`, for the two mistakes people make in schemas."""
    where, given = _path(error.instance_path), shown(error.instance)
    if error.instance_path[-1:] == ["type"]:
        given = _listed(error.instance) if isinstance(error.instance, list) else given
        return f"`{where}` is {given} but JSON Schema knows {', '.join(_KINDS)}"
    if error.kind.name == "format" and error.instance_path[-1:] == ["pattern"]:
        return f"`{where}` is {given}, which is not a regular expression"
    return sentence(error)


def _choices(error: ValidationError) -> str:
    ways = [[sentence(inner) for inner in way] for way in error.kind.as_dict()["context"]]
    return shorter("; or ".join(" and ".join(way) for way in ways if way), 240)


def _path(segments: Sequence[str | int]) -> str:
    text = ""
    for segment in segments:
        text += f"[{segment}]" if isinstance(segment, int) else f".{segment}" if text else segment
    return text


def _kinds(types: list[str]) -> str:
    null_last = sorted(types, key=lambda name: name == "null")
    return " or ".join(_KINDS.get(name, name) for name in null_last)


def _quotes(value: Any, types: list[str]) -> str:
    simple = isinstance(value, (bool, int, float))
    return ": put it in quotes" if simple and "string" in types else ""


def shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "empty" if value is None else str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return shorter(repr(value), 60)


def _listed(values: Sequence[Any]) -> str:
    listed = ", ".join(shown(value) for value in values[:20])
    return listed + (", …" if len(values) > 20 else "")


def _size(value: Any) -> str:
    unit = "item" if isinstance(value, list) else "character" if isinstance(value, str) else "entry"
    several = "entries" if unit == "entry" else f"{unit}s"
    return f"{len(value)} {unit if len(value) == 1 else several}"


def shorter(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
