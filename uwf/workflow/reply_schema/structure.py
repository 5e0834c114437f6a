"""What the JSON Schema of a role's front matter says: which `$status` values it knows, and the properties of each.

A role's schema is one flat object, or branches under `oneOf` or `anyOf`, one for each `$status`. Only the structure
is read here: `check` holds a reply against it, `sample` fills in an example.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")

STATUS = "$status"

_MAX_DEPTH = 20
"""How deep references and combinations are followed when the structure is read. A schema may refer
to itself.
"""
_MOST_KEPT = 200


class Branch(Record):
    """One way a reply may look. `statuses` is empty when the branch leaves `$status` open.

    `open`: the schema says explicitly that properties beyond the named ones may come.
    `closed`: it forbids them.
    """

    statuses: tuple[str, ...]
    properties: dict[str, Any]
    required: tuple[str, ...]
    open: bool
    closed: bool


def once_per_schema(make: Callable[[Any], T]) -> Callable[[Any], T]:
    """`make`, asked once for each schema. A workflow's schemas stay the same objects, unchanged, for all its steps."""
    made: dict[int, tuple[Any, T]] = {}

    def kept(schema: Any) -> T:
        found = made.get(id(schema))
        if found is None or found[0] is not schema:
            if len(made) == _MOST_KEPT:
                made.clear()
            found = made[id(schema)] = schema, make(schema)
        return found[1]

    return kept


@once_per_schema
def branches(schema: Any) -> list[Branch]:
    """The ways a reply may look, in the order of the file."""
    return [_branch(parts, schema) for parts in _alternatives(schema, schema, 0)]


def statuses(schema: Any) -> list[str]:
    """Every `$status` the schema knows, in the order of the file."""
    return list(dict.fromkeys(status for branch in branches(schema) for status in branch.statuses))


def properties_for(schema: Any, status: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`(all, required)`: the properties a reply with this status can and must have."""
    fitting = branches_for(schema, status)
    names = dict.fromkeys(name for branch in fitting for name in branch.properties)
    names.update(dict.fromkeys(name for branch in fitting for name in branch.required))
    required = tuple(name for name in names if all(name in branch.required for branch in fitting))
    return tuple(names), required


def branches_for(schema: Any, status: str) -> list[Branch]:
    """The branches a reply with this status may take."""
    return [found for found in branches(schema) if status in found.statuses or not found.statuses]


def resolve(schema: Any, root: Any) -> Any:
    """`schema`, or what its local `$ref` (`#/...`) points at within `root`; None when it points
    nowhere.
    """
    for _ in range(_MAX_DEPTH):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema
        reference = schema["$ref"]
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        schema = root
        for segment in reference[1:].split("/")[1:]:
            key = segment.replace("~1", "/").replace("~0", "~")
            schema = schema.get(key) if isinstance(schema, dict) else None
    return None


def _alternatives(schema: Any, root: Any, depth: int) -> Iterator[list[dict[str, Any]]]:
    """Every combination of object schemas that apply together: the outer one, `allOf`, and one of
    each choice.
    """
    found = resolve(schema, root)
    if depth > _MAX_DEPTH or not isinstance(found, dict):
        return
    combined: list[list[dict[str, Any]]] = [[found]]
    for part in _list(found.get("allOf")):
        inner = list(_alternatives(part, root, depth + 1))
        combined = _product(combined, inner) if inner else combined
    for word in ("oneOf", "anyOf"):
        choices = _list(found.get(word))
        if not choices:
            continue
        inner = [parts for choice in choices for parts in _alternatives(choice, root, depth + 1)]
        combined = _product(combined, inner) if inner else combined
    yield from combined


def _product(
    left: list[list[dict[str, Any]]], right: list[list[dict[str, Any]]]
) -> list[list[dict[str, Any]]]:
    return [one + other for one in left for other in right][:1000]


def _branch(parts: Sequence[Mapping[str, Any]], root: Any) -> Branch:
    properties: dict[str, Any] = {}
    required: dict[str, None] = {}
    for part in parts:
        named = part.get("properties")
        properties.update(named if isinstance(named, dict) else {})
        required.update(
            (name, None) for name in _list(part.get("required")) if isinstance(name, str)
        )
    more = [part["additionalProperties"] for part in parts if "additionalProperties" in part]
    return Branch(
        _named_statuses(resolve(properties.get(STATUS), root)),
        properties,
        tuple(required),
        any(allowed is not False for allowed in more)
        or any("patternProperties" in part for part in parts),
        any(allowed is False for allowed in more),
    )


def _named_statuses(schema: Any) -> tuple[str, ...]:
    if not isinstance(schema, dict):
        return ()
    values = [schema["const"]] if "const" in schema else _list(schema.get("enum"))
    return tuple(value for value in values if isinstance(value, str))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
