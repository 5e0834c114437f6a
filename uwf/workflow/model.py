"""A workflow as a value, and the plain data it is stored as.

Owns its fields only: a new one is named in its class and in the stored form here, read from a file by `parse`, and
checked in what comes from elsewhere by `engine.chain.shape`.
`load` makes a workflow out of a file, `validate` finds whether it can run, `route` walks it.

The stored form repeats the file's own words, so that `uwf cas get` shows something familiar:

    {"version": 1, "name": ..., "description": ...,
     "roles": {ROLE: {"description", "goal", "capabilities", "procedure", "output", "frontmatter"}},
     "graph": {SOURCE: {STATUS: {"role", "prompt", "location"}}}}

`location` is null where the edge has none. Only a workflow with limits has a `budget` beside its graph, or a
`max_visits` in a role, only one with triggers has `on`, and only a role that writes nothing has `writes`: the ids of
all others are what they were before there were such fields. Stored maps are sorted by key, so a stored workflow does
not know in which order its file named things; nothing may depend on that order.
"""

from __future__ import annotations

from types import MappingProxyType

from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

VERSION = 1

START = "$START"
END = "$END"
SUSPEND = "$SUSPEND"
ANY = "_"
"""The older dialect's edge for "whatever the status". It counts only where it is the only edge."""

BODY = "_body"
"""The template variable that holds the Markdown after the front matter."""

RESERVED = (START, END, SUSPEND, BODY)
"""What no role, status or workflow may be called."""


class Edge(Record):
    """Where one status leads. `target` is a role, `$END`, or in older files `$SUSPEND`.

    `prompt` and `location` are Liquid templates over the output of the role the edge leaves.
    """

    target: str
    prompt: str
    location: str | None = None


NEEDS = ("write",)
"""What a role can need."""


class Role(Record):
    """What does a step. `schema` is the JSON Schema of the front matter of its reply.

    `max_visits` is how often a thread may come to it, None for as often as it likes. `writes` is whether it needs a
    working directory that can be written. `agent` and `model` are words, which the config of whoever runs it gives a
    meaning. `needs` is what it fails without: a tool that it is denied is no step then.
    """

    name: str
    description: str
    goal: str
    capabilities: tuple[str, ...]
    procedure: str
    output: str
    schema: dict[str, Any]
    max_visits: int | None = None
    writes: bool = True
    agent: str | None = None
    model: str | None = None
    needs: tuple[str, ...] = ()


class Workflow(Record):
    """`roles` by name; `graph` as source → status → edge, a source being a role or `$START`.

    `budget` is what a thread may use over its whole life, in the words of `uwf.quantities`. `on` are the triggers for
    its threads in the words of the file: see `trigger`.
    """

    name: str
    description: str
    roles: dict[str, Role]
    graph: dict[str, dict[str, Edge]]
    budget: Mapping[str, float] = MappingProxyType({})
    on: tuple[Mapping[str, Any], ...] = ()


def to_payload(workflow: Workflow) -> dict[str, Any]:
    """The workflow as plain data, ready to be stored."""
    payload: dict[str, Any] = {
        "version": VERSION,
        "name": workflow.name,
        "description": workflow.description,
        "roles": {name: _role_payload(role) for name, role in workflow.roles.items()},
        "graph": {
            source: {
                status: {"role": edge.target, "prompt": edge.prompt, "location": edge.location}
                for status, edge in edges.items()
            }
            for source, edges in workflow.graph.items()
        },
    }
    if workflow.budget:
        payload["budget"] = dict(workflow.budget)
    if workflow.on:
        payload["on"] = [dict(given) for given in workflow.on]
    return payload


def from_payload(payload: Mapping[str, Any]) -> Workflow:
    """The workflow in `payload`. InputError when that is something else, or of a newer format."""
    try:
        if payload["version"] != VERSION:
            raise InputError(
                f"workflow {payload['name']} has format version {payload['version']!r}, "
                f"and this uwf reads version {VERSION}",
                hint="pip install --upgrade uwf",
            )
        return Workflow(
            payload["name"],
            payload["description"],
            {name: _role(name, role) for name, role in payload["roles"].items()},
            {
                source: {
                    status: Edge(edge["role"], edge["prompt"], edge["location"])
                    for status, edge in edges.items()
                }
                for source, edges in payload["graph"].items()
            },
            payload.get("budget", {}),
            tuple(payload.get("on", ())),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError(
            f"this object is not a workflow: its payload lacks {error}",
            hint="uwf workflow list",
        ) from error


def _role(name: str, role: Mapping[str, Any]) -> Role:
    return Role(
        name,
        role["description"],
        role["goal"],
        tuple(role["capabilities"]),
        role["procedure"],
        role["output"],
        role["frontmatter"],
        role.get("max_visits"),
        role.get("writes", True),
        role.get("agent"),
        role.get("model"),
        tuple(role.get("needs", ())),
    )


def _role_payload(role: Role) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "description": role.description,
        "goal": role.goal,
        "capabilities": list(role.capabilities),
        "procedure": role.procedure,
        "output": role.output,
        "frontmatter": role.schema,
    }
    rare = {
        "max_visits": role.max_visits,
        "writes": None if role.writes else False,
        "agent": role.agent,
        "model": role.model,
        "needs": list(role.needs) or None,
    }
    return {**payload, **{name: value for name, value in rare.items() if value is not None}}
