"""Which role is next? A pure question over the graph and the last output.

The engine handles a reply of `$SUSPEND` before it comes here, and decides what a pause or an end
means for the thread; this module only reads the graph and renders the edge's templates.
"""

from __future__ import annotations

from uwf.errors import StateError
from uwf.record import Record
from uwf.workflow.model import ANY, END, START, SUSPEND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from uwf.workflow.model import Edge, Workflow


class ToRole(Record):
    """`role` runs next, told `prompt`. `location` is the folder its edge asks for, None for the
    thread's own.
    """

    role: str
    prompt: str
    location: str | None = None


class ToEnd(Record):
    """The round is over. `prompt` is the edge's rendered text; it may be empty."""

    prompt: str


class ToSuspend(Record):
    """The older dialect's `$SUSPEND` edge: the thread waits for a person, for the reason in
    `message`.
    """

    message: str


if TYPE_CHECKING:
    Next: TypeAlias = ToRole | ToEnd | ToSuspend


class RouteError(StateError):
    """The graph has no way on: code no_edge, empty_prompt, empty_location or bad_template."""

    default_code = "no_edge"


def route(workflow: Workflow, source: str, status: str, variables: Mapping[str, Any]) -> Next:
    """Where `source`'s reply with `status` leads. `variables` are its front matter and `_body`."""
    return _follow(workflow, source, status, _edge(workflow, source, status), variables)


def entry(workflow: Workflow, round: int, variables: Mapping[str, Any]) -> Next:
    """Where a round begins. Round 1 takes `$START`'s edge `new`; later ones `resume`, else `new`;
    `_` fits all.
    """
    status = entry_status(workflow, round)
    return _follow(workflow, START, status, workflow.graph[START][status], variables)


def target(workflow: Workflow, source: str, status: str) -> str:
    """The role, `$END` or `$SUSPEND` that the status leads to, with no template rendered."""
    return _edge(workflow, source, status).target


def entry_target(workflow: Workflow, round: int) -> str:
    """Like `target`, for the beginning of a round."""
    return workflow.graph[START][entry_status(workflow, round)].target


def taken(workflow: Workflow, source: str, status: str) -> str:
    """The word of the edge that a status takes: itself, or `_` where that is the only one; itself for one that has
    none.
    """
    edges = workflow.graph.get(source, {})
    return ANY if status not in edges and len(edges) == 1 and ANY in edges else status


def _edge(workflow: Workflow, source: str, status: str) -> Edge:
    edges = workflow.graph.get(source, {})
    edge = edges.get(taken(workflow, source, status))
    if edge is None:
        known = ", ".join(edges) or "none at all"
        raise RouteError(
            f"role {source} of workflow {workflow.name} answered with status '{status}', "
            f"which has no edge (it has: {known})",
            hint="uwf workflow validate FILE",
        )
    return edge


def entry_status(workflow: Workflow, round: int) -> str:
    """The edge of `$START` that a round takes. RouteError when there is none."""
    edges = workflow.graph.get(START, {})
    for status in ("new", ANY) if round <= 1 else ("resume", "new", ANY):
        if status in edges:
            return status
    raise RouteError(
        f"workflow {workflow.name} cannot begin: {START} has no edge 'new'",
        hint="uwf workflow validate FILE",
    )


def _follow(
    workflow: Workflow, source: str, status: str, edge: Edge, variables: Mapping[str, Any]
) -> Next:
    of_edge = f"of edge {source} → {status} of workflow {workflow.name}"
    prompt = _render(edge.prompt, variables, f"the prompt {of_edge}")
    if edge.target == END:
        return ToEnd(prompt)
    if edge.target == SUSPEND:
        reason = variables.get("reason")
        message = prompt if prompt.strip() else reason if isinstance(reason, str) else ""
        return ToSuspend(message.strip() or f"suspended by {source}")
    if edge.target not in workflow.roles:
        raise RouteError(
            f"edge {source} → {status} of workflow {workflow.name} leads to role '{edge.target}', "
            "which the workflow does not have"
        )
    if not prompt.strip():
        raise RouteError(
            f"the prompt {of_edge} renders empty: {_shown(edge.prompt)}",
            code="empty_prompt",
            hint="uwf workflow validate FILE",
        )
    if edge.location is None:
        return ToRole(edge.target, prompt)
    location = _render(edge.location, variables, f"the location {of_edge}").strip()
    if not location:
        raise RouteError(
            f"the location {of_edge} renders empty: {_shown(edge.location)}",
            code="empty_location",
            hint="uwf workflow validate FILE",
        )
    return ToRole(edge.target, prompt, location)


def _render(text: str, variables: Mapping[str, Any], template_name: str) -> str:
    if "{" not in text:
        return text
    from uwf.workflow import template  # looking at a thread fills in none

    try:
        return template.render(text, variables)
    except template.TemplateInvalid as error:
        raise RouteError(
            f"{template_name} cannot be rendered: {error.message}", code="bad_template"
        ) from error


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 80 else line[:79] + "…")
