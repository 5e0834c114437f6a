"""Whether a reply's front matter fits the schema of its role, and whether that is a schema at all. The only place
that imports jsonschema_rs.

Where a schema has branches, only the faults of the reply's own `$status` are reported, in the sentences of `words`.
References to other documents are never fetched. A workflow may be a stranger's, so its patterns are for an engine whose
time grows with the text alone. Where one has a look-around or a back-reference, which no such engine knows, those of
its schema are matched by one that goes back, so many times a value and no more; `validate` warns of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from jsonschema_rs import Validator

from uwf.errors import InputError
from uwf.workflow.reply_schema import structure
from uwf.workflow.reply_schema.structure import STATUS
from uwf.workflow.reply_schema.words import schema_sentence, sentence, shorter, shown

_MOST = 12
"""An answer names no more problems than this: those that follow from others would crowd out their cause."""

_OF_KIND = {"type", "enum", "const"}
"""The words of a schema that ask for another kind of value, not for more or less of the same."""

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

_LINEAR = jsonschema_rs.RegexOptions()

_BACKTRACKS = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000)
"""Some half a millisecond a value: a reply that means harm has a few thousand of them."""

_ONLY_ITSELF = "a schema may only refer to itself"


def reply_problems(schema: Any, value: Any) -> list[str]:
    """What is wrong with the front matter `value` of a reply, in words for its author; empty when it fits.

    InputError when the schema itself cannot be used, which `validate` would have said.
    """
    if not isinstance(value, dict):
        return [f"the front matter is {shown(value)} but must be `key: value` lines"]
    if odd := list(_not_storable(value, "")):
        return odd[:_MOST]
    if not _status_fits(schema, value):
        return [_about_status(schema, value)]
    if _compiled(schema).is_valid(value):
        return []
    found = list(_compile(_narrowed(schema, value.get(STATUS))).iter_errors(value))
    found = found or list(_compiled(schema).iter_errors(value))
    ordered = sorted(found, key=lambda error: [str(segment) for segment in error.instance_path])
    return list(dict.fromkeys(sentence(error) for error in ordered))[:_MOST]


def misfits(schema: Any, value: dict[str, Any]) -> dict[tuple[str | int, ...], bool]:
    """Where in the front matter `value` something stands that its schema does not allow, and whether all that is wrong
    there is the kind of value: no limit, length or pattern that is meant for the kind that stands there.
    """
    found: dict[tuple[str | int, ...], bool] = {}
    for error in _compile(_narrowed(schema, value.get(STATUS))).iter_errors(value):
        path = tuple(error.instance_path)
        found[path] = found.get(path, True) and _is_of_kind(error)
    return found


def _is_of_kind(error: jsonschema_rs.ValidationError) -> bool:
    ways = error.kind.as_dict().get("context")
    if ways is None:
        return error.kind.name in _OF_KIND
    return all(_is_of_kind(inner) for way in ways for inner in way)


def schema_problems(schema: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """What makes `schema` unusable as a JSON Schema: `(path within it, sentence)` pairs."""
    if odd := list(_not_storable(schema, "")):
        return [((), text) for text in odd[:_MOST]]
    draft = schema.get("$schema", _DRAFT) if isinstance(schema, dict) else _DRAFT
    if not isinstance(draft, str):
        return [(("$schema",), f"`$schema` is {shown(draft)} but must be the address of a draft")]
    faults: dict[tuple[str | int, ...], str] = {}
    try:
        meta = jsonschema_rs.validator_for(
            {"$ref": draft}, retriever=_refuse, validate_formats=True
        )
        for error in meta.iter_errors(schema):
            faults.setdefault(tuple(error.instance_path), schema_sentence(error))
        if not faults:
            jsonschema_rs.validator_for(schema, retriever=_refuse, pattern_options=_BACKTRACKS)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        where = tuple(getattr(error, "instance_path", ()))
        faults[where] = _first_line(error)
    return list(faults.items())[:_MOST]


def backtracking(schema: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The first pattern in `schema`, which is a schema otherwise, that only an engine that goes back can match."""
    try:
        jsonschema_rs.validator_for(schema, retriever=_refuse, pattern_options=_LINEAR)
    except jsonschema_rs.ValidationError as error:
        pattern = shown(error.instance)
        yield (
            tuple(error.instance_path),
            f"the pattern {pattern} has a look-around or a back-reference: a value for which matching goes back more "
            "than 10,000 times is not valid",
        )


def _refuse(uri: str) -> Any:
    """Stands where the library would go to the network."""
    raise ValueError(f"{_ONLY_ITSELF}, not to {uri}")


def _compile(schema: Any) -> Validator:
    try:
        engine = _BACKTRACKS if any(backtracking(schema)) else _LINEAR
        return jsonschema_rs.validator_for(schema, retriever=_refuse, pattern_options=engine)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise InputError(
            f"this role's frontmatter is not a usable JSON Schema: {_first_line(error)}",
            hint="uwf workflow validate FILE",
        ) from error


_compiled = structure.once_per_schema(_compile)


def _status_fits(schema: Any, value: dict[str, Any]) -> bool:
    """Whether the reply names a status the schema knows; one that leaves it open knows any."""
    known = structure.branches(schema)
    status = value.get(STATUS)
    return not known or any(not way.statuses or status in way.statuses for way in known)


def _about_status(schema: Any, value: dict[str, Any]) -> str:
    known = " or ".join(f"`{status}`" for status in structure.statuses(schema))
    if STATUS not in value:
        return f"`{STATUS}` is required but missing: it must be {known}"
    return f"`{STATUS}` is {shown(value[STATUS])} but must be {known}"


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


def _first_line(error: Exception) -> str:
    message = str(getattr(error, "message", "") or error) or type(error).__name__
    message = message[max(message.find(_ONLY_ITSELF), 0) :]
    return shorter(message.splitlines()[0], 200)
