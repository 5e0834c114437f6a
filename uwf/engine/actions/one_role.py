"""The workflow in which one role is asked once: what a glance and a trial of an agent run."""

from __future__ import annotations

from uwf.workflow.model import ANY, END, START, Edge, Role, Workflow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def one_role(
    name: str, description: str, schema: dict[str, Any], prompt: str, *, writes: bool = False
) -> Workflow:
    """It and its role are called `name`; it ends with the reply, whatever its status."""
    role = Role(
        name=name,
        description=description,
        goal="",
        capabilities=(),
        procedure="",
        output="",
        schema=schema,
        writes=writes,
    )
    return Workflow(
        name, "", {name: role}, {START: {ANY: Edge(name, prompt)}, name: {ANY: Edge(END, "")}}
    )
