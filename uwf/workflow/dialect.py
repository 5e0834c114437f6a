"""What older workflow files say differently, and how they say it today.

Three habits still load, each with a warning that shows today's form: `{{{ name }}}` in templates,
`_` as the edge for any status, and `$SUSPEND` as an edge's target (which has no other form in the
graph, and so stays). Others load in files of before `version: 1` alone, and are errors in one that
says it is of today: see `habit`. The oldest format, a graph of conditions, is only recognised.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from uwf.record import replace
from uwf.workflow.model import ANY, START, SUSPEND, Edge, Workflow
from uwf.workflow.problem import Problems
from uwf.workflow.reply_schema.structure import statuses
from uwf.yaml12 import Document, SourceMark

Note = Callable[[str, str, SourceMark, str | None], None]
"""Notes a problem: its code, its message, its place and a hint."""

_BODY = re.compile(r"(\{\{-?\s*)\$body\b")
_TRIPLE = re.compile(r"\{\{\{\s*([^{}]*?)\s*\}\}\}")


def is_oldest(value: dict[str, Any]) -> bool:
    """Whether the file is of the format whose edges carried conditions."""
    graph = value.get("graph")
    if "conditions" in value or isinstance(graph, list):
        return True
    for edges in graph.values() if isinstance(graph, dict) else ():
        if isinstance(edges, list):
            return True
        for edge in edges.values() if isinstance(edges, dict) else ():
            if isinstance(edge, list) or (
                isinstance(edge, dict) and not {"condition", "conditions"}.isdisjoint(edge)
            ):
                return True
    return False


def is_old(value: dict[str, Any]) -> bool:
    """Whether the file is of before `version: 1`."""
    return "version" not in value


def habit(value: dict[str, Any], problems: Problems) -> Note:
    """How to note what older files may do and today's may not: a warning there, an error here."""
    return problems.warning if is_old(value) else problems.error


def template(text: str, mark: SourceMark, value: dict[str, Any], problems: Problems) -> str:
    """The template, of the file with this `value`, in today's Liquid."""
    found = _TRIPLE.search(text)
    if found is not None:
        problems.warning(
            "old_braces",
            f"`{found.group()}` is the older way",
            mark,
            f"write `{{{{ {found.group(1)} }}}}`",
        )
        text = _TRIPLE.sub(r"{{ \1 }}", text)
    if _BODY.search(text):
        note = habit(value, problems)
        note("old_body", "`{{ $body }}` is the older way", mark, "write `{{ _body }}`")
        text = _BODY.sub(r"\1_body", text)
    return text


def warn(workflow: Workflow, document: Document, problems: Problems) -> None:
    """Points at edges of older dialects."""
    for source, edges in workflow.graph.items():
        for status, edge in edges.items():
            mark = document.mark(("graph", source, status), key=True)
            if status == ANY and len(edges) == 1:
                problems.warning(
                    "old_any_edge",
                    f"`{ANY}` is the older way",
                    mark,
                    _instead_of_any(workflow, source),
                )
            if edge.target == SUSPEND and source != START:
                problems.warning(
                    "old_suspend_edge",
                    f"`{SUSPEND}` as a target is the older way",
                    document.mark(("graph", source, status, "role")),
                    f"let the role reply `$status: {SUSPEND}` with a `reason`",
                )


def modernise(workflow: Workflow) -> Workflow:
    """The same graph without `_` edges, wherever today's form says the same."""
    return replace(
        workflow,
        graph={source: _named(workflow, source, edges) for source, edges in workflow.graph.items()},
    )


def _named(workflow: Workflow, source: str, edges: dict[str, Edge]) -> dict[str, Edge]:
    if list(edges) != [ANY]:
        return edges
    if source == START:
        return {"new": edges[ANY]}
    known = statuses(workflow.roles[source].schema)
    return dict.fromkeys(known, edges[ANY]) or edges


def _instead_of_any(workflow: Workflow, source: str) -> str:
    if source == START:
        return "write `new`, and `resume` if later rounds begin differently"
    role = workflow.roles.get(source)
    known = statuses(role.schema) if role else []
    named = ", ".join(f"`{status}`" for status in known) or "the `$status` values of its schema"
    return f"write one edge for each status: {named}"
