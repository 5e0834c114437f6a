"""What is wrong with a reply or with a schema, in plain words. The only place that imports
jsonschema_rs.

The author of a reply is an agent that will be asked again, so every sentence names the property,
what it is and what it must be. Where the schema has branches only those of the reply's own
`$status` are reported. References to other documents are never fetched.
"""

from __future__ import annotations

from uwf.errors import InputError
from uwf.workflow.quick import STATUS
from uwf.workflow.reply_schema import structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from jsonschema_rs import ValidationError, Validator

_MOST = 12
"""More complaints than this in one answer help nobody."""

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

_ONLY_ITSELF = "a schema may only refer to itself"

_KINDS = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping",
}


def about(schema: Any, value: Any) -> list[str]:
    """What is wrong with the front matter `value` of a reply; empty when it fits."""
    if not isinstance(value, dict):
        return [f"the front matter is {_shown(value)} but must be `key: value` lines"]
    if odd := list(_not_storable(value, "")):
        return odd[:_MOST]
    if not structure.status_fits(schema, value):
        return [_about_status(schema, value)]
    if _compiled(schema).is_valid(value):
        return []
    found = list(_compiled(_narrowed(schema, value.get(STATUS))).iter_errors(value))
    found = found or list(_compiled(schema).iter_errors(value))
    ordered = sorted(found, key=lambda error: [str(segment) for segment in error.instance_path])
    return list(dict.fromkeys(_words(error) for error in ordered))[:_MOST]


def about_schema(schema: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """What makes `schema` unusable as a JSON Schema: `(path within it, sentence)` pairs."""
    import jsonschema_rs

    if odd := list(_not_storable(schema, "")):
        return [((), text) for text in odd[:_MOST]]
    draft = schema.get("$schema", _DRAFT) if isinstance(schema, dict) else _DRAFT
    if not isinstance(draft, str):
        return [(("$schema",), f"`$schema` is {_shown(draft)} but must be the address of a draft")]
    faults: dict[tuple[str | int, ...], str] = {}
    try:
        meta = jsonschema_rs.validator_for(
            {"$ref": draft}, retriever=_refuse, validate_formats=True
        )
        for error in meta.iter_errors(schema):
            faults.setdefault(tuple(error.instance_path), _schema_words(error))
        if not faults:
            jsonschema_rs.validator_for(schema, retriever=_refuse)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        where = tuple(getattr(error, "instance_path", ()))
        faults[where] = _first_line(error)
    return list(faults.items())[:_MOST]


def _refuse(uri: str) -> Any:
    """Stands where the library would go to the network."""
    raise ValueError(f"{_ONLY_ITSELF}, not to {uri}")


def _compiled(schema: Any) -> Validator:
    import jsonschema_rs

    try:
        return jsonschema_rs.validator_for(schema, retriever=_refuse)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise InputError(
            f"this role's frontmatter is not a usable JSON Schema: {_first_line(error)}",
            hint="uwf workflow validate FILE",
        ) from error


def _about_status(schema: Any, value: dict[str, Any]) -> str:
    known = " or ".join(f"`{status}`" for status in structure.statuses(schema))
    if STATUS not in value:
        return f"`{STATUS}` is required but missing: it must be {known}"
    return f"`{STATUS}` is {_shown(value[STATUS])} but must be {known}"


def _narrowed(schema: Any, status: Any) -> Any:
    """The schema with its choice made: only the branch of this status, so that only its faults are
    told.
    """
    found = structure.resolve(schema, schema)
    if not isinstance(found, dict):
        return schema
    narrowed = {**schema, **found}
    for word in ("oneOf", "anyOf"):
        choices = found.get(word)
        if not isinstance(choices, list):
            continue
        ours = [
            choice
            for choice in choices
            if any(
                status in way.statuses
                for way in structure.branches(structure.resolve(choice, schema))
            )
        ]
        if len(ours) == 1:
            del narrowed[word]
            narrowed["allOf"] = [*narrowed.get("allOf", ()), *ours]
    return narrowed


def _not_storable(value: Any, path: str) -> Iterator[str]:
    """Values that YAML can write and JSON cannot keep."""
    where = f"`{path}`" if path else "the front matter"
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _not_storable(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_storable(item, f"{path}[{index}]")
    elif isinstance(value, float) and value - value != 0.0:
        yield f"{where} is {value}, which cannot be kept: put it in quotes or give a number"
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield f"{where} is a number beyond 64 bits: put it in quotes"
    elif isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        yield f"{where} holds half of a Unicode pair, which is not text"


def _words(error: ValidationError) -> str:
    """One JSON Schema error as a sentence."""
    where = _path(error.instance_path)
    named = f"`{where}`" if where else "the front matter"
    given = _shown(error.instance)
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
            return f"{named} is {given} but must be {_shown(details['expected_value'])}"
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
    return f"{named} does not fit: {_shorter(error.message.splitlines()[0], 160)}"


def _schema_words(error: ValidationError) -> str:
    """Like `_words`, for the two mistakes people make in schemas."""
    where, given = _path(error.instance_path), _shown(error.instance)
    if error.instance_path[-1:] == ["type"]:
        given = _listed(error.instance) if isinstance(error.instance, list) else given
        return f"`{where}` is {given} but JSON Schema knows {', '.join(_KINDS)}"
    if error.kind.name == "format" and error.instance_path[-1:] == ["pattern"]:
        return f"`{where}` is {given}, which is not a regular expression"
    return _words(error)


def _choices(error: ValidationError) -> str:
    ways = [[_words(inner) for inner in way] for way in error.kind.as_dict()["context"]]
    return _shorter("; or ".join(" and ".join(way) for way in ways if way), 240)


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


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "empty" if value is None else str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return _shorter(repr(value), 60)


def _listed(values: Sequence[Any]) -> str:
    shown = [_shown(value) for value in values[:20]]
    return ", ".join(shown) + (", …" if len(values) > 20 else "")


def _size(value: Any) -> str:
    unit = "item" if isinstance(value, list) else "character" if isinstance(value, str) else "entry"
    several = "entries" if unit == "entry" else f"{unit}s"
    return f"{len(value)} {unit if len(value) == 1 else several}"


def _shorter(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _first_line(error: Exception) -> str:
    message = str(getattr(error, "message", "") or error) or type(error).__name__
    message = message[max(message.find(_ONLY_ITSELF), 0) :]
    return _shorter(message.splitlines()[0], 200)
