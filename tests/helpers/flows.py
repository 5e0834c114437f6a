"""Small workflows for tests, made without YAML."""

from __future__ import annotations

from typing import Any

from uwf.workflow.model import Edge, Role, Workflow

EdgeLike = Edge | tuple[str, str] | tuple[str, str, str]


def schema(**statuses: dict[str, Any]) -> dict[str, Any]:
    """A role's schema: for each status the properties it has, all of them required."""
    branches = [
        {
            "type": "object",
            "properties": {"$status": {"const": status}, **properties},
            "required": ["$status", *properties],
        }
        for status, properties in statuses.items()
    ]
    return branches[0] if len(branches) == 1 else {"oneOf": branches}


def role(name: str, schema: dict[str, Any], **texts: Any) -> Role:
    """A role that says something in every section, unless told otherwise."""
    return Role(
        **{
            "name": name,
            "description": f"The {name}.",
            "goal": f"Goal of the {name}.",
            "capabilities": (f"{name}-skill",),
            "procedure": f"Procedure of the {name}.",
            "output": f"Output of the {name}.",
            "schema": schema,
            **texts,
        }
    )


def workflow(name: str, roles: list[Role], graph: dict[str, dict[str, EdgeLike]]) -> Workflow:
    """Edges may be written as (target, prompt)."""
    edges = {
        source: {
            status: edge if isinstance(edge, Edge) else Edge(*edge) for status, edge in out.items()
        }
        for source, out in graph.items()
    }
    return Workflow(name, f"The workflow {name}.", {role.name: role for role in roles}, edges)


TEXT = {"type": "string"}

WRITER = role("writer", schema(done={"file": TEXT}))
REVIEWER = role("reviewer", schema(approved={}, changes={"remarks": TEXT}))

PAIR = workflow(
    "pair",
    [WRITER, REVIEWER],
    {
        "$START": {
            "new": ("writer", "Write it."),
            "resume": ("writer", "Go on. The last word was: {{ _body }}"),
        },
        "writer": {"done": ("reviewer", "Review {{ file }}. The writer says: {{ _body }}")},
        "reviewer": {
            "approved": ("$END", ""),
            "changes": ("writer", "Mend this: {{ remarks }}"),
        },
    },
)
"""A writer and a reviewer; the reviewer ends it or sends it back."""

LOOP = workflow(
    "loop",
    [role("walker", schema(on={}, off={}))],
    {
        "$START": {"new": ("walker", "Walk.")},
        "walker": {"on": ("walker", "Walk on."), "off": ("$END", "")},
    },
)
"""One role that goes on until it says `off`."""

OLDER = workflow(
    "older",
    [role("asker", schema(question={"text": TEXT}, fine={}))],
    {
        "$START": {"_": ("asker", "Ask.")},
        "asker": {"question": ("$SUSPEND", "Please answer: {{ text }}"), "fine": ("$END", "")},
    },
)
"""The older dialect: `_` at `$START`, and an edge to `$SUSPEND`."""
